"""What a plan would cost: the forecast follows the same keys as a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from midistems_graph.document.graph import Graph, Node
from midistems_graph.engine import execute
from midistems_graph.engine.costs import Cost, Costs, Kind
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.forecast import NodeForecast, forecast, remember_memory
from midistems_graph.engine.plan import Plan
from midistems_graph.engine.run import prepare
from midistems_graph.engine.sizes import signal_samples
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


@pytest.fixture(autouse=True)
def new_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was ever run on this machine."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


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


def _costs(plan: Plan, **rates: float) -> Costs:
    """Costs of nodes in seconds per second of the song."""
    samples, seconds = signal_samples(plan), float(plan.total)
    worked = {name: sum(samples(unit) for unit in plan.units if unit.node == name) for name in rates}
    return Costs({Kind.of(plan.nodes[name]): Cost(worked[name], r * seconds, 100.0) for name, r in rates.items()})


def test_time_is_what_it_cost_per_second_of_sound(song: Path) -> None:
    plan = _plan(song)
    told = forecast(plan, MemoryStore(), jobs=1, costs=_costs(plan, load=0.1, hpss=0.4, null=0.2))
    seconds = {node.address: node.seconds for node in told.nodes}
    assert [seconds[name] for name in ("load", "hpss", "null")] == pytest.approx([2.5, 10.0, 5.0])
    assert told.seconds == pytest.approx(17.5) and told.elapsed == pytest.approx(17.5)


def test_other_knobs_cost_what_the_type_costs_until_they_have_run(song: Path) -> None:
    plan = _plan(song)
    told = forecast(_plan(song, margin=2.0), MemoryStore(), costs=_costs(plan, hpss=0.4))
    assert {node.address: node.seconds for node in told.nodes}["hpss"] == pytest.approx(10.0)
    assert told.has_unknown_seconds


def test_two_threads_take_half_as_long_but_not_for_what_waits(song: Path) -> None:
    """Tiles of 10, 10 and 5 s: the loads, then two of HPSS at once and one after them, then the measure alone."""
    plan = _plan(song)
    told = forecast(plan, MemoryStore(), jobs=2, costs=_costs(plan, load=0.001, hpss=0.4, null=0.2))
    assert told.elapsed == pytest.approx(4 + 2 + 5, abs=0.05)


@pytest.mark.parametrize(("cpu", "share"), [(1e6, 1.0), (0.0, 0.0)], ids=["idle", "all for others"])
def test_a_run_teaches_what_the_next_forecast_says_less_the_time_that_others_had(
    song: Path, monkeypatch: pytest.MonkeyPatch, cpu: float, share: float
) -> None:
    seconds = iter((0.0, cpu))
    monkeypatch.setattr(execute, "cpu_seconds", lambda: next(seconds))
    plan = _plan(song)
    assert forecast(plan, MemoryStore()).has_unknown_seconds
    executor = Executor(plan, installed(), store=MemoryStore(), jobs=1)
    executor.run()
    told = {node.address: node for node in forecast(plan, MemoryStore(), jobs=1).nodes}
    for name in ("load", "hpss", "null"):
        assert told[name].seconds == pytest.approx(share * executor.reports[name].seconds, rel=0.01)


def test_memory_is_what_a_run_of_these_nodes_took(song: Path) -> None:
    plan, store = _plan(song), MemoryStore()
    one, two = (forecast(plan, store, jobs=jobs).memory for jobs in (1, 2))
    remember_memory(plan, 2 * two, jobs=2)
    assert forecast(plan, store, jobs=2).memory == pytest.approx(2 * two, rel=1e-3)
    assert one < two and forecast(plan, store, jobs=1).memory == pytest.approx(2 * one, rel=1e-3)
    assert forecast(_plan(song, margin=2.0), store, jobs=2).memory == two


def test_looking_computes_and_stores_nothing(song: Path) -> None:
    store = MemoryStore()
    forecast(_plan(song), store)
    assert store.size() == 0
