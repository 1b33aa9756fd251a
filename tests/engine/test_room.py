"""What a run will write, foretold, against what it then wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from midistems_graph.document.data import from_data
from midistems_graph.engine.outputs import OutputFolder
from midistems_graph.engine.room import free_bytes, written_bytes
from midistems_graph.engine.run import execute, prepare
from midistems_graph.node.library import installed


@pytest.mark.parametrize("format", ["wav", "wav24", "wav16", "flac"])
def test_what_is_foretold_is_what_is_written(tmp_path: Path, format: str) -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (44100, 2))
    soundfile.write(tmp_path / "song.wav", noise, 44100, subtype="FLOAT")
    nodes = {"load": {"type": "io.load"}, "hpss": {"type": "separate.hpss"},
             "save": {"type": "io.save", "knobs": {"format": format}}}  # fmt: skip
    edges = [{"from": "load.out", "to": "hpss.mixture"}, {"from": "hpss.out", "to": "save.stems"}]
    graph = from_data({"format": "midistems-graph", "version": 1, "nodes": nodes, "edges": edges})
    plan, _ = prepare(graph, installed(), {"song": tmp_path / "song.wav"})
    outputs = OutputFolder(tmp_path / "out").song("song", plan.bindings.song_digest)
    foretold = written_bytes(plan)
    execute(graph, plan, installed(), store=None, outputs=outputs)
    written = sum(output.path.stat().st_size for output in outputs.outputs)
    assert written / 1.5 < foretold < written * 1.5 and outputs.held_bytes() == written


def test_the_free_space_of_a_folder_that_is_not_there_yet_is_that_of_its_disk(tmp_path: Path) -> None:
    free = free_bytes(tmp_path / "not" / "there")
    assert free is not None and free > 0
