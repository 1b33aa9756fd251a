"""Searches that the editor begins: the command that a person would type, in a process of its own."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from midistems_graph.audio.demo import demo_path
from midistems_graph.editor.runs.search_process import SearchOrder, SearchProcess


def order(folder: Path, song: Path) -> SearchOrder:
    return SearchOrder("sweep", folder / "g.json", song, folder / "out", "si_sdr", {"a.b": "1,2", "c": "1:2:3"}, folder)


def test_an_order_is_what_one_would_type(tmp_path: Path) -> None:
    words = order(tmp_path, tmp_path / "s.wav").words
    assert words[:3] == ["sweep", str(tmp_path / "g.json"), str(tmp_path / "s.wav")]
    assert words[3:] == [
        *("--score", "si_sdr", "-o", str(tmp_path / "out")),
        *("--vary", "a.b=1,2", "--vary", "c=1:2:3", "--reference", str(tmp_path)),
    ]
    assert order(tmp_path, demo_path()).words[2] == "demo" and "--reference" not in order(tmp_path, demo_path()).words


def test_what_cannot_be_searched_is_said_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever lies in the folder where the program runs: a file there is no part of it."""
    (tmp_path / "argparse.py").write_text("raise SystemExit('a file among the songs was run')")
    monkeypatch.chdir(tmp_path)
    process = SearchProcess(order(tmp_path, tmp_path / "s.wav"))
    deadline = time.monotonic() + 60
    while not process.is_over:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.close()
    assert "g.json" in process.problem and not process.problem.startswith("midistems-graph")
