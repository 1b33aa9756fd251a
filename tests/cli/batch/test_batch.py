"""Many songs: what is done stays done, what fails is told, what may heal is tried again, whatever happens meanwhile."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
import soundfile
from command_line import SPLIT_EDGES, Program, write_graph, write_song

from midistems_graph.cli.batch import manifest as manifest_file
from midistems_graph.cli.batch.manifest import MANIFEST
from midistems_graph.engine.receipt_book import read_receipt
from midistems_graph.engine.store import default_store_folder

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
posix = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
RUN = [sys.executable, "-m", "midistems_graph.cli.run_graph"]
SCHEMA = json.loads(Path(manifest_file.__file__).with_name("manifest.schema.json").read_text())


def manifest(folder: Path) -> dict[str, dict[str, object]]:
    """The manifest of a folder, by song."""
    data = json.loads((folder / MANIFEST).read_text())
    jsonschema.validate(data, SCHEMA)
    return {row["name"]: row for row in data["songs"]}


@pytest.fixture
def songs(home: Path) -> Path:
    """Three short songs."""
    (home / "songs").mkdir()
    for number, name in enumerate("abc"):
        write_song(home / "songs" / f"{name}.wav", seconds=0.2, seed=number)
    return home / "songs"


def test_a_manifest_tells_of_all_and_what_is_done_is_not_opened_again(run: Program, copy: Path, songs: Path) -> None:
    (songs / "bad.wav").write_bytes(b"no sound")
    first = run(copy, songs, "-o", "out", "--json")
    assert first.code == 9 and [row["status"] for row in first.json["batch"]] == ["done", "done", "failed", "done"]
    rows = manifest(Path("out"))
    assert {name: row["status"] for name, row in rows.items()} == {
        "a": "done", "b": "done", "c": "done", "bad": "failed"}  # fmt: skip
    assert rows["bad"]["tries"] == 1 and rows["bad"]["exit_code"] == 4
    (songs / "bad.wav").unlink()
    os.utime(songs / "b.wav", (0, 4_000_000_000))  # looked at again; a clock far ahead does no harm
    Path("out/c - audio.wav").unlink()
    second = run(copy, songs, "-o", "out", "--json", "--jobs", "1")
    assert second.code == 0 and {node["song"] for node in second.json["nodes"]} == {"b", "c"}
    assert {output["song"]: output["status"] for output in second.json["outputs"]} == {
        "a": "up to date", "b": "up to date", "c": "written"}  # fmt: skip
    third = run(copy, songs, "-o", "out", "--json")
    assert third.code == 0 and not third.json["nodes"] and len(third.json["outputs"]) == 3
    assert "3 of 3 songs are done, 3 of them earlier" in third.err


@posix
def test_a_killed_batch_goes_on_and_gives_the_same_samples(home: Path, copy: Path) -> None:
    (home / "songs").mkdir()
    for number in range(5):
        write_song(home / "songs" / f"{number}.wav", seconds=0.2, seed=number)
    command = [*RUN, str(copy), "songs", "-o", "out", "--cache-dir", "store", "--jobs", "1"]
    batch = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert batch.stderr is not None
    for _ in range(2):
        batch.stderr.readline()
    batch.kill()
    batch.communicate()
    before = {name for name, row in manifest(Path("out")).items() if row["status"] == "done"}
    ended = subprocess.run([*command, "--json"], capture_output=True, check=True)
    ran = {node["song"] for node in json.loads(ended.stdout)["nodes"]}
    assert before and not ran & before
    for number in range(5):
        assert samples(Path("out") / f"{number} - audio.wav") == samples(home / "songs" / f"{number}.wav")
    assert len(list(Path("out").iterdir())) == 5 + 2  # and nothing hidden beside receipt and manifest


@linux
def test_a_worker_that_is_killed_costs_one_more_try(home: Path) -> None:
    batch = started(slow_songs(home))
    os.kill(workers(batch, 1)[0], signal.SIGKILL)
    said, err = batch.communicate(timeout=120)
    assert batch.returncode == 0, err
    assert sorted(row["tries"] for row in json.loads(said)["batch"]) == [1, 2]
    assert "its process was killed (SIGKILL" in err and "tried again later" in err and "Traceback" not in err


@linux
def test_ctrl_c_again_ends_at_once_and_leaves_nothing_half(home: Path) -> None:
    """The worker hangs, so that after the first one the batch waits for it."""
    batch = started(slow_songs(home))
    theirs = workers(batch, 1)
    os.kill(theirs[0], signal.SIGSTOP)
    while batch.poll() is None:
        batch.send_signal(signal.SIGINT)
        time.sleep(0.1)
    os.kill(theirs[0], signal.SIGCONT)
    _, err = batch.communicate(timeout=60)
    assert batch.returncode == 130 and "Traceback" not in err
    assert "stopped; no file is half-written" not in err  # which a batch says that ends in order
    deadline = time.monotonic() + 60
    while any(map(is_running, theirs)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not [path for path in Path("out").glob("*") if path.name != MANIFEST]


@posix
def test_a_watch_takes_what_comes_until_ctrl_c(home: Path, copy: Path) -> None:
    (home / "inbox").mkdir()
    batch = started([str(copy), "--watch", "inbox", "-o", "out", "--jobs", "1", "--json"])
    write_song(home / "inbox" / "new.wav", seconds=0.2)
    while not (Path("out") / MANIFEST).exists():
        assert batch.poll() is None, batch.communicate()
        time.sleep(0.05)
    batch.send_signal(signal.SIGINT)
    said, err = batch.communicate(timeout=60)
    assert batch.returncode == 0 and [row["status"] for row in json.loads(said)["batch"]] == ["done"], err
    assert samples(Path("out/new - audio.wav")) == samples(home / "inbox" / "new.wav")


@posix
def test_two_batches_on_one_folder_lose_nothing(copy: Path, songs: Path) -> None:
    both = [started([str(copy), "songs", "-o", "out", "--jobs", "1", "--cache-dir", name]) for name in "xy"]
    assert [(batch.communicate()[1], batch.returncode)[1] for batch in both] == [0, 0]
    assert {name: row["status"] for name, row in manifest(Path("out")).items()} == dict.fromkeys("abc", "done")
    assert sorted(read_receipt(Path("out"))[0].outputs) == [f"{name} - audio.wav" for name in "abc"]
    assert all(samples(Path("out") / f"{name} - audio.wav") == samples(songs / f"{name}.wav") for name in "abc")
    assert len(list(Path("out").iterdir())) == 3 + 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounts a small disk")
def test_a_disk_that_fills_up_ends_the_batch_in_one_sentence(run: Program, copy: Path, songs: Path) -> None:
    Path("small").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", "small"]
    mounted = subprocess.run(mount, capture_output=True)
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        ended = run(copy, songs, "-o", "small/out", "--jobs", "1")
        assert ended.code == 6 and len(ended.sentences) == 2
        assert "all songs together will write about 212 kB, and" in ended.sentences[0]
        assert "songs wait; when there is room, run the same again" in ended.sentences[1]
        done = [name for name, row in manifest(Path("small/out")).items() if row["status"] == "done"]
        assert 0 < len(done) < 3
        assert sorted(path.name for path in Path("small/out").glob("*.wav")) == [f"{name} - audio.wav" for name in done]
        assert not list(Path("small/out").glob(".*"))
        subprocess.run(["mount", "-o", "remount,size=10m", "small"], check=True)
        assert run(copy, songs, "-o", "small/out", "--jobs", "1").code == 0
    finally:
        subprocess.run(["umount", "small"], check=True)


def test_a_clock_that_jumps_changes_nothing(
    run: Program, split: Path, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where songs are run, in this process: store, receipt and what sweeps leftovers ask the clock."""
    assert run(split, song, "-o", "still").code == 0
    jumps = itertools.cycle([1e9, 4e9, 0.0, 1.7e9])
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    first = run(split, song, "-o", "out", "--cache-dir", "store", "--json")
    again = run(split, song, "-o", "out", "--cache-dir", "store", "--json")
    assert (first.code, again.code) == (0, 0)
    assert {output["status"] for output in first.json["outputs"]} == {"written"}
    assert {output["status"] for output in again.json["outputs"]} == {"up to date"}
    assert {node["status"] for node in again.json["nodes"]} == {"cached", "up to date"}
    for path in Path("still").glob("*.wav"):
        assert samples(path) == samples(Path("out") / path.name)
    assert not list(Path("out").glob(".*"))


# Processes


def samples(file: Path) -> bytes:
    return bytes(soundfile.read(file, dtype="float32")[0].tobytes())


def slow_songs(home: Path) -> list[str]:
    """A batch of two songs that take a while."""
    (home / "songs").mkdir()
    for number in range(2):
        write_song(home / "songs" / f"{number}.wav", seconds=12, channels=1, seed=number)
    nodes = {"load": "io.load", "hpss": ("separate.hpss", {"harmonic_frames": 61}), "save": "io.save",
             "null": "measure.null_depth"}  # fmt: skip
    return [str(write_graph(home / "slow.json", nodes, *SPLIT_EDGES)), "songs", "-o", "out", "--jobs", "1", "--json"]


def started(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen([*RUN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def workers(batch: subprocess.Popen[str], count: int) -> list[int]:
    """The processes of a batch's workers, once there are so many and the store has begun to fill."""
    values = default_store_folder() / "values"
    while True:
        told = [path.read_text().split() for path in Path(f"/proc/{batch.pid}/task").glob("*/children")]
        found = [int(pid) for pids in told for pid in pids]
        if len(found) >= count and sum(path.is_file() for path in values.rglob("*")) >= 2:
            return found
        assert batch.poll() is None, batch.communicate()
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False
