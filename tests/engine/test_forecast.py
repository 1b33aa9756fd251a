"""What a plan would cost: the forecast follows the same keys as a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from midistems_graph.document.graph import Graph, Node
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.forecast import NodeForecast, forecast
from midistems_graph.engine.plan import Plan
from midistems_graph.engine.run import prepare
from midistems_graph.engine.store import MemoryStore
from midistems_graph.node import installed

RATE = 8000


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """25 s, so three tiles."""
    path = tmp_path / "song.wav"
    samples = np.random.default_rng(2).uniform(-0.5, 0.5, (25 * RATE, 2)).astype(np.float32)
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    return path


def _graph(margin: float = 1.0) -> Graph:
    """Through a derived node, a tiled one and a measure."""
    graph = Graph().with_node("load", Node("io.load")).with_node("gain", Node("filter.gain"))
    graph = graph.with_node("hpss", Node("separate.hpss", knobs={"n_fft": 512, "hop": 128, "harmonic_margin": margin}))
    graph = graph.with_node("null", Node("measure.null_depth"))
    for source, target in (("load.out", "gain.signal"), ("gain.out", "hpss.mixture"), ("gain.out", "null.mixture"),
                           ("hpss.out", "null.stems")):  # fmt: skip
        graph = graph.with_edge(source, target)
    return graph


def _plan(song: Path, margin: float = 1.0) -> Plan:
    return prepare(_graph(margin), installed(), {"song": song})[0]


def _nodes(plan: Plan, store: MemoryStore) -> dict[str, NodeForecast]:
    return {node.address: node for node in forecast(plan, store).nodes}


def _run(plan: Plan, store: MemoryStore) -> None:
    executor = Executor(plan, installed(), store=store)
    executor.run()
    assert not executor.failures


def test_nothing_is_known_of_an_empty_store(song: Path) -> None:
    nodes = _nodes(_plan(song), MemoryStore())
    assert [(node.units, node.cached) for node in nodes.values()] == [(3, 0), (0, 0), (3, 0), (1, 0)]
    assert nodes["hpss"].seconds is None


def test_audio_and_named_stems_have_a_known_size(song: Path) -> None:
    nodes = _nodes(_plan(song), MemoryStore())
    assert nodes["load"].nbytes == 25 * RATE * 2 * 4
    assert nodes["hpss"].nbytes == 3 * 25 * RATE * 2 * 4


def test_after_a_run_everything_is_there(song: Path) -> None:
    store, plan = MemoryStore(), _plan(song)
    _run(plan, store)
    told = forecast(plan, store)
    assert told.cached == told.units == 7
    assert told.seconds == told.nbytes == told.memory == 0


def test_a_changed_knob_leaves_what_is_above_it(song: Path) -> None:
    store = MemoryStore()
    _run(_plan(song), store)
    nodes = _nodes(_plan(song, margin=2.0), store)
    assert {address: node.cached for address, node in nodes.items()} == {"load": 3, "gain": 0, "hpss": 0, "null": 0}


def test_time_is_what_the_store_remembers_per_byte(song: Path) -> None:
    store = MemoryStore()
    _run(_plan(song), store)
    spent = store.spent("separate.hpss")
    assert spent is not None and spent.units == 3
    assert _nodes(_plan(song, margin=2.0), store)["hpss"].seconds == pytest.approx(spent.seconds)


def test_looking_computes_and_stores_nothing(song: Path) -> None:
    store = MemoryStore()
    forecast(_plan(song), store)
    assert store.size() == 0 and store.spent("io.load") is None
