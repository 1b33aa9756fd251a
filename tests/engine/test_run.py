"""One graph on one song, through `prepare` and `execute`."""

from __future__ import annotations

import gc
import os
import weakref
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from midistems_graph.engine.run import execute, prepare
from midistems_graph.node import Audio, Number, installed, node
from midistems_graph.node.library import NodeLibrary
from small_runs import broken, graph, write_song


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="asks Linux which files are open")
def test_a_run_that_is_over_keeps_no_file_open(tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav", seconds=1)
    made = graph({"song": "io.load", "loud": "measure.loudness"}, "song.out -> loud.audio")
    plan, _ = prepare(made, installed(), {"song": song})
    result = execute(made, plan, installed(), store=None)
    assert result.scores and not result.failures
    assert os.fspath(song) not in {os.path.realpath(handle) for handle in Path("/proc/self/fd").iterdir()}


def test_a_derived_figure_below_a_failed_node_is_left_out_and_the_failure_told(tmp_path: Path) -> None:
    @node("test.level", derived=True)
    def level(audio: Audio) -> Number:
        """The first sample."""
        return Number(float(audio.samples[0, 0]))

    types = NodeLibrary.of([*installed(), broken, level])
    made = graph(
        {"song": "io.load", "bad": broken.id, "level": "test.level"}, "song.out -> bad.audio; bad.out -> level.audio"
    )
    plan, _ = prepare(made, types, {"song": write_song(tmp_path / "song.wav", seconds=1)})
    result = execute(made, plan, types, store=None)
    assert [failure.node for failure in result.failures] == ["bad"]
    assert result.scores == ()


def test_a_run_that_is_over_keeps_no_values_in_memory(tmp_path: Path) -> None:
    made_here: list[weakref.ref[npt.NDArray[np.float32]]] = []

    @node("test.copy", derived=True)
    def copied(audio: Audio) -> Audio:
        """The same sound in an array of its own."""
        samples = audio.samples.copy()
        made_here.append(weakref.ref(samples))
        return Audio(samples, audio.span)

    types = NodeLibrary.of([*installed(), copied])
    made = graph(
        {"song": "io.load", "copy": "test.copy", "loud": "measure.loudness"},
        "song.out -> copy.audio; copy.out -> loud.audio",
    )
    plan, _ = prepare(made, types, {"song": write_song(tmp_path / "song.wav", seconds=1)})
    gc.disable()
    try:
        result = execute(made, plan, types, store=None)
        assert result.scores and made_here and not any(array() is not None for array in made_here)
    finally:
        gc.enable()
