"""A registered program separates in its own process; what it lacks is said; a graph cannot bring one."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from onnx import save
from tiny import times

from midistems_graph.document.graph import Graph, InputSlot, Node
from midistems_graph.models.adopt import adopt
from midistems_graph.models.external import register, separate
from midistems_graph.models.library import ENVIRONMENT, LibraryError, ModelLibrary
from midistems_graph.models.manifest import Manifest, ModelFile, write
from midistems_graph.node import Audio, NodeError, installed
from midistems_graph.node.contract import Cancelled
from midistems_graph.node.testing import FakeRun
from midistems_graph.rules.check import check
from midistems_graph.rules.problems import MissingModel

TOOL = """
import sys, numpy, soundfile
song, out, mode = sys.argv[1:]
x, rate = soundfile.read(song, always_2d=True)
if mode == "fails":
    print("loading"); print("CUDA is out of luck", file=sys.stderr); sys.exit(3)
if mode == "hangs":
    open(out + "/began", "w").close()
    import time; time.sleep(60)
if mode == "short":
    x, rate = x[:-100, :1], rate
for name, gain in (("Vocals", 0.25), ("Instrumental", 0.75)):
    if not (mode == "forgets" and name == "Vocals"):
        soundfile.write(f"{out}/song_({name})_model.wav", gain * x, rate, subtype="FLOAT")
"""
SONG = Audio.of(np.random.default_rng(0).normal(0, 0.1, (2, 4410)), 44100)


@pytest.fixture
def library(tmp_path: Path) -> ModelLibrary:
    (tmp_path / "tool.py").write_text(TOOL)
    return ModelLibrary(tmp_path / "models")


def command(library: ModelLibrary, mode: str = "works") -> list[str]:
    return [sys.executable, str(library.folder.parent / "tool.py"), "{input}", "{output}", mode]


def made(library: ModelLibrary, mode: str, run: FakeRun) -> dict[str, np.ndarray]:
    model = register(library, "tool", command(library, mode), ["vocals", "Accompaniment"], "1")
    stems = separate(model, SONG, run)
    return {name: stems[name].samples for name in stems}


def test_its_stems_come_back_by_name(library: ModelLibrary) -> None:
    run = FakeRun(SONG.span)
    found = made(library, "works", run)
    assert list(found) == ["vocals", "instrumental"]
    np.testing.assert_allclose(found["vocals"], 0.25 * SONG.samples, atol=1e-7)
    assert run.warnings == []


def test_what_comes_back_shorter_or_in_mono_is_said(library: ModelLibrary) -> None:
    run = FakeRun(SONG.span)
    found = made(library, "short", run)
    assert found["vocals"].shape == SONG.samples.shape
    assert not found["vocals"][:, -100:].any()
    assert any("mono" in one for one in run.warnings) and any("100 samples too short" in one for one in run.warnings)


def test_a_failure_has_the_programs_own_last_word(library: ModelLibrary) -> None:
    with pytest.raises(NodeError, match="tool ended with code 3: CUDA is out of luck"):
        made(library, "fails", FakeRun(SONG.span))


def test_a_stem_that_does_not_come_is_named(library: ModelLibrary) -> None:
    with pytest.raises(NodeError, match=r"gave song_\(Instrumental\)_model.wav, and none of that is 'vocals'"):
        made(library, "forgets", FakeRun(SONG.span))


def test_cancelling_ends_the_program(library: ModelLibrary) -> None:
    class Stopped(FakeRun):
        def check(self) -> None:
            raise Cancelled

    began = time.monotonic()
    before = threading.active_count()
    with pytest.raises(Cancelled):
        made(library, "hangs", Stopped(SONG.span))
    assert time.monotonic() - began < 30  # it would sleep for 60
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such-program", "{input}", "{output}"], "no program 'no-such-program'"),
        ([sys.executable, "{output}"], "write {input}"),
        ([sys.executable, "{input}"], "write {output}"),
        ([], "no program"),
    ],
)
def test_a_command_that_cannot_work_is_refused(library: ModelLibrary, words: list[str], said: str) -> None:
    with pytest.raises(LibraryError, match=said.replace("{", r"\{")):
        register(library, "tool", words, ["vocals"], "")
    assert list(library) == []


def test_the_version_and_the_command_decide_whether_stems_are_made_again(library: ModelLibrary) -> None:
    versions = ("1", "2", "1")
    digests = [register(library, "tool", command(library), ["vocals"], v).digest for v in versions]
    assert digests[0] == digests[2] != digests[1]
    assert register(library, "tool", command(library, "short"), ["vocals"], "1").digest != digests[0]


def test_no_file_brings_a_command(library: ModelLibrary, tmp_path: Path) -> None:
    """A manifest from elsewhere that claims to be a program is refused."""
    save(times([1, 2, 100], 1.0), tmp_path / "net.onnx")
    (tmp_path / "command.json").write_text('["/bin/sh", "{input}", "{output}"]')
    write(Manifest("evil", "external", ("vocals",), (ModelFile("command.json"), ModelFile("net.onnx"))),
          tmp_path / "model.toml")  # fmt: skip
    assert adopt(tmp_path / "net.onnx", library).state == "unusable"
    assert list(library) == []


def test_a_network_is_no_program(library: ModelLibrary, tmp_path: Path) -> None:
    save(times([1, 2, 44100], 1.0), tmp_path / "vocals.onnx")
    model = library.find(adopt(tmp_path / "vocals.onnx", library).model)
    with pytest.raises(NodeError, match=r"separate\.network"):
        separate(model, SONG, FakeRun(SONG.span))


def test_a_program_that_is_not_registered_is_a_missing_model(
    library: ModelLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(library.folder))
    graph = Graph().with_node("song", Node("io.load")).with_node("save", Node("io.save"))
    graph = graph.with_node("tool", Node("separate.external", knobs={"tool": "tool"}))
    graph = graph.with_edge("song.out", "tool.mixture").with_edge("tool.out", "save.stems")
    graph = replace(graph, inputs={"song": InputSlot()})
    assert [type(problem) for problem in check(graph, installed())] == [MissingModel]
    register(library, "tool", command(library), ["vocals", "instrumental"], "1")
    assert check(graph, installed()) == []


def test_a_song_goes_through_a_program_and_comes_back(library: ModelLibrary, tmp_path: Path) -> None:
    """What it is handed is the song to the last bit."""
    seen = tmp_path / "seen.wav"
    words = [sys.executable, "-c", f"import shutil, sys; shutil.copy(sys.argv[1], {str(seen)!r}); "
             "shutil.copy(sys.argv[1], sys.argv[2] + '/vocals.wav')", "{input}", "{output}"]  # fmt: skip
    stems = separate(register(library, "copy", words, ["vocals"], ""), SONG, FakeRun(SONG.span))
    np.testing.assert_array_equal(stems["vocals"].samples, SONG.samples)
    np.testing.assert_array_equal(soundfile.read(seen, dtype="float32")[0].T, SONG.samples)
