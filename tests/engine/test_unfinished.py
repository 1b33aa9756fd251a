"""Unfinished files: hidden, whole or gone, swept after a kill, and refusals that name what people asked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from midistems_graph.audio.files import SoundFileError
from midistems_graph.audio.writing import SoundWriter
from midistems_graph.engine import outputs as module
from midistems_graph.engine import unfinished
from midistems_graph.engine.naming import temporary_name
from midistems_graph.engine.outputs import CannotWrite, OutputFolder
from midistems_graph.engine.receipt import RECEIPT
from midistems_graph.node.contract import NodeError
from small_outputs import files, save


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failed_writer_leaves_nothing(out: Path, error: type[BaseException]) -> None:
    song = OutputFolder(out, template="{song}/a/{stem}").song("Demo", "d1")
    with pytest.raises(error), song.writer("save", "k").output("vocals", "wav") as file:
        file.path.write_text("half")
        assert file.path.parent == out / "Demo/a" and file.path.name.startswith(".") and file.path.suffix == ".wav"
        raise error
    assert not out.exists() and not song.outputs


def test_a_folder_that_another_run_takes_away_again_meanwhile_is_made_anew(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when two runs begin at a time: one looks whether it may write there, and leaves no trace of that."""
    made: list[Path] = []
    make = unfinished.make

    def made_and_gone(folder: Path) -> None:
        make(folder)
        made.append(folder)
        if len(made) == 1:
            folder.rmdir()

    monkeypatch.setattr(unfinished, "make", made_and_gone)
    save(OutputFolder(out).song("Demo", "d1"), "mine")
    assert made[:2] == [out, out] and files(out) == {"Demo - vocals.wav": "mine"}


def test_a_killed_run_leaves_a_hidden_file_that_the_next_one_sweeps(out: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from midistems_graph.engine.outputs import OutputFolder
song = OutputFolder(Path(sys.argv[1])).song("Demo", "d1")
writer = song.writer("save", "k", "{song}/{stem}")
with writer.output("drums", "wav") as file:
    file.path.write_text("whole")
with writer.output("vocals", "wav") as file, writer.output("in the root", "wav"):
    file.path.write_text("half")
    Path(file.path.parent.parent / file.path.name).write_text("half")
    file.path.with_name(f".{file.path.name}.part-0123abcd").write_text("half")
    os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", code, str(out)], check=False).returncode != 0
    assert "Demo/drums.wav" in files(out) and "Demo/vocals.wav" not in files(out)
    assert sum(name.rpartition("/")[2].startswith(".") for name in files(out)) == 4
    (out / ".mine.part.wav").write_text("mine")
    folder = OutputFolder(out)
    assert sum(name.startswith(".") for name in files(out)) == 1
    song = folder.song("Demo", "d1")
    assert song.current("save", "k") is None
    writer = song.writer("save", "k", "{song}/{stem}")
    for stem in ("drums", "vocals"):
        with writer.output(stem, "wav") as file:
            file.path.write_text("whole")
    assert [output.status for output in song.outputs] == ["up to date", "written"]
    assert set(files(out)) == {"Demo/drums.wav", "Demo/vocals.wav", ".mine.part.wav"}


def raises(error: OSError) -> Callable[..., None]:
    def function(*_: object, **__: object) -> None:
        raise error

    return function


@pytest.mark.parametrize("name", ["sync", "file_digest", "Book.updated"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(out: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    song = OutputFolder(out).song("Demo", "d1")
    monkeypatch.setattr(f"{module.__name__}.{name}", raises(OSError(28, "No space left on device")))
    with pytest.raises(CannotWrite, match=r"Demo - vocals\.wav could not be written: the disk is full"):
        save(song, "one")
    assert not out.exists()


def test_a_full_disk_within_the_writer_names_the_final_file(out: Path) -> None:
    writer = OutputFolder(out).song("Demo", "d1").writer("save", "k")
    with pytest.raises(CannotWrite, match=r"Demo - vocals\.wav could not be written"), writer.output("vocals", "wav"):
        raise OSError(28, "No space left on device")
    with pytest.raises(SoundFileError, match=r"^Demo - vocals\.flac: "), writer.output("vocals", "flac") as file:
        SoundWriter(file.path, rate=44100, channels=9, frames=1, format="flac")
    with pytest.raises(NodeError, match=r"^Demo - vocals\.wav has"), writer.output("vocals", "wav") as file:
        raise NodeError(f"{file.path.name} has 9 channels")
    with pytest.raises(FileNotFoundError, match="model"), writer.output("vocals", "wav"):
        Path("no such model").read_bytes()
    assert not out.exists()


def test_a_folder_that_cannot_be_made_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file/out"):
        with pytest.raises(CannotWrite, match="a file stands where a folder is needed"):
            OutputFolder(folder)
    monkeypatch.setattr(Path, "touch", raises(PermissionError(13, "Permission denied")))
    with pytest.raises(CannotWrite, match="you may not write there"):
        OutputFolder(tmp_path / "out/deep")
    assert not (tmp_path / "out").exists()


def test_the_hidden_folder_of_a_run_that_is_over_is_not_made_again(tmp_path: Path) -> None:
    hidden = tmp_path / temporary_name("cluster")
    hidden.mkdir()
    folder = OutputFolder(hidden / "song")
    hidden.rmdir()
    with pytest.raises(CannotWrite, match="the run that this is for is over"):
        save(folder.song("Demo", "d1"), "content")
    with pytest.raises(CannotWrite, match="the run that this is for is over"):
        OutputFolder(hidden / "song")
    assert not hidden.exists()


def test_sound_is_written_through(out: Path) -> None:
    song = OutputFolder(out).song("Demo", "d1")
    samples = np.linspace(-1, 1, 1000, dtype=np.float32)[None]
    with (
        song.writer("save", "k").output("vocals", "wav") as file,
        SoundWriter(file.path, rate=44100, channels=1, frames=1000) as writer,
    ):
        writer.write(samples)
    assert np.array_equal(soundfile.read(song.outputs[0].path, dtype="float32")[0], samples[0])
    assert {path.name for path in out.iterdir()} == {"Demo - vocals.wav", RECEIPT}
