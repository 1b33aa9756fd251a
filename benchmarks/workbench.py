"""What searches and reports cost, against doing the same work run by run.

    python benchmarks/workbench.py FOLDER [--seconds 20] [--report-seconds 240]

FOLDER holds `mixture` and its stems as sound files. Three figures: a sweep of 20 values of a late knob against 20 runs
from nothing; the ablation map of a preset of 12 nodes against as many full runs; and the report of a song of four
minutes (the mixture again and again, a little louder each time) against the run that it tells of. A run from nothing
is measured twice and its mean multiplied. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from midistems_graph.cli import main as midistems
from midistems_graph.cli import run_graph
from midistems_graph.pages import report as reports

RUNS = 2


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", type=Path)
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--report-seconds", type=float, default=240.0)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.environ |= {name: f"{place}/{name}" for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME")}
        folder = Path(place)
        true = _cut(given.folder, folder / "true", given.seconds)
        _sweep(folder, true)
        _ablation(folder, true)
        _report(folder, true, given.report_seconds)


def _sweep(place: Path, true: Path) -> None:
    """Where the treble of the voice begins, in `vocal_and_backing`: two separators lie above it."""
    took = _searched(["sweep", "vocal_and_backing", "--vary", "high.cutoff=60:200:20"], place / "sweep", true)
    alone = _from_nothing("vocal_and_backing", "high.cutoff=110", place, true)
    print(f"sweep of 20 cutoffs: {took:.1f} s, 20 runs from nothing {20 * alone:.1f} s: {20 * alone / took:.1f} times")


def _ablation(place: Path, true: Path) -> None:
    took = _searched(["ablate", "ensemble"], place / "map", true)
    tries = len((place / "map" / "ablation.csv").read_text().splitlines()) - 1
    alone = _from_nothing("ensemble", "long.cutoff=110", place, true)
    print(f"map of ensemble (12 nodes, {tries} variants): {took:.1f} s, a full run {alone:.1f} s: "
          f"{12 * alone / took:.1f} times against 12, {tries * alone / took:.1f} against {tries}")  # fmt: skip


def _searched(words: list[object], folder: Path, true: Path) -> float:
    """Seconds of a search on the mixture that finds nothing in its store."""
    return _timed(
        midistems.main,
        [*words, true / "mixture.wav", "--score", "si_sdr", "--reference", true, "-o", folder, "--no-cache"],
    )


def _report(place: Path, true: Path, seconds: float) -> None:
    samples, rate = soundfile.read(true / "mixture.wav", dtype="float32")
    count = int(np.ceil(seconds * rate / len(samples)))
    song = np.concatenate([samples * (0.9 + 0.1 * i / count) for i in range(count)])[: int(seconds * rate)]
    soundfile.write(place / "long.wav", song, rate, subtype="FLOAT")
    page, spent = place / "report.html", []
    whole = reports.report

    def timed(story: reports.Story) -> str:
        began = time.perf_counter()
        text = whole(story)
        spent.append((story.result.seconds, time.perf_counter() - began))
        return text

    reports.report = timed
    words = [place / "long.wav", "-o", place / "long", "--report", page, "--no-cache"]
    _timed(run_graph.main, ["four_stems", *words])
    [(run, report)] = spent
    edges = page.read_text().count("<div class=edge ")
    share, size = 100 * report / run, page.stat().st_size / 1e6
    print(f"report of {seconds:.0f} s, {edges} players: {report:.1f} s, {share:.0f} % of {run:.1f} s; {size:.1f} MB")


def _from_nothing(graph: str, setting: str, place: Path, true: Path) -> float:
    """Mean seconds of one point from nothing: the same measures, nothing in the store."""
    runs = [_searched(["sweep", graph, "--vary", setting], place / f"{graph}{n}", true) for n in range(RUNS)]
    return sum(runs) / RUNS


def _timed(program: Callable[[list[str]], int], words: Sequence[object]) -> float:
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
        code = program([str(word) for word in words])
    assert code == 0, said.getvalue()
    return time.perf_counter() - began


def _cut(folder: Path, place: Path, seconds: float) -> Path:
    place.mkdir()
    for file in folder.iterdir():
        with contextlib.suppress(soundfile.LibsndfileError):
            samples, rate = soundfile.read(file, frames=int(seconds * soundfile.info(file).samplerate), dtype="float32")
            soundfile.write(place / f"{file.stem}.wav", samples, rate, subtype="FLOAT")
    return place


if __name__ == "__main__":
    main()
