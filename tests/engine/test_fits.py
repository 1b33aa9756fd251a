"""What holds the song in memory is refused when the song does not fit; what works in tiles never is."""

from __future__ import annotations

from pathlib import Path

import pytest

from midistems_graph.document.graph import Address
from midistems_graph.engine import run as running
from midistems_graph.engine.machine import memory_bytes
from midistems_graph.engine.run import prepare
from midistems_graph.engine.wiring import PlanError
from small_runs import graph, library, write_song

BEST = graph(
    {"song": "io.load", "split": "small.split", "best": "control.best", "by": "score.overlap"},
    "song.out -> split.audio; song.out -> best.mixture; split.out -> best.candidates[0]; by.scorer -> best.scorer",
)
TILED = graph(
    {"song": "io.load", "split": "small.split", "measure": "measure.null_depth"},
    "song.out -> split.audio; song.out -> measure.mixture; split.out -> measure.stems",
)


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_song(tmp_path / "song.wav", seconds=60)


def test_a_node_that_holds_the_song_is_refused_with_its_name_and_what_to_do(song, monkeypatch):
    monkeypatch.setattr(running, "memory_bytes", lambda: 1_000_000)
    with pytest.raises(PlanError, match=r"best \(control\.best\) holds the song .* 1\.0 minutes.* parts"):
        prepare(BEST, library(), {"song": song}, outputs=[Address("best", "stems")])


def test_it_runs_where_the_song_fits_and_tiles_always_do(song, monkeypatch):
    prepare(BEST, library(), {"song": song}, outputs=[Address("best", "stems")])
    monkeypatch.setattr(running, "memory_bytes", lambda: 1_000_000)
    prepare(TILED, library(), {"song": song})


def test_the_memory_of_this_machine_is_known_where_the_system_tells():
    found = memory_bytes()
    assert found is None or found > 100_000_000
