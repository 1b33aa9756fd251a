"""midistems-graph models: what is here and what can be had, terms before a download, damage with an exit code."""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from command_line import Program, write_graph
from onnx import TensorProto, helper, numpy_helper, save

from midistems_graph.cli import models as commands  # before a test exchanges the catalogue that it takes over
from midistems_graph.models import catalogue as module
from midistems_graph.models.catalogue import Entry, Source, catalogue
from midistems_graph.models.library import ModelLibrary

CONTENT = b"network"


@pytest.fixture
def offered(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalogue of one free and one restricted model, whose file lies here; nothing can be downloaded."""
    source = Source("net.onnx", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), "https://models.invalid/net.onnx",
                    ("vocals",))  # fmt: skip
    free = Entry("free", "Free", ("vocals",), (source,), contract="spleeter", licence="MIT", commercial="yes")
    bound = Entry("bound", "Bound", ("vocals",), (source,), contract="spleeter", licence="CC-BY-NC-4.0",
                  commercial="no", scores={"vocals": 8.04}, metric="SDR of a test", published="a page")  # fmt: skip
    monkeypatch.setattr(module, "catalogue", lambda: {entry.name: entry for entry in (free, bound)})
    monkeypatch.setattr(commands, "catalogue", module.catalogue)
    monkeypatch.setenv("MIDISTEMS_OFFLINE", "1")
    (home / "net.onnx").write_bytes(CONTENT)
    return home / "net.onnx"


def test_the_list_has_the_whole_catalogue(midistems: Program) -> None:
    for words in ((), ("list",)):
        shown = midistems("models", *words).out
        assert all(name in shown for name in catalogue())
    listed = midistems("models", "list", "--json").json
    assert [one["name"] for one in listed] == list(catalogue())
    voice = next(one for one in listed if one["name"] == "uvr-mdx-voc-ft")
    assert voice["state"] == "can be had" and voice["scores"]["values"]["vocals"] == 10.15
    assert voice["files"][0]["sha256"].startswith("534b2070")


def test_a_model_is_got_listed_verified_and_removed(midistems: Program, offered: Path) -> None:
    ended = midistems("models", "get", "free", "--from", offered)
    assert ended.code == 0 and "free is in the library" in ended.out
    assert ended.err.index("licence  MIT") < ended.err.index("source")
    listed = midistems("models", "list", "--json").json
    assert [(one["name"], one["state"]) for one in listed] == [("free", "here"), ("bound", "can be had")]
    assert midistems("models", "verify").out == "free is sound\n"
    ended = midistems("models", "get", "free")  # nothing can be downloaded here
    assert ended.code == 0 and "in the library already" in ended.out
    assert midistems("models", "remove", "free").code == 0
    assert offered.exists()
    assert "no models" in midistems("models", "verify").out


def test_terms_that_forbid_commercial_use_need_a_word(midistems: Program, offered: Path) -> None:
    ended = midistems("models", "get", "bound", "--from", offered)
    assert ended.code == 2
    assert "CC-BY-NC-4.0; not for commercial use" in ended.err and "--accept-licence" in ended.err
    assert "vocals 8.0 dB (SDR of a test; says a page)" in ended.err
    assert list(ModelLibrary.default()) == []
    assert midistems("models", "get", "bound", "--from", offered, "--accept-licence").code == 0
    assert list(ModelLibrary.default()) == ["bound"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "code"), [("yes\n", 0), ("\n", 2), ("no\n", 2)])
def test_on_a_terminal_a_yes_will_do(
    midistems: Program, offered: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert midistems("models", "get", "bound", "--from", offered).code == code
    assert bool(list(ModelLibrary.default())) == (code == 0)


def test_a_model_that_cannot_be_had_is_8(midistems: Program, offered: Path) -> None:
    ended = midistems("models", "get", "free")
    assert ended.code == 8 and len(ended.sentences) == 1 and "MIDISTEMS_OFFLINE is set" in ended.err
    offered.write_bytes(b"else")
    ended = midistems("models", "get", "free", "--from", offered)
    assert ended.code == 8 and "is not the net.onnx that was published" in ended.err
    assert midistems("models", "remove", "free").code == 8
    assert midistems("models", "verify", "free").code == 8


def test_a_name_that_the_catalogue_lacks_is_2_with_the_nearest(midistems: Program) -> None:
    ended = midistems("models", "get", "spleeter-2stem")
    assert ended.code == 2 and "did you mean spleeter-2stems?" in ended.err


def test_a_damaged_model_is_7_and_listed_as_what_it_is(midistems: Program, offered: Path) -> None:
    midistems("models", "get", "free", "--from", offered)
    offered.write_bytes(b"netw0rk")
    ended = midistems("models", "verify")
    assert ended.code == 7 and "has changed" in ended.out
    offered.unlink()
    assert midistems("models", "verify").code == 7
    (broken, _) = json.loads(midistems("models", "list", "--json").out)
    assert broken["state"] == "broken" and "links to" in broken["problem"]
    assert "broken" in midistems("models").out


def test_a_library_that_cannot_be_written_is_6(
    midistems: Program, offered: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIDISTEMS_MODELS", str(offered))
    ended = midistems("models", "get", "free", "--from", offered)
    assert ended.code == 6 and "cannot be written" in ended.err


def write_network(path: Path, shape: list[int | str]) -> Path:
    """A network that gives what it takes."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("in", "out")]
    graph = helper.make_graph([helper.make_node("Identity", ["in"], ["out"])], "same", ends[:1], ends[1:])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8), path)
    return path


def test_a_file_is_inspected_completed_and_added(midistems: Program, home: Path) -> None:
    file = write_network(home / "My Vocals.onnx", [1, 4, 2048, 256])
    ended = midistems("models", "add", file)
    assert ended.code == 4 and "MDX-Net" in ended.out and "n_fft" in ended.out and "inspect" in ended.err
    ended = midistems("models", "inspect", file)
    assert ended.code == 0 and "# still needed: the parameter n_fft" in ended.out
    draft = ended.out.replace("[parameters]", "[parameters]\nn_fft = 6144").replace("stem_1", "vocals")
    (home / "My Vocals.toml").write_text(draft)
    ended = midistems("models", "add", file)
    assert ended.code == 0 and "added as my-vocals; My Vocals.toml beside it says so" in ended.out
    data = midistems("models", "inspect", file, "--json").json
    assert data["ready"] and data["manifest"]["parameters"]["n_fft"] == 6144
    assert midistems("models", "list", "--json").json[0]["files"][0]["path"] == str(file)


def test_a_file_of_no_known_family_is_listed_with_its_shapes(midistems: Program, home: Path) -> None:
    ended = midistems("models", "inspect", write_network(home / "odd.onnx", [3, 5, 7, 9, 11]))
    assert ended.code == 0 and "takes in [3, 5, 7, 9, 11]" in ended.out and "no known family" in ended.out
    assert tomllib.loads(ended.out)["files"][0]["file"] == "odd.onnx"


def test_a_folder_of_another_program_is_taken_in(midistems: Program, home: Path) -> None:
    theirs = home / "their models"
    theirs.mkdir()
    file = write_network(theirs / "vocals.onnx", [1, 2, 44100])
    (theirs / "1_HP-UVR.pth").write_bytes(b"")
    ended = midistems("models", "add", "--from-uvr", theirs)
    assert ended.code == 0
    assert "vocals.onnx: added as vocals" in ended.out and "1_HP-UVR.pth: checkpoint; a network of Ult" in ended.out
    assert "vocals.onnx: here as vocals" in midistems("models", "add", "--from-uvr", theirs).out
    assert midistems("models", "add", file, "--copy", "--name", "mine").code == 0
    assert midistems("models", "verify").out == "mine is sound\nvocals is sound\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["add"], 2),
        (["add", "--from-uvr", "nowhere"], 4),
        (["add", "--from-uvr", "."], 4),
        (["add", "a.onnx", "b.onnx", "--name", "c"], 2),
        (["add", "nowhere.onnx"], 4),
        (["inspect", "nowhere.onnx"], 4),
        (["inspect", "a.ckpt"], 4),
    ],
)
def test_what_cannot_be_taken_in_is_said(midistems: Program, home: Path, words: list[str], code: int) -> None:
    ended = midistems("models", *words)
    assert ended.code == code and len(ended.sentences) == 1


def write_convolution(path: Path) -> Path:
    """A waveform network that smooths a little, by a convolution that can be quantised. As HTDemucs does it counts with
    more than half precision holds."""
    weights = np.zeros((2, 2, 1, 3), np.float32)
    weights[[0, 1], [0, 1]] = [[0.2, 0.7, 0.13]]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2, 44100]) for name in ("in", "out")]
    nodes = [
        helper.make_node("Unsqueeze", ["in", "axis"], ["deep"]),
        helper.make_node("Conv", ["deep", "w"], ["smooth"], pads=[0, 1, 0, 1]),
        helper.make_node("Cast", ["count"], ["many"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["smooth", "many"], ["all"]),
        helper.make_node("Div", ["all", "many"], ["mean"]),
        helper.make_node("Squeeze", ["mean", "axis"], ["out"]),
    ]
    fixed = {"axis": np.array([2]), "w": weights, "count": np.array([100_000])}
    constants = [numpy_helper.from_array(array, name) for name, array in fixed.items()]
    graph = helper.make_graph(nodes, "smooth", ends[:1], ends[1:], constants)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8), path)
    return path


def test_quantising_prints_what_it_costs_and_keeps_what_works(midistems: Program, home: Path, song: Path) -> None:
    midistems("models", "add", write_convolution(home / "vocals.onnx"))
    ended = midistems("models", "quantise", "vocals", "--song", song)
    assert ended.code == 5
    head, full, small = ended.out.splitlines()
    assert "SI-SDR against vocals" in head
    assert full.split()[0] == "vocals" and "MB" in full and " s " in full
    assert small.split()[0] == "vocals-int8"
    assert 25 < float(re.search(r"vocals (-?\d+\.\d) dB", small)[1]) < 60  # type: ignore[index]
    assert re.search(r"vocals-fp16 does not work and was deleted: .*not numbers", ended.err)
    assert "vocals-fp16" not in midistems("models").out
    assert midistems("models", "quantise", "nothing").code == 8
    assert midistems("models", "quantise", "vocals", "--to", "int8", "--song", "nowhere.wav").code == 4


def test_a_version_whose_process_is_killed_is_said_so(
    midistems: Program, home: Path, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    midistems("models", "add", write_convolution(home / "vocals.onnx"))
    killed = SimpleNamespace(returncode=-9, stdout="", stderr="")
    monkeypatch.setattr("midistems_graph.cli.quantise.subprocess.run", lambda *_, **__: killed)
    ended = midistems("models", "quantise", "vocals", "--to", "int8", "--song", song)
    assert ended.code == 5 and len(ended.sentences) == 1 and "was killed (SIGKILL" in ended.sentences[0]


SPLITTER = (
    "import sys, soundfile; x, r = soundfile.read(sys.argv[1]); soundfile.write(sys.argv[2] + '/vocals.wav', x / 2, r)"
)


def test_a_registered_program_separates_in_a_graph_once(
    midistems: Program, run: Program, home: Path, song: Path
) -> None:
    words = ["models", "register-tool", "halver", "--stems", "vocals", "--", sys.executable, "-c", SPLITTER]
    assert midistems(*words, "{input}", "{output}").code == 0
    graph = write_graph(home / "g.json", {"load": "io.load", "tool": ("separate.external", {"tool": "halver"}),
        "save": "io.save"}, "load.out -> tool.mixture", "tool.out -> save.stems")  # fmt: skip
    ended = run(graph, song, "-o", "out", "--json")
    assert ended.code == 0, ended.err
    (output,) = ended.json["outputs"]
    given, wanted = (soundfile.read(path, dtype="float32")[0] for path in (output["path"], song))
    np.testing.assert_allclose(given, wanted / 2, atol=1e-4)
    assert {node["id"]: node["status"] for node in run(graph, song, "-o", "out", "--json").json["nodes"]}[
        "tool"
    ] == "cached"
    midistems("models", "remove", "halver")
    assert run(graph, song, "-o", "out").code == 8
    assert midistems(*words).code == 6


def test_converting_without_pytorch_says_what_to_install(
    midistems: Program, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # also where it happens to be installed
    ended = midistems("models", "export", home / "model.th")
    assert ended.code == 5 and "pip install 'midistems-graph[export]'" in ended.err and "Traceback" not in ended.err
