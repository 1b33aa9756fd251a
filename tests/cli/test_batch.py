"""Many songs: what is done stays done, what fails is told, what may heal is tried again, whatever happens meanwhile."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
from command_line import Program, write_song

from midistems_graph.audio.files import content_digest
from midistems_graph.cli import result
from midistems_graph.cli.manifest import MANIFEST

posix = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
RUN = [sys.executable, "-m", "midistems_graph.cli.run_graph"]
SCHEMA = json.loads(Path(result.__file__).with_name("manifest.schema.json").read_text())


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


def test_a_manifest_tells_of_every_song_and_a_second_run_opens_none(run: Program, copy: Path, songs: Path) -> None:
    (songs / "bad.wav").write_bytes(b"no sound")
    first = run(copy, songs, "-o", "out", "--json")
    assert first.code == 9 and [row["status"] for row in first.json["batch"]] == ["done", "done", "failed", "done"]
    rows = manifest(Path("out"))
    assert {name: row["status"] for name, row in rows.items()} == {
        "a": "done", "b": "done", "c": "done", "bad": "failed"}  # fmt: skip
    assert rows["bad"]["tries"] == 1 and rows["bad"]["exit_code"] == 4
    (songs / "bad.wav").unlink()
    second = run(copy, songs, "-o", "out", "--json")
    assert second.code == 0 and not second.json["nodes"] and len(second.json["outputs"]) == 3
    assert "3 of 3 songs are done, 3 of them earlier" in second.err


def test_what_changed_is_run_again_and_nothing_else(run: Program, copy: Path, songs: Path) -> None:
    run(copy, songs, "-o", "out", "--jobs", "1")
    os.utime(songs / "b.wav", (0, 4_000_000_000))  # a clock far ahead does no harm
    Path("out/c - audio.wav").unlink()
    ended = run(copy, songs, "-o", "out", "--json")
    assert {node["song"] for node in ended.json["nodes"]} == {"b", "c"}
    assert {output["song"]: output["status"] for output in ended.json["outputs"]} == {
        "a": "up to date", "b": "up to date", "c": "written"}  # fmt: skip


@posix
def test_a_killed_batch_goes_on_and_gives_the_same_samples(home: Path, copy: Path) -> None:
    (home / "songs").mkdir()
    for number in range(8):
        write_song(home / "songs" / f"{number}.wav", seconds=0.2, seed=number)
    subprocess.run([*RUN, str(copy), "songs", "-o", "undisturbed", "--quiet", "--jobs", "1"], check=True)
    command = [*RUN, str(copy), "songs", "-o", "out", "--cache-dir", "store", "--jobs", "1"]
    chance = random.Random(7)
    for _ in range(2):
        batch = subprocess.Popen(
            [*RUN, str(copy), "songs", "-o", "out", "--cache-dir", "store"], stderr=subprocess.PIPE
        )
        assert batch.stderr is not None
        for _ in range(chance.randint(1, 3)):
            batch.stderr.readline()
        batch.kill()
        batch.communicate()
        before = {name for name, row in manifest(Path("out")).items() if row["status"] == "done"}
    ended = subprocess.run([*command, "--json"], capture_output=True, check=True)
    ran = {node["song"] for node in json.loads(ended.stdout)["nodes"]}
    assert before and not ran & before
    names = sorted(path.name for path in Path("undisturbed").glob("*.wav"))
    assert len(names) == 8 and names == sorted(path.name for path in Path("out").glob("*.wav"))
    assert [content_digest(Path("out") / n) for n in names] == [content_digest(Path("undisturbed") / n) for n in names]
    assert not list(Path("out").glob(".midistems*"))
