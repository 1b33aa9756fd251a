"""How soon pictures of an edge are there, what they take in memory, and how long a zoom takes.

    python benchmarks/pictures.py [--json figures.json]

Songs are stereo at 44.1 kHz and made while they are read. For 3 minutes and for an hour:
- seconds until every pixel of the first spectrogram of 1200 x 400 shows something, painted (goal: below 1 s), and the
  share of the song that was read until then; until the whole pyramid is there;
- growth of the process's memory from the start to its peak (goal: below 300 MB);
- milliseconds of a query and of painting at 1200 x 400 (median of random zooms), of a detail of two seconds, and of
  opening the pyramid again from disk.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import scipy.fft  # noqa: F401  loaded long before in an editor that plays

from midistems_graph.audio.values import Audio, Span
from midistems_graph.editor.pictures.building import build
from midistems_graph.editor.pictures.cache import PictureCache
from midistems_graph.editor.pictures.painting import Look, paint
from midistems_graph.editor.pictures.spectrogram import SpectrogramPyramid, detail
from midistems_graph.editor.pictures.waveform import WaveformPyramid

RATE, WIDTH, HEIGHT = 44100, 1200, 400


class Made:
    """A song of noise, made while it is read."""

    def __init__(self, seconds: int) -> None:
        self.span = Span.whole(seconds * RATE, RATE)
        self.samples = 0
        self._loop = np.random.default_rng(1).uniform(-0.5, 0.5, (2, 20 * RATE)).astype(np.float32)

    def read(self, span: Span) -> Audio:
        self.samples += span.frames
        first = span.start % (10 * RATE)
        if span.frames <= 10 * RATE:
            return Audio(self._loop[:, first : first + span.frames], span)
        return Audio(np.resize(self._loop, (2, span.frames)), span)


def figures(seconds: int) -> dict[str, float]:
    """All figures for a song of that length; the process's peak of memory counts, so: once per process."""
    song, look = Made(seconds), Look()
    before = peak_mb()
    began = time.perf_counter()
    pyramid = SpectrogramPyramid(song.span)
    first = share = 0.0
    for _ in build(pyramid, song):
        if not first and (strip := pyramid.query(0, seconds, WIDTH)).seen.all():
            paint(strip, look, HEIGHT)
            first, share = time.perf_counter() - began, song.samples / song.span.total
    whole = time.perf_counter() - began
    queries, paints, details = zooms(pyramid, song, look)
    memory = peak_mb() - before

    began = time.perf_counter()
    waveform = WaveformPyramid(song.span, 2)
    for _ in build(waveform, song):
        pass
    waveform_whole = time.perf_counter() - began
    return {
        "first picture, s": first,
        "read until then, %": 100 * share,
        "whole pyramid, s": whole,
        "memory, MB": memory,
        "query, ms": 1000 * median(queries),
        "paint, ms": 1000 * median(paints),
        "detail of 2 s, ms": 1000 * median(details),
        "from disk, ms": 1000 * reopened(pyramid),
        "waveform, s": waveform_whole,
        "waveform query, ms": 1000 * waveform_query(waveform, song),
    }


def zooms(pyramid: SpectrogramPyramid, song: Made, look: Look) -> tuple[list[float], list[float], list[float]]:
    """Seconds of queries, of painting, and of details, at random places."""
    random, total = np.random.default_rng(2), song.span.seconds
    queries, paints, details = [], [], []
    for _ in range(30):
        length = float(np.exp(random.uniform(np.log(1), np.log(total))))
        start = float(random.uniform(0, total - length))
        began = time.perf_counter()
        strip = pyramid.query(start, start + length, WIDTH)
        queried = time.perf_counter()
        paint(strip, look, HEIGHT)
        painted = time.perf_counter()
        queries.append(queried - began)
        paints.append(painted - queried)
    for start in random.uniform(0, total - 2, 5):
        began = time.perf_counter()
        detail(pyramid, song, float(start), float(start) + 2, WIDTH)
        details.append(time.perf_counter() - began)
    return queries, paints, details


def waveform_query(waveform: WaveformPyramid, song: Made) -> float:
    """Median seconds of a query of the waveform."""
    random, total, taken = np.random.default_rng(3), song.span.seconds, []
    for _ in range(30):
        length = float(np.exp(random.uniform(np.log(0.1), np.log(total))))
        start = float(random.uniform(0, total - length))
        began = time.perf_counter()
        waveform.query(start, start + length, WIDTH, song)
        taken.append(time.perf_counter() - began)
    return median(taken)


def reopened(pyramid: SpectrogramPyramid) -> float:
    """Seconds to open a kept pyramid and query it."""
    with TemporaryDirectory() as folder:
        cache = PictureCache(Path(folder))
        cache.keep("edge", pyramid)
        began = time.perf_counter()
        kept = cache.spectrogram("edge", pyramid.span)
        assert kept is not None
        kept.query(0, pyramid.span.seconds, WIDTH)
        return time.perf_counter() - began


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--seconds", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.seconds:
        print(json.dumps(figures(options.seconds)))
        return
    table = {}
    for name, seconds in (("3 min", 180), ("1 h", 3600)):
        command = [sys.executable, __file__, "--seconds", str(seconds)]
        table[name] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"{'':24}" + "".join(f"{name:>10}" for name in table))
    for figure in next(iter(table.values())):
        print(f"{figure:24}" + "".join(f"{row[figure]:10.3g}" for row in table.values()))
    if options.json:
        options.json.write_text(json.dumps(table, indent=2) + "\n")


if __name__ == "__main__":
    main()
