"""Rendered again from the receipt: the same files, or the first edge that departs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from command_line import Ended, Program, write_graph, write_song

NODES = {
    "load": "io.load",
    "soft": ("filter.gain", {"gain": -6.0}),
    "hpss": ("separate.hpss", {"n_fft": 1024, "hop": 256}),
    "exact": "consistency.mixture",
    "save": "io.save",
}
EDGES = (
    "load.out -> soft.signal",
    "soft.out -> hpss.mixture",
    "soft.out -> exact.mixture",
    "hpss.out -> exact.stems",
    "exact.out -> save.stems",
)


@pytest.fixture
def made(run: Program, home: Path) -> Path:
    """A graph, a song of 12 s, and its stems in `out`."""
    graph = write_graph(home / "g.json", NODES, *EDGES)
    write_song(home / "song.wav", seconds=12, rate=16000, channels=1)
    assert run(graph, "song.wav", "-o", "out").code == 0
    return graph


def departed(ended: Ended) -> dict[str, object]:
    assert ended.code == 7, ended.err
    [found] = ended.json["departures"]
    assert f"the first edge that departs is {found['edge']}" in ended.err
    return found


def test_what_is_as_it_was_is_said_so(run: Program, made: Path) -> None:
    for words in (("--verify", "out", "song.wav"), (made, "song.wav", "--verify", "out")):
        ended = run(*words)
        assert ended.code == 0, ended.err
        assert ended.out.count("the same") == 3 and "every file is as the receipt says" in ended.err
    document = run("--verify", "out/song - harmonic.wav", "song.wav", "--json").json
    assert [row["stem"] for row in document["verified"]] == ["harmonic"]


def test_a_changed_knob_is_found_at_its_own_edge(run: Program, made: Path) -> None:
    receipt = Path("out/midistems.json")
    receipt.write_text(receipt.read_text().replace('"n_fft": 1024', '"n_fft": 2048'))
    ended = run("--verify", "out", "song.wav", "--json")
    found = departed(ended)
    assert found["edge"] == "hpss.out" and -60 < found["difference"] < 0
    assert "the graph in the receipt was changed" in ended.err
    assert {row["status"] for row in ended.json["verified"]} == {"departs"}
    assert all(row["difference"] < 0 for row in ended.json["verified"] if row["stem"] != "residual")


def test_a_changed_knob_of_a_derived_node_is_found_too(run: Program, made: Path, home: Path) -> None:
    nodes = {**NODES, "soft": ("filter.gain", {"gain": -6.5})}
    other = write_graph(home / "other.json", nodes, *EDGES)
    found = departed(run(other, "song.wav", "--verify", "out", "--json"))
    assert found["edge"] == "soft.out"
    assert found["difference"] == pytest.approx(20 * np.log10(1 - 10 ** (-0.5 / 20)), abs=0.2)
    assert any("soft.gain" in reason for reason in found["why"])


def test_one_changed_sample_of_the_song_is_found_at_the_song(run: Program, made: Path) -> None:
    samples, rate = soundfile.read("song.wav", dtype="float32")
    level = float(np.mean(samples.astype(np.float64) ** 2))
    samples[11 * rate] += 0.01
    soundfile.write("song.wav", samples, rate, subtype="FLOAT")
    found = departed(run("--verify", "out", "song.wav", "--json"))
    assert found["edge"] == "load.out" and found["from"] == pytest.approx(11.0)
    assert found["difference"] == pytest.approx(10 * np.log10(1e-4 / (level * len(samples))), abs=0.1)
    assert found["why"] == ["what its knob input names has another content"]


def test_a_file_that_was_touched_is_told_from_edges_that_depart(run: Program, made: Path) -> None:
    target = Path("out/song - harmonic.wav")
    samples, rate = soundfile.read(target, dtype="float32")
    samples[8000] += 0.1
    soundfile.write(target, samples, rate, subtype="FLOAT")
    Path("out/song - residual.wav").unlink()
    ended = run("--verify", "out", "song.wav", "--json")
    assert ended.code == 7 and "every edge is as it was" in ended.err and "departures" not in ended.json
    rows = {row["stem"]: row for row in ended.json["verified"]}
    assert [rows[stem]["status"] for stem in ("harmonic", "percussive", "residual")] == [
        "changed since", "the same", "missing",
    ]  # fmt: skip
    assert rows["harmonic"]["from"] == pytest.approx(0.5)


def test_without_the_older_content_the_edge_is_named_all_the_same(run: Program, made: Path) -> None:
    receipt = Path("out/midistems.json")
    receipt.write_text(receipt.read_text().replace('"n_fft": 1024', '"n_fft": 2048'))
    ended = run("--verify", "out", "song.wav", "--json", "--no-cache")
    assert departed(ended)["difference"] is None and "its older content is gone" in ended.err
    assert all(row["difference"] is not None for row in ended.json["verified"] if row["stem"] == "harmonic")


def test_a_window_and_a_single_node_are_rendered_as_they_were(run: Program, made: Path) -> None:
    run(made, "song.wav", "-o", "part", "--only", "hpss", "--window", "1:3", "--name", "{song}/{stem}")
    ended = run("--verify", "part", "song.wav")
    assert ended.code == 0 and ended.out.count("the same") == 3, ended.err


def test_what_cannot_be_verified_is_said(run: Program, made: Path, home: Path) -> None:
    assert run("--verify", "nowhere", "song.wav").code == 2
    (home / "empty").mkdir()
    assert "there is no receipt" in run("--verify", "empty", "song.wav").err
    assert "name its file" in run("--verify", "out").err
    write_song(home / "out" / "stranger.wav", seconds=0.1)
    assert "does not know it" in run("--verify", "out/stranger.wav", "song.wav").err
    Path("out/midistems.json").write_text("{")
    assert "is damaged" in run("--verify", "out", "song.wav").err


def test_a_receipt_of_an_older_version_verifies_its_files(run: Program, made: Path) -> None:
    receipt = Path("out/midistems.json")
    data = json.loads(receipt.read_text())
    for song in data["songs"].values():
        del song["runs"]
    receipt.write_text(json.dumps(data))
    assert run("--verify", "out", "song.wav").code == 0
