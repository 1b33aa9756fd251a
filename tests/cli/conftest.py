"""A home of its own for every test, a song, graphs, and the programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import SPLIT, SPLIT_EDGES, Program, program, write_graph, write_song

from midistems_graph.cli import main as main_program
from midistems_graph.cli import run_graph


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of the test; caches and logs go below it."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("MIDISTEMS_STORE", "MIDISTEMS_MODELS", "MIDISTEMS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def song(home: Path) -> Path:
    """1 s of stereo, 44.1 kHz."""
    return write_song(home / "song.wav")


@pytest.fixture
def split(home: Path) -> Path:
    """Load, split into three stems, save, and measure how well they null."""
    return write_graph(home / "split.json", SPLIT, *SPLIT_EDGES, title="Split")


@pytest.fixture
def copy(home: Path) -> Path:
    """Load and save."""
    return write_graph(home / "copy.json", {"load": "io.load", "save": "io.save"}, "load.out -> save.stems")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Program:
    """run-graph in this process."""
    return program(run_graph.main, capsys)


@pytest.fixture
def midistems(capsys: pytest.CaptureFixture[str]) -> Program:
    """midistems-graph in this process."""
    return program(main_program.main, capsys)
