"""Checks of a graph decide how its run ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import SPLIT, SPLIT_EDGES, Program, write_graph, write_song

CHECKS = [
    ("check.null", {"at_most": -60.0}, {"at_most": -300.0}, ["load.out -> it.mixture", "hpss.out -> it.stems"]),
    ("check.clipping", {"at_most": 0.0}, {"at_most": -40.0}, ["hpss.out -> it.signal"]),
    ("check.silent", {"stop": 0.5, "at_most": 0.0}, {"stop": 0.5}, ["load.out -> it.signal"]),
    ("check.level", {"of": "peak", "at_most": 0.0}, {"of": "peak", "at_least": 0.0, "at_most": 6.0},
     ["load.out -> it.audio"]),
    ("check.figure", {"bound": "at_most", "high": -60.0}, {"bound": "at_least", "low": 0.0},
     ["null.out -> it.figures"]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "holds", "fails", "edges"), CHECKS, ids=[check[0] for check in CHECKS])
def test_a_check_that_fails_is_7_and_the_files_stay(
    run: Program, home: Path, song: Path, kind: str, holds: dict[str, object], fails: dict[str, object],
    edges: list[str],
) -> None:  # fmt: skip
    sound = write_graph(home / "sound.json", {**SPLIT, "it": (kind, holds)}, *SPLIT_EDGES, *edges)
    ended = run(sound, song, "-o", "out")
    assert ended.code == 0, ended.err
    assert "it " in ended.out
    unsound = write_graph(home / "unsound.json", {**SPLIT, "it": (kind, fails)}, *SPLIT_EDGES, *edges)
    ended = run(unsound, song, "-o", "out2")
    assert ended.code == 7 and len(ended.sentences) == 1
    assert "the check it does not hold: " in ended.sentences[0] and ", allowed is at " in ended.sentences[0]
    assert any(line.startswith("it ") and line.endswith(" failed") for line in ended.out.splitlines())
    document = run(unsound, song, "-o", "out2", "--json").json
    assert document["exit_code"] == 7 and "the check it does not hold" in document["problems"][0]
    assert [node["status"] for node in document["nodes"] if node["id"] == "it"] == ["failed"]
    assert {output["stem"] for output in document["outputs"]} == {"harmonic", "percussive", "residual"}


def test_one_song_of_a_batch_that_breaks_its_check_is_9(run: Program, home: Path) -> None:
    graph = write_graph(home / "g.json", {"load": "io.load", "it": ("check.clipping", {"at_most": -6.0})},
                        "load.out -> it.signal")  # fmt: skip
    (home / "songs").mkdir()
    write_song(home / "songs" / "soft.wav", seconds=0.2)
    import soundfile

    soundfile.write(home / "songs" / "hot.wav", [[1.0, -1.0]] * 4000, 44100, subtype="FLOAT")
    ended = run(graph, "songs")
    assert ended.code == 9 and "hot.wav: the check it does not hold: the highest sample is 0 dBFS" in ended.err
