"""Sweeps: points, journal, table, page; the best is kept; a killed one goes on."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import Program, write_graph, write_song

from midistems_graph.document.files import load
from midistems_graph.engine.search.journal import Journal

NODES = {
    "load": "io.load",
    "early": ("filter.filter", {"cutoff": 2000.0}),
    "late": ("filter.gain", {"gain": -3.0}),
    "level": "measure.loudness",
}
EDGES = ("load.out -> early.signal", "early.out -> late.signal", "late.out -> level.audio")


@pytest.fixture
def graph(home: Path) -> Path:
    write_song(home / "a.wav", seconds=1, rate=8000, channels=1, seed=1)
    write_song(home / "b.wav", seconds=1, rate=8000, channels=1, seed=2)
    return write_graph(home / "g.json", NODES, *EDGES)


def rows(folder: str) -> list[dict[str, str]]:
    return list(csv.DictReader(Path(folder, "sweep.csv").read_text(encoding="utf-8").splitlines()))


def without_times(folder: str) -> list[dict[str, str]]:
    return [{name: value for name, value in row.items() if name not in ("cost", "front")} for row in rows(folder)]


def test_a_grid_is_tried_on_all_songs_and_only_what_is_below_a_knob_runs(midistems: Program, graph: Path) -> None:
    ended = midistems(
        "sweep", graph, "a.wav", "b.wav", "--vary", "late.gain=0:-6:3", "--score", "level.peak", "--jobs", "2"
    )
    assert ended.code == 2 and "low must be below high" in ended.err
    ended = midistems("sweep", graph, "a.wav", "b.wav", "--vary", "late.gain=-6:0:3", "--score", "level.peak")
    assert ended.code == 0, ended.err
    table = rows("sweep")
    assert [row["late.gain"] for row in table] == ["-6", "-3", "0"]
    peaks = [float(row["level.peak"]) for row in table]
    assert peaks[2] - peaks[1] == pytest.approx(3, abs=1e-3) and peaks[1] - peaks[0] == pytest.approx(3, abs=1e-3)
    assert ended.out.splitlines()[1].split()[:2] == ["3", "0"]
    outcomes = Journal.read(Path("sweep")).outcomes.values()
    assert sum(outcome.ran for outcome in outcomes) == 2 * (2 + 3)  # per song: load, filter, and three measures
    again = midistems(
        "sweep", graph, "a.wav", "b.wav", "--vary", "late.gain=-6:0:3", "--score", "level.peak", "-o", "2"
    )
    assert again.code == 0 and without_times("2") == without_times("sweep")
    assert sum(outcome.ran for outcome in Journal.read(Path("2")).outcomes.values()) == 0


def test_lists_are_varied_as_wholes_and_scripts_are_searched_like_graph_files(
    midistems: Program, home: Path, graph: Path
) -> None:
    made = write_graph(
        home / "blend.json",
        {"load": "io.load", "soft": ("filter.gain", {"gain": -12.0}),
         "both": ("blend.ensemble", {"weights": [1.0, 1.0]}),
         "level": "measure.loudness"},
        "load.out -> soft.signal", "load.out -> both.estimates[0]", "soft.out -> both.estimates[1]",
        "both.out -> level.audio",
    )  # fmt: skip
    assert midistems("graph", "export", made, "--python", "-o", "blend.py").code == 0
    for file in (made, "blend.py"):
        words = ("--vary", "both.weights=1,0; 0,1", "--score", "level.peak", "-o", Path(file).suffix[1:])
        ended = midistems("sweep", file, "a.wav", *words)
        assert ended.code == 0, ended.err
    table = rows("json")
    assert [row["both.weights"] for row in table] == ["1,0", "0,1"]
    assert float(table[0]["level.peak"]) - float(table[1]["level.peak"]) == pytest.approx(12, abs=1e-3)
    assert without_times("py") == without_times("json")


def test_the_page_has_every_point_and_asks_for_nothing(midistems: Program, graph: Path) -> None:
    midistems("sweep", graph, "a.wav", "--vary", "late.gain=-6,0", "--vary", "early.cutoff=500,1000",
              "--score", "level.peak", "--score", "level.loudness:min")  # fmt: skip
    page = Path("sweep/pareto.html").read_text()
    assert page.count("<tr data-n=") == 4 and page.count("<svg") == 3
    assert "default-src 'none'" in page and "http" not in page.replace("http-equiv", "")


def test_a_killed_sweep_goes_on_and_gives_the_same_table(midistems: Program, graph: Path, home: Path) -> None:
    words = ["sweep", str(graph), "a.wav", "--vary", "early.cutoff=200:3000:12", "--vary", "late.gain=-8:0:5",
             "--score", "level.loudness"]  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "midistems_graph.cli.main", *words, "-o", "killed"], env=os.environ.copy(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        journal = home / "killed" / "journal.jsonl"
        while not (journal.exists() and journal.read_bytes().count(b"\n") > 5):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    known = journal.read_bytes().count(b"\n") - 1
    assert 5 <= known < 60
    with journal.open("ab") as file:
        file.write(b'{"variant": "half writ')
    ended = midistems(*words, "-o", "killed")
    assert ended.code == 0 and f"{known} of 60 are known already" in ended.err, ended.err
    assert midistems(*words, "-o", "whole").code == 0
    assert len(rows("whole")) == 60 and without_times("killed") == without_times("whole")


def test_another_search_is_not_mixed_in(midistems: Program, graph: Path) -> None:
    words = ["sweep", graph, "a.wav", "--vary", "late.gain=-6,0"]
    assert midistems(*words, "--score", "level.peak").code == 0
    ended = midistems(*words, "--score", "level.loudness")
    assert ended.code == 6 and "another search (its scores differ)" in ended.err
    Path("sweep/journal.jsonl").write_text("nonsense\n")
    assert "is damaged" in midistems(*words, "--score", "level.peak").err


def test_chance_is_the_same_with_the_same_seed(midistems: Program, graph: Path) -> None:
    words = ["sweep", graph, "a.wav", "--vary", "late.gain=-9:0:2", "--vary", "early.cutoff=300:3000:2",
             "--score", "level.peak", "--method", "random"]  # fmt: skip
    assert "needs --points" in midistems(*words).err
    for folder, seed in (("one", 1), ("same", 1), ("other", 2)):
        assert midistems(*words, "--points", 5, "--seed", seed, "-o", folder).code == 0
    assert without_times("one") == without_times("same") != without_times("other")
    assert all(-9 <= float(row["late.gain"]) <= 0 and 300 <= float(row["early.cutoff"]) <= 3000 for row in rows("one"))


def test_an_optimiser_finds_what_is_best_and_goes_on_where_it_was(midistems: Program, graph: Path) -> None:
    pytest.importorskip("optuna")
    words = ["sweep", graph, "a.wav", "--vary", "late.gain=-40:20:2", "--score", "level.peak", "--method", "optimise"]
    assert midistems(*words, "--points", 12).code == 0
    table = rows("sweep")
    assert len(table) == 12 and max(float(row["late.gain"]) for row in table[6:]) > 10
    journal = Path("sweep/journal.jsonl")
    whole = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(whole[:6]))
    assert midistems(*words, "--points", 12).code == 0
    assert without_times("sweep") == [{n: v for n, v in row.items() if n not in ("cost", "front")} for row in table]


def test_the_best_point_is_baked_into_the_graph(midistems: Program, graph: Path) -> None:
    midistems("sweep", graph, "a.wav", "--vary", "late.gain=-6,-1,-3", "--score", "level.peak")
    ended = midistems("bake", "sweep", "-o", "tuned.json")
    assert ended.code == 0 and "late.gain=-1" in ended.out
    assert load(Path("tuned.json")).nodes["late"].knobs["gain"] == -1.0
    assert midistems("bake", "sweep", "-o", "third.json", "--point", 3).code == 0
    assert load(Path("third.json")).nodes["late"].knobs["gain"] == -3.0
    assert midistems("bake", "sweep", "-o", "no.json", "--point", 4).code == 2
    assert "there is no search in" in midistems("bake", "nowhere", "-o", "no.json").err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--vary", "late.gian=1,2"], "did you mean gain"),
        (["--vary", "nobody.gain=1,2"], "there is no node 'nobody'"),
        (["--vary", "late.gain"], "write --vary"),
        (["--vary", "late.gain=1,loud"], "--vary late.gain=loud"),
        (["--vary", "late.gain=1", "--vary", "late.gain=2"], "named twice"),
        (["--vary", "late.gain=0,1", "--score", "sdr"], "no figure is called that; there are: level."),
        (["--vary", "late.gain=0,1", "--score", "level.peak:high"], "is no goal"),
    ],
)
def test_what_cannot_be_searched_is_said(midistems: Program, graph: Path, words: list[str], sentence: str) -> None:
    words = words if "--score" in words else [*words, "--score", "level.peak"]
    ended = midistems("sweep", graph, "a.wav", *words)
    assert ended.code == 2 and sentence in ended.err, ended.err


def test_a_point_that_fails_is_told_and_the_others_stand(midistems: Program, home: Path, graph: Path) -> None:
    made = write_graph(
        home / "check.json", {**NODES, "it": ("check.clipping", {"at_most": -20.0})}, *EDGES, "late.out -> it.signal"
    )
    ended = midistems("sweep", made, "a.wav", "--vary", "late.gain=-30,0", "--score", "it.value")
    assert ended.code == 5 and "the highest sample is" in ended.err
    assert [bool(row["problem"]) for row in rows("sweep")] == [False, True]


def test_songs_with_true_stems_are_scored_by_them(midistems: Program, home: Path, graph: Path) -> None:
    import numpy as np
    import soundfile

    (home / "true").mkdir()
    low, rate = soundfile.read("a.wav")
    soundfile.write("true/vocals.wav", low, rate, subtype="FLOAT")
    made = write_graph(
        home / "stems.json",
        {"load": "io.load", "late": ("filter.filter", {"cutoff": 2000.0}), "save": "io.save",
         "set": ("stems.gather", {"names": ["vocals"]})},
        "load.out -> late.signal", "late.out -> set.parts[0]", "set.out -> save.stems",
    )  # fmt: skip
    words = ("sweep", made, "a.wav", "--vary", "late.cutoff=500,3500", "--score", "si_sdr", "--reference", "true")
    assert midistems(*words).code == 0
    scores = [float(row["si_sdr"]) for row in rows("sweep")]
    assert scores[1] > scores[0] + 1 and np.isfinite(scores).all()
    assert not list(Path("sweep").glob("*.wav"))
    assert json.loads(Path("sweep/journal.jsonl").read_text().splitlines()[0])["kind"] == "sweep"
