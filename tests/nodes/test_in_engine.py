"""Nodes whose ports or first passes are unusual, run by the engine itself on a short song."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from midistems_graph.document.graph import Address, Graph, Node
from midistems_graph.engine.run import execute, prepare
from midistems_graph.engine.store import DiskStore
from midistems_graph.node import installed

LIBRARY = installed()
RATE = 16000
SMALL = {"n_fft": 512, "hop": 128}


@pytest.fixture
def song(tmp_path: Path) -> Path:
    time = np.arange(25 * RATE) / RATE  # three tiles
    rng = np.random.default_rng(0)
    tones = 0.2 * np.sin(2 * np.pi * 330 * time) * (np.sin(3 * time) > 0)
    hits = 0.2 * rng.standard_normal(len(time)) * np.exp(-20 * (time % 0.5))
    path = tmp_path / "song.wav"
    soundfile.write(path, np.stack([tones + hits, 0.5 * tones + hits], axis=1), RATE, subtype="FLOAT")
    return path


def run(song: Path, nodes: dict[str, Node], edges: list[tuple[str, str]], outputs: list[str]):
    graph = Graph().with_node("song", Node("io.load"))
    for name, node in nodes.items():
        graph = graph.with_node(name, node)
    for source, target in edges:
        graph = graph.with_edge(source, target)
    plan, _ = prepare(graph, LIBRARY, {"song": song}, outputs=[Address(*port.split(".")) for port in outputs])
    result = execute(graph, plan, LIBRARY, store=DiskStore(song.parent / "store", 1 << 30))
    assert not result.failures, result.failures
    return result


TWO = {
    "one": Node("separate.hpss", knobs=SMALL),
    "two": Node("separate.hpss", knobs={"n_fft": 2048, "hop": 512}),
}
FROM_SONG = [("song.out", "one.mixture"), ("song.out", "two.mixture")]


def test_a_first_pass_over_several_estimates(song):
    nodes = {**TWO, "it": Node("blend.quietest", knobs={"parts": 20}), "null": Node("measure.null_depth")}
    edges = [*FROM_SONG, ("one.out", "it.estimates[0]"), ("two.out", "it.estimates[1]"), ("song.out", "null.mixture")]
    assert run(song, nodes, [*edges, ("it.out", "null.stems")], ["null.out"]).scores[0].value < 0


def test_a_fit_drives_a_mixer(song):
    """Fitted on one of its own members, the mixer gives that member back."""
    mixer = Node("blend.mixer", knobs={"names": ("harmonic", "percussive")})
    nodes = {
        **TWO,
        "fit": Node("blend.fit_mixer", knobs={"stiffness": 0.0}),
        "mixer": mixer,
        "it": Node("measure.compare"),
    }
    edges = [*FROM_SONG, ("one.out", "fit.references"), ("fit.fitted", "mixer.fitted"), ("mixer.out", "it.estimates")]
    edges += [(f"{name}.out", f"{to}.estimates[{i}]") for to in ("fit", "mixer") for i, name in enumerate(TWO)]
    result = run(song, nodes, [*edges, ("one.out", "it.references")], ["it.out"])
    figures = {score.row: score.value for score in result.scores if score.name == "si_sdr"}
    assert figures["harmonic"] > 60 and figures["percussive"] > 60


def test_augmentation_asks_a_separator(song):
    nodes = {
        **TWO,
        "it": Node("separate.augmented", knobs={"shifts": 1, "farthest": 0.1, "speeds": (105.0,)}),
        "compare": Node("measure.compare"),
    }
    edges = [("song.out", "one.mixture"), ("one.separator", "it.separator"), ("song.out", "it.mixture")]
    edges += [("it.out", "compare.estimates"), ("one.out", "compare.references")]
    result = run(song, nodes, edges, ["compare.out"])
    figures = {score.row: score.value for score in result.scores if score.name == "si_sdr"}
    assert 10 < figures["harmonic"] < 80


@pytest.mark.parametrize(("node", "knobs"), [
    ("spatial.wiener", SMALL), ("spatial.mvdr", SMALL), ("phase.recover", SMALL), ("phase.partial", SMALL),
    ("consistency.tree", SMALL),
])  # fmt: skip
def test_refiners_run_in_tiles(song, node, knobs):
    nodes = {"one": TWO["one"], "it": Node(node, knobs=knobs), "null": Node("measure.null_depth")}
    edges = [("song.out", "one.mixture"), ("song.out", "it.mixture"), ("one.out", "it.stems")]
    result = run(song, nodes, [*edges, ("song.out", "null.mixture"), ("it.out", "null.stems")], ["null.out"])
    assert result.scores[0].value < (0 if node == "spatial.mvdr" else -120)


def test_curves_and_delays_are_figures(song):
    nodes = {
        "one": TWO["one"],
        "curve": Node("phase.convergence", knobs={**SMALL, "iterations": 2}),
        "low": Node("filter.gain", knobs={"gain": -6.0, "invert": True}),
        "offset": Node("measure.offset"),
    }
    edges = [("song.out", "one.mixture"), ("song.out", "curve.mixture"), ("one.out", "curve.stems")]
    edges += [("one.out", "curve.references"), ("song.out", "low.signal"), ("low.out", "offset.audio")]
    result = run(song, nodes, [*edges, ("song.out", "offset.reference")], ["curve.curve", "offset.level"])
    assert [score.row for score in result.scores if score.name == "sdr"] == ["0", "1", "2"]
    figures = [score.value for score in result.scores if score.node == "offset"]
    assert figures == pytest.approx([0, -6, -1], abs=0.01)  # late by, louder by, alike
