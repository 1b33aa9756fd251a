"""What a batch would cost: what was never run is unknown, what is done costs nothing, songs are at work together.

Here a batch takes a second to begin, as do its workers, who then load networks for three, and 100 MB.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Program, write_song
from rich.console import Console

from midistems_graph.cli.batch.manifest import Entry
from midistems_graph.cli.batch.result import Results, print_forecasts, together
from midistems_graph.cli.songs import Song
from midistems_graph.engine.costs import Costs

MB = 1_000_000


def foretold(song: str, elapsed: float, memory: float, seconds: float | None = 1.0) -> dict[str, object]:
    node = {"seconds": seconds, "writes": False}
    costs = {"cached": 0, "units": 4, "elapsed": elapsed, "start": 3, "memory": int(memory * MB)}
    return {"song": song, **costs, "bytes": MB, "files": 2 * MB, "nodes": [node, {"seconds": None, "writes": True}]}


def rows(capsys: pytest.CaptureFixture[str], at_once: int, *songs: dict[str, object]) -> list[list[str]]:
    results = Results()
    for number, one in enumerate(songs):
        entry = Entry("", "", 0, 0, "", "done", 0, 1, 0.0)
        results.add(number, Song(Path(str(one["song"]))), entry, {"forecast": [one]})
    print_forecasts(results, together(songs, at_once, begin=1, memory=100 * MB), Console(width=200))
    lines = capsys.readouterr().out.splitlines()
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines if " MB" in line]


def test_songs_are_at_work_together(capsys: pytest.CaptureFixture[str]) -> None:
    songs = [foretold("a", 30, 100), foretold("b", 20, 300), foretold("c", 10, 200)]
    assert rows(capsys, 2, *songs)[-1] == ["3 songs", "0 of 12", "35 s", "600 MB", "3.0 MB", "6.0 MB"]
    assert rows(capsys, 1, *songs)[-1] == ["3 songs", "0 of 12", "1:05 min", "400 MB", "3.0 MB", "6.0 MB"]
    assert len(rows(capsys, 1, songs[0])) == 1


def test_what_never_ran_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    told = rows(capsys, 2, foretold("a", 0, 1, None), foretold("b", 12, 1, None), foretold("c", 12, 1))
    assert [row[2] for row in told] == ["unknown", "12 s or more", "12 s", "17 s or more"]


def test_what_is_done_costs_nothing(run: Program, split: Path, home: Path) -> None:
    (home / "songs").mkdir()
    for number, name in enumerate("ab"):
        write_song(home / "songs" / f"{name}.wav", seconds=0.3, seed=number)
    assert "unknown" in (first := run(split, "songs", "-o", "out", "--dry-run")).out and not Path("out").exists()
    assert "2 of 2 songs were looked at" in first.err
    run(split, "songs", "-o", "out")
    assert any(kind.type == "" for kind in Costs.read().known)  # what memory such a run takes
    write_song(home / "songs" / "c.wav", seconds=0.6)
    again = run(split, "songs", "-o", "out", "--dry-run", "--no-cache")
    assert "3 of 3 songs were looked at, 2 of them are done already" in again.err
    assert [line.split()[0] for line in again.out.splitlines()[1:] if line.strip(" ─━")] == ["songs/c.wav"]
    assert "unknown" not in again.out
