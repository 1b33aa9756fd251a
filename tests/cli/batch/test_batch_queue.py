"""The queue of a batch without real workers: retries, order, what ends it, what each worker is told."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import Program, write_song

from midistems_graph.cli.batch import queue as batch
from midistems_graph.cli.batch.crew import Allowance, WorkerDied
from midistems_graph.cli.songs import Song

DONE: dict[str, Any] = {"exit_code": 0, "problems": [], "outputs": [], "scores": [], "nodes": [], "cure": ""}

Script = Callable[[dict[str, Any], int], dict[str, Any]]
"""What a worker answers to a song, and to the how-manieth time that it gets it."""


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Script], list[dict[str, Any]]]:
    """Puts scripted workers in the place of the real ones; gives the list of what they are told."""

    def put(script: Script) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = []

        class Scripted:
            def __init__(self, first: dict[str, Any]) -> None:
                pass

            def run(self, song: dict[str, Any], _: object) -> dict[str, Any]:
                told.append(song)
                return script(song, sum(one["song"] == song["song"] for one in told))

            def stop(self) -> None:
                pass

            def end(self) -> None:
                pass

        monkeypatch.setattr(batch, "Worker", Scripted)
        monkeypatch.setattr(batch, "PAUSE", 0.01)
        monkeypatch.setattr(batch, "LAST_WORDS", 60.0)
        return told

    return put


@pytest.fixture
def songs(home: Path) -> list[str]:
    """The names of four files that nobody opens."""
    for name in "abcd":
        (home / f"{name}.wav").write_bytes(b"a song")
    return [f"{name}.wav" for name in "abcd"]


def failed(sentence: str, cure: str = "", code: int = 5) -> dict[str, Any]:
    return {**DONE, "exit_code": code, "problems": [sentence], "cure": cure}


def test_what_may_heal_is_tried_again_after_the_others_and_the_last_time_alone(
    run: Program, copy: Path, songs: list[str], scripted: Callable[[Script], list[dict[str, Any]]]
) -> None:
    told = scripted(lambda song, times: failed("no memory", "again") if song["song"] == "b.wav" and times < 3 else DONE)
    ended = run(copy, *songs, "-o", "out", "--jobs", "1", "--json")
    assert ended.code == 0 and [row["tries"] for row in ended.json["batch"]] == [1, 3, 1, 1]
    assert [one["song"] for one in told] == ["a.wav", "b.wav", "c.wav", "d.wav", "b.wav", "b.wav"]
    assert "b.wav: no memory; it is tried again later" in ended.err and not ended.sentences


def test_a_worker_that_dies_again_and_again_is_one_failure(
    run: Program, copy: Path, songs: list[str], scripted: Callable[[Script], list[dict[str, Any]]]
) -> None:
    def dies(song: dict[str, Any], times: int) -> dict[str, Any]:
        if song["song"] == "c.wav":
            raise WorkerDied("its process was killed (SIGKILL)", True)
        return DONE

    scripted(dies)
    ended = run(copy, *songs, "-o", "out", "--json")
    assert ended.code == 9 and "3 of 4 songs are done, 1 failed" in ended.err
    assert ended.sentences == ["run-graph: c.wav: its process was killed (SIGKILL) (tried 3 times)"]


def test_a_bad_file_is_tried_once(
    run: Program, copy: Path, songs: list[str], scripted: Callable[[Script], list[dict[str, Any]]]
) -> None:
    told = scripted(lambda *_: failed("not a sound file", code=4))
    ended = run(copy, *songs, "-o", "out")
    assert ended.code == 4 and len(told) == 4 and len(ended.sentences) == 4


def test_a_full_disk_ends_the_batch_with_one_sentence(
    run: Program, copy: Path, songs: list[str], scripted: Callable[[Script], list[dict[str, Any]]]
) -> None:
    full = failed("out/b.wav could not be written: the disk is full.", "room", 6)
    told = scripted(lambda song, _: full if song["song"] == "b.wav" else DONE)
    ended = run(copy, *songs, "-o", "out", "--jobs", "1")
    assert ended.code == 6 and len(told) == 2
    assert ended.sentences == [
        "run-graph: out/b.wav could not be written: the disk is full; 3 of 4 songs wait; "
        "when there is room, run the same again."
    ]


def test_songs_of_one_name_keep_their_order_and_are_told_of_each_others_files(
    run: Program, copy: Path, home: Path, scripted: Callable[[Script], list[dict[str, Any]]]
) -> None:
    for folder in "xyz":
        (home / folder).mkdir()
        (home / folder / "Song.wav").write_bytes(b"a song")

    def written(song: dict[str, Any], _: int) -> dict[str, Any]:
        file = {"song": "Song", "node": "save", "stem": "audio", "path": f"out/{song['folder']}", "status": "written",
                "peak": None, "lufs": None}  # fmt: skip
        return {**DONE, "outputs": [file]}

    told = scripted(written)
    run(copy, "x/Song.wav", "y/Song.wav", "z/Song.wav", "-o", "out", "--jobs", "3")
    assert [(one["folder"], one["taken"]) for one in told] == [("x", []), ("y", ["x"]), ("z", ["x", "y"])]


def test_which_of_two_songs_of_one_name_failed_is_told_by_its_path(
    run: Program, copy: Path, home: Path, scripted: Callable[[Script], list[dict[str, Any]]]
) -> None:
    for folder in "xy":
        (home / folder).mkdir()
        (home / folder / "01 Intro.wav").write_bytes(b"a song")
    scripted(lambda song, _: failed("01 Intro.wav is truncated", code=4) if song["song"].startswith("y") else DONE)
    ended = run(copy, "x", "y", "-o", "out", "--jobs", "1")
    assert ended.sentences == ["run-graph: y/01 Intro.wav: 01 Intro.wav is truncated"]
    assert "2 of 2  y/01 Intro.wav: failed" in ended.err and "\ny/01 Intro.wav      1  01 Intro.wav is" in ended.err
    assert [line.split("  ")[0] for line in ended.out.splitlines()[1:]] == ["x/01 Intro.wav", "y/01 Intro.wav"]


def test_what_comes_of_a_song_takes_the_place_of_what_came_of_it_before(
    run: Program,
    copy: Path,
    songs: list[str],
    scripted: Callable[[Script], list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when a song is found half copied in a watched folder, and whole later."""
    file = {"song": "a", "node": "save", "stem": "audio", "path": "out/a.wav", "peak": None, "lufs": None}
    told = scripted(lambda _, times: {**failed("it is truncated", code=4 * (times == 1)), "outputs": [file]})
    given: list[Song] = []

    def look() -> list[Song]:
        if len(told) < len(given):
            return []
        if len(given) == 3:
            raise KeyboardInterrupt
        given.append(Song(Path("a.wav")))
        return given[-1:]

    monkeypatch.setattr(batch, "Watched", lambda *_: look)
    ended = run(copy, "--watch", ".", "-o", "out", "--jobs", "1", "--json")
    assert ended.code == 0 and "1 of 1 songs are done (" in ended.err
    assert [row["status"] for row in ended.json["batch"]] == ["done"] and len(ended.json["outputs"]) == 1
    assert [one["taken"] for one in told] == [[], [], []]


def test_what_many_songs_tell_in_the_same_words_is_said_once(
    run: Program, copy: Path, songs: list[str], scripted: Callable[[Script], list[dict[str, Any]]]
) -> None:
    scripted(lambda *_: {**DONE, "problems": ["the disk of the store is full"]})
    ended = run(copy, *songs, "-o", "out", "--jobs", "1", "--json")
    assert ended.code == 0 and ended.sentences == ["run-graph: a.wav: the disk of the store is full"]
    assert all(row["problems"] for row in ended.json["batch"])


def test_threads_are_shared_by_the_songs_at_work_and_knobs_are_each_songs_own(
    run: Program, copy: Path, songs: list[str], scripted: Callable[[Script], list[dict[str, Any]]]
) -> None:
    told = scripted(lambda *_: DONE)
    Path("songs.csv").write_text("song,save.format\nc,flac\n")
    run(copy, *songs, "-o", "out", "--jobs", "8", "--knobs", "songs.csv")
    assert told[0]["jobs"] == 2
    assert {one["song"]: one["settings"] for one in told}["c.wav"] == ["save.format=flac"]
    assert sum(map(bool, (one["settings"] for one in told))) == 1
    told.clear()
    run(copy, *songs, "-o", "other", "--jobs", "1")
    assert {one["jobs"] for one in told} == {1}


def test_the_memory_of_a_batch_is_that_of_the_process_that_took_most(
    run: Program, copy: Path, songs: list[str], scripted: Callable[[Script], list[dict[str, Any]]]
) -> None:
    scripted(lambda song, _: {**DONE, "peak_memory_bytes": 10**12 if song["song"] == "a.wav" else None})
    assert run(copy, *songs, "-o", "out", "--jobs", "1", "--json").json["peak_memory_bytes"] == 10**12


def test_memory_is_shared_and_who_needs_more_waits() -> None:
    memory = Allowance(100, 2)
    assert memory.grant("a", 10) == 50 and memory.grant("b", 20) == 50
    granted: list[int] = []
    large = threading.Thread(target=lambda: granted.append(memory.grant("c", 500)), daemon=True)
    large.start()
    memory.give_back("a")
    large.join(0.1)
    assert granted == []  # what "b" has is missing
    memory.give_back("b")
    large.join(60)
    assert granted == [100]


def test_the_largest_songs_go_first_and_those_of_one_name_in_their_order(
    run: Program, copy: Path, home: Path, scripted: Callable[[Script], list[dict[str, Any]]]
) -> None:
    for name, size in (("a", 10), ("x/Song", 1), ("b", 30), ("y/Song", 20)):
        (home / name).parent.mkdir(exist_ok=True)
        (home / f"{name}.wav").write_bytes(b"*" * size)
    names = ["a.wav", "x/Song.wav", "b.wav", "y/Song.wav"]
    both, numbers = threading.Barrier(2), itertools.count()

    def begun(*_: object) -> dict[str, Any]:
        if next(numbers) < both.parties:
            both.wait(60)
        return DONE

    told = scripted(begun)
    ended = run(copy, *names, "-o", "out", "--jobs", "2", "--json")
    assert "b.wav" in [one["song"] for one in told[:2]]
    assert [one["song"] for one in told if "Song" in one["song"]] == ["x/Song.wav", "y/Song.wav"]
    assert [row["song"] for row in ended.json["batch"]] == ["a", "Song", "b", "Song"]  # as they were named
    told.clear()
    run(copy, *names, "-o", "other", "--jobs", "1")
    assert [one["song"] for one in told] == names


def test_a_song_that_is_deleted_while_it_waits_is_one_sentence_and_so_is_a_store_that_cannot_be_used(
    run: Program, copy: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        (home / name).mkdir()
        write_song(home / name / "song.wav", seconds=0.2)

    class Deleting(batch.Worker):
        def run(self, song: dict[str, Any], told: Any) -> dict[str, Any]:
            over = super().run(song, told)
            (home / "b" / "song.wav").unlink(missing_ok=True)
            return over

    monkeypatch.setattr(batch, "Worker", Deleting)
    ended = run(copy, "a", "b", "-o", "out", "--jobs", "1", "--trace", "trace.json",
                "--cache-dir", copy)  # fmt: skip
    unusable, deleted = ended.sentences
    assert ended.code == 9 and deleted == "run-graph: b/song.wav: There is no file b/song.wav."
    assert str(copy) in unusable and "keeps nothing for the next one" in unusable
    assert [path.name for path in (home / "out").glob("*.wav")] == ["song - audio.wav"]
    assert [path.name for path in home.glob("trace*")] == ["trace - a - song.wav.json"]
