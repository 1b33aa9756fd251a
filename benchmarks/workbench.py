"""What searches and reports cost, against doing the same work run by run.

    python benchmarks/workbench.py FOLDER [--seconds 20] [--report-seconds 300] [--only sweep|ablation|report]

FOLDER holds `mixture` and its stems as sound files; where it is shorter than asked for it goes on from its beginning.
Figures: sweeps of 20 values of a late knob against 20 runs from nothing; the ablation map of a preset of 12 nodes
against as many full runs; and the reports of a song of five minutes against the runs that they tell of. A run from
nothing is measured twice and its mean multiplied. Every search is a process of its own, as a user starts it. Seconds
on the clock want a machine that does nothing else; those of the processors bear some company.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from midistems_graph.cli import run_graph
from midistems_graph.pages import report as reports

RUNS = 2


LATE = (
    ("vocal_and_backing", "high.cutoff=60:200:20", "high.cutoff=110"),
    ("vocal_and_backing", "vocals.weights=" + "; ".join(f"{i},{19 - i}" for i in range(20)), "vocals.weights=1,1"),
)
"""Presets with a knob that has most of the work above it: 20 values, and one."""

REPORTED = ("four_stems", "polished_voice")
"""Presets whose reports are timed; the second one has more than twenty edges that sound."""


@dataclass(frozen=True)
class Took:
    """Seconds on the clock and of the processors."""

    clock: float
    work: float

    def __str__(self) -> str:
        return f"{self.clock:.1f} s ({self.work:.1f} s of work)"

    def times(self, count: float) -> Took:
        return Took(count * self.clock, count * self.work)

    def against(self, other: Took) -> str:
        return f"{other.clock / self.clock:.1f} times ({other.work / self.work:.1f})"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", type=Path)
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--report-seconds", type=float, default=300.0)
    options.add_argument("--only", choices=("sweep", "ablation", "report"))
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.environ |= {name: f"{place}/{name}" for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME")}
        folder = Path(place)
        true = _cut(given.folder, folder / "true", given.seconds)
        if given.only in (None, "sweep"):
            for number, (preset, values, one) in enumerate(LATE):
                _sweep(folder / f"{number}", true, preset, values, one)
        if given.only in (None, "ablation"):
            _ablation(folder, true)
        if given.only in (None, "report"):
            for preset in REPORTED:
                _report(folder, true, given.report_seconds, preset)


def _sweep(place: Path, true: Path, preset: str, values: str, one: str) -> None:
    took = _searched(["sweep", preset, "--vary", values], place / "sweep", true)
    alone = _from_nothing(preset, one, place, true).times(20)
    knob = one.partition("=")[0]
    print(f"{preset}, 20 values of {knob}: {took}, 20 runs from nothing {alone}: {took.against(alone)}")


def _ablation(place: Path, true: Path) -> None:
    took = _searched(["ablate", "ensemble"], place / "map", true)
    tries = len((place / "map" / "ablation.csv").read_text().splitlines()) - 1
    alone = _from_nothing("ensemble", "long.cutoff=110", place, true)
    against = f"{took.against(alone.times(12))} against 12, {took.against(alone.times(tries))} against {tries}"
    print(f"map of ensemble (12 nodes, {tries} variants): {took}, a full run {alone}: {against}")


def _searched(words: Sequence[object], folder: Path, true: Path) -> Took:
    """A search on the mixture that finds nothing in its store."""
    words = [*words, true / "mixture.wav", "--score", "si_sdr", "--reference", true, "-o", folder, "--no-cache"]
    began, before = time.perf_counter(), _work()
    done = subprocess.run(
        [sys.executable, "-m", "midistems_graph.cli.main", *map(str, words)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return Took(time.perf_counter() - began, _work() - before)


def _work() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _report(place: Path, true: Path, seconds: float, preset: str) -> None:
    samples, rate = soundfile.read(true / "mixture.wav", dtype="float32")
    soundfile.write(place / "long.wav", _repeated(samples, int(seconds * rate)), rate, subtype="FLOAT")
    page, spent = place / "report.html", []
    whole = reports.report

    def timed(story: reports.Story) -> str:
        began, before = time.perf_counter(), time.process_time()
        text = whole(story)
        spent.append((story.result.seconds, Took(time.perf_counter() - began, time.process_time() - before)))
        return text

    reports.report = timed  # what the command imports
    words = [place / "long.wav", "-o", place / preset, "--report", page, "--no-cache"]
    before = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
        code = run_graph.main([preset, *map(str, words)])
    assert code == 0, said.getvalue()
    [(clock, report)] = spent
    run = Took(clock, time.process_time() - before - report.work)
    edges, size = page.read_text().count("<div class=edge data-n"), page.stat().st_size / 1e6
    share = f"{100 * report.clock / run.clock:.0f} % ({100 * report.work / run.work:.0f} %)"
    reports.report = whole
    print(f"report of {preset}, {seconds:.0f} s, {edges} players: {report}, {share} of a run of {run}; {size:.1f} MB")


def _from_nothing(graph: str, setting: str, place: Path, true: Path) -> Took:
    """The mean of one point from nothing: the same measures, nothing in the store."""
    runs = [_searched(["sweep", graph, "--vary", setting], place / f"{graph}{n}", true) for n in range(RUNS)]
    return Took(sum(run.clock for run in runs) / RUNS, sum(run.work for run in runs) / RUNS)


def _cut(folder: Path, place: Path, seconds: float) -> Path:
    place.mkdir()
    for file in folder.iterdir():
        with contextlib.suppress(soundfile.LibsndfileError):
            samples, rate = soundfile.read(file, dtype="float32")
            soundfile.write(place / f"{file.stem}.wav", _repeated(samples, int(seconds * rate)), rate, subtype="FLOAT")
    return place


def _repeated(samples: np.ndarray, frames: int) -> np.ndarray:
    """So many frames of a sound, again and again, each time a little louder."""
    count = -(-frames // len(samples))
    return np.concatenate([samples * np.float32(0.9 + 0.1 * (i + 1) / count) for i in range(count)])[:frames]


if __name__ == "__main__":
    main()
