"""midistems-graph models: what is here and what can be had, terms before a download, damage with an exit code."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from pathlib import Path

import pytest
from command_line import Program

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
    monkeypatch.setattr("midistems_graph.cli.models.catalogue", module.catalogue)
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
