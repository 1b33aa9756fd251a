"""Every exit code, and how much of one song's failure weighs in a batch."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NoReturn

import pytest
from command_line import Program, write_graph, write_song

from midistems_graph.audio import codec
from midistems_graph.cli import running
from midistems_graph.cli.codes import MEANINGS, SEVERITY, Exit, Refused, of_batch, worst
from midistems_graph.cli.logs import log_file
from midistems_graph.engine.store import default_store_folder
from midistems_graph.node import Audio, NodeLibrary, installed, node


def test_every_code_has_a_meaning_and_a_rank() -> None:
    assert set(MEANINGS) == set(SEVERITY) == set(Exit)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], Exit.DONE),
        ([Exit.DONE, Exit.DONE], Exit.DONE),
        ([Exit.DONE, Exit.INPUT], Exit.SOME),
        ([Exit.INPUT, Exit.INPUT], Exit.INPUT),
        ([Exit.INPUT, Exit.OUTPUT], Exit.OUTPUT),
        ([Exit.DONE, Exit.FAULT], Exit.FAULT),
    ],
)
def test_a_batch_says_how_many_songs_are_done(codes: list[Exit], expected: Exit) -> None:
    assert of_batch(codes) is expected


def test_stopping_outweighs_everything() -> None:
    assert worst(Exit) is Exit.CANCELLED


def test_a_node_that_refuses_is_5_and_independent_branches_end(run: Program, home: Path, song: Path) -> None:
    graph = write_graph(
        home / "g.json",
        {"load": "io.load", "pick": ("stems.pick", {"name": "flute"}), "hpss": "separate.hpss", "bad": "io.save",
         "good": "io.save"},
        "load.out -> hpss.mixture", "hpss.out -> pick.stems", "pick.stem -> bad.stems", "load.out -> good.stems",
    )  # fmt: skip
    ended = run(graph, song, "-o", "out", "--json")
    assert ended.code == 5 and len(ended.sentences) == 1 and "flute" in ended.err
    assert [output["node"] for output in ended.json["outputs"]] == ["good"]


@pytest.fixture
def broken_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The node library with one more type, which has a fault."""

    @node("test.broken")
    def broken(audio: Audio) -> Audio:
        """Break."""
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(running, "installed", lambda: NodeLibrary.of([*installed(), broken]))


def test_a_fault_is_1_and_its_traceback_is_in_the_log(
    run: Program, home: Path, song: Path, broken_library: None
) -> None:
    graph = write_graph(home / "g.json", {"load": "io.load", "x": "test.broken", "save": "io.save"},
                        "load.out -> x.audio", "x.out -> save.stems")  # fmt: skip
    ended = run(graph, song, "-o", "out")
    assert ended.code == 1 and len(ended.sentences) == 1 and str(log_file()) in ended.err
    assert "ZeroDivisionError: secret detail" in log_file().read_text() and "Traceback" in log_file().read_text()


def test_a_fault_outside_of_nodes_is_1_too(
    run: Program, copy: Path, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(running, "find_songs", broken)
    ended = run(copy, song, "--json")
    assert ended.code == ended.json["exit_code"] == 1
    assert str(log_file()) in ended.err and "oops" in log_file().read_text()


def test_what_any_pack_logs_is_in_the_log(
    run: Program, copy: Path, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def talks(*_: object) -> NoReturn:
        logging.getLogger("somebodys_pack.separate").warning("a word from a pack")
        raise Refused(Exit.USAGE, "no more")

    monkeypatch.setattr(running, "find_songs", talks)
    assert run(copy, song).code == 2
    assert "somebodys_pack.separate WARNING a word from a pack" in log_file().read_text()


def test_damage_that_is_found_is_7(
    run: Program, midistems: Program, copy: Path, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> NoReturn:
        raise KeyboardInterrupt

    run(copy, song, "-o", "out")
    assert midistems("cache", "verify").code == 0
    value = next(path for path in (default_store_folder() / "values").rglob("*") if path.is_file())
    content = bytearray(value.read_bytes())
    content[-1] ^= 1
    value.write_bytes(content)
    with monkeypatch.context() as patch:
        patch.setattr(codec, "digest", interrupted)
        stopped = midistems("cache", "verify")
    assert stopped.code == 130 and "what was damaged up to here is dropped" in stopped.sentences[0]
    assert midistems("cache", "verify").code == 7
    assert midistems("cache", "verify").code == 0


def test_all_songs_of_a_batch_failing_is_their_own_code(run: Program, copy: Path) -> None:
    assert run(copy, "a.wav", "b.wav").code == 4


def test_an_editor_without_a_display_is_10(midistems: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    ended = midistems()
    assert ended.code == 10 and "run-graph" in ended.err


@pytest.mark.parametrize(("files", "code"), [(["nope"], 2), (["nope.json"], 3), (["nope.wav"], 4)])
def test_the_editor_says_what_it_cannot_open(midistems: Program, files: list[str], code: int) -> None:
    ended = midistems(*files)
    assert ended.code == code and files[0] in ended.err


def test_the_editor_opens_one_graph(midistems: Program, song: Path, copy: Path) -> None:
    assert midistems(copy, song, copy).code == 2


def test_words_that_the_editor_cannot_open_are_refused_by_what_they_look_like(midistems: Program) -> None:
    assert [midistems(word).code for word in ("gone.json", "gone.wav", "gone")] == [3, 4, 2]
    said = midistems("gone").err
    assert "demo, " in said and "four_stems" in said


def test_a_batch_pairs_further_inputs_by_name(run: Program, home: Path) -> None:
    graph = write_graph(
        home / "g.json",
        {"load": "io.load", "other": ("io.load", {"input": "other"}), "mix": "blend.mix", "save": "io.save"},
        "load.out -> mix.signals[0]", "other.out -> mix.signals[1]", "mix.out -> save.stems",
        inputs={"song": {}, "other": {}},
    )  # fmt: skip
    for folder in ("songs", "others"):
        (home / folder).mkdir()
        for name in ("a", "b"):
            write_song(home / folder / f"{name}.wav", seconds=0.1)
    write_song(home / "songs" / "alone.wav", seconds=0.1)
    ended = run(graph, "songs/a.wav", "songs/b.wav", "--input", "other=others", "-o", "out")
    assert ended.code == 0, ended.err
    ended = run(graph, "songs", "--input", "other=others", "-o", "out")
    assert ended.code == 9 and "alone" in ended.err
    assert run(graph, "songs", "--input", "other=others/a.wav", "-o", "out").code == 2
