"""HPSS against librosa, the time of the other separators, and the memory of long songs.

    python benchmarks/separators.py [--seconds 180] [--runs 5] [--minutes 10] [--json FILE]

librosa is called channel by channel, as its users do. It is slow: runs on 180 s are best made with --runs 1 or 3.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from timing import Figures, peak_mb, race, table, write_json

from midistems_graph.audio.fft import fft_backend
from midistems_graph.node import Audio, Stems
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.separate.hpss import hpss
from midistems_nodes.separate.nmf import nmf
from midistems_nodes.separate.repet import repet
from midistems_nodes.separate.repet_sim import repet_sim

RATE = 44100
OURS = "ours"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=180)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--minutes", type=float, default=10, help="length of the song that memory is measured on")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()

    run = FakeRun(threads=chosen.threads)
    audio = song(chosen.seconds)
    calls: dict[str, Callable[[], object]] = {OURS: lambda: hpss(audio, run=run)}
    if find_spec("librosa"):
        calls["librosa.effects.hpss"] = lambda: librosa_hpss(audio)
    else:
        print("librosa is not installed: left out")
    print(f"{chosen.seconds:g} s stereo, {chosen.threads} threads, {chosen.runs} runs, FFT: {fft_backend()}\n")
    races: dict[str, dict[str, Figures]] = {"HPSS": race(calls, chosen.runs)}
    others: dict[str, Callable[[], object]] = {
        "REPET, first pass": lambda: repet.reduce(Tiles(audio, 10 * RATE), run=run),
        "REPET, both passes": lambda: by_repet(audio, run),
        "REPET-SIM": lambda: repet_sim(audio, run=run),
        "NMF, both passes": lambda: nmf(audio, nmf.reduce(Tiles(audio, 10 * RATE), run=run), run=run),
    }
    races["Others"] = race(others, min(3, chosen.runs))
    print(table("HPSS", races["HPSS"], OURS), end="\n\n")
    print(table("Others", races["Others"], "REPET, both passes"), end="\n\n")

    long = song(60 * chosen.minutes)
    peaks = {
        "HPSS": peak_mb(lambda: hpss(long, run=run)),
        "REPET, first pass": peak_mb(lambda: repet.reduce(Tiles(long, 10 * RATE), run=run)),
        "REPET, both passes": peak_mb(lambda: by_repet(long, run)),
    }
    print(
        f"Peak memory on {chosen.minutes:g} min (stems included; the song itself has {long.samples.nbytes / 2**20:.0f})"
    )
    for name, peak in peaks.items():
        print(f"{name:34}{peak or 0:9.0f} MB")
    if chosen.json:
        facts = {"fft": fft_backend(), "threads": chosen.threads, "seconds": chosen.seconds, "peaks_mb": peaks}
        write_json(chosen.json, races, facts)


def song(seconds: float) -> Audio:
    """Stereo noise with notes and hits twice a second, made in blocks."""
    rng = np.random.default_rng(0)
    samples = np.empty((2, int(seconds * RATE)), np.float32)
    for start in range(0, samples.shape[1], RATE):
        part = samples[:, start : start + RATE]
        time = np.arange(part.shape[1]) / RATE
        hits = np.exp(-40 * (time % 0.5))
        part[:] = 0.2 * np.sin(2 * np.pi * 440 * time) + (0.02 + 0.3 * hits) * rng.standard_normal(part.shape)
    return Audio.of(samples, RATE)


def by_repet(audio: Audio, run: FakeRun) -> Stems:
    result: Stems = repet(audio, repet.reduce(Tiles(audio, 10 * RATE), run=run), run=run)
    return result


def librosa_hpss(audio: Audio) -> list[object]:
    import librosa

    return [librosa.effects.hpss(channel) for channel in audio.samples]


if __name__ == "__main__":
    main()
