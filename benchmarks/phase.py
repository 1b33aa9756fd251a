"""Griffin-Lim against librosa and MISI against a plain one in numpy.

    python benchmarks/phase.py [--seconds 30] [--runs 5] [--iterations 32] [--json FILE]

All candidates do the same iterations; how near they end is printed too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from timing import race, table, write_json

from midistems_graph.audio.fft import fft_backend
from midistems_graph.audio.stft import stft
from midistems_graph.node import Audio, Magnitude, Stems, StftSettings
from midistems_graph.node.testing import FakeRun
from midistems_nodes.phase.griffin_lim import griffin_lim
from midistems_nodes.phase.misi import misi

RATE = 44100
N_FFT, HOP = 2048, 512
OURS = "ours"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=30)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--iterations", type=int, default=32)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    count, run = chosen.iterations, FakeRun(threads=chosen.threads)

    parts = [song(chosen.seconds, seed) for seed in range(2)]
    mixture = Audio.of(sum(parts), RATE)
    stems = Stems({f"stem {number}": Audio.of(part, RATE) for number, part in enumerate(parts)}, complete=True)
    bins = stft(mixture, StftSettings(N_FFT, HOP))
    wanted = Magnitude(np.abs(bins.bins), bins.span, bins.stft)

    rebuild: dict[str, Callable[[], np.ndarray]] = {
        OURS: lambda: griffin_lim(wanted, iterations=count, n_fft=N_FFT, run=run).samples
    }
    if find_spec("librosa"):
        rebuild["librosa.griffinlim"] = lambda: librosa_griffin_lim(wanted, count)
    else:
        print("librosa is not installed: left out")
    refine: dict[str, Callable[[], np.ndarray]] = {
        OURS: lambda: np.stack(
            [a.samples for a in misi(mixture, stems, start="mixture", iterations=count, run=run).audio.values()]
        ),
        "plain numpy": lambda: plain_misi(mixture.samples, np.stack(parts), count),
    }
    print(f"{chosen.seconds:g} s stereo, {N_FFT}/{HOP}, {count} rounds, {chosen.threads} threads, {fft_backend()}\n")
    for name, call in rebuild.items():
        print(f"Griffin-Lim, {name}: spectral convergence {convergence(call(), wanted):.2f} dB")
    for name, call in refine.items():
        print(f"MISI, {name}: SDR {sdr(call()[0], parts[0]):.2f} dB")
    races = {}
    for title, calls in {"Griffin-Lim": rebuild, "MISI, 2 stems": refine}.items():
        races[title] = race(calls, chosen.runs)
        print("\n" + table(title, races[title], OURS), flush=True)
    if chosen.json:
        facts = {"fft": fft_backend(), "threads": chosen.threads, "seconds": chosen.seconds, "iterations": count}
        write_json(chosen.json, races, facts)


def song(seconds: float, seed: int) -> np.ndarray:
    """Stereo: gliding tones and hits, a whole number of hops long."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE) // HOP * HOP) / RATE
    tones = sum(np.sin(2 * np.pi * (f + 20 * np.sin(3 * time)) * time) for f in rng.uniform(200, 3000, 5))
    hits = np.exp(-30 * (time % rng.uniform(0.2, 0.5))) * rng.standard_normal((2, len(time)))
    return (0.05 * tones + 0.1 * hits).astype(np.float32)


def convergence(signal: np.ndarray, wanted: Magnitude) -> float:
    have = np.abs(stft(Audio.of(signal, RATE), wanted.stft).bins)
    return 20 * float(np.log10(np.linalg.norm(have - wanted.bins) / np.linalg.norm(wanted.bins)))


def sdr(signal: np.ndarray, truth: np.ndarray) -> float:
    return 10 * float(np.log10(np.sum(truth.astype(float) ** 2) / np.sum((truth - signal).astype(float) ** 2)))


def librosa_griffin_lim(wanted: Magnitude, iterations: int) -> np.ndarray:
    import librosa

    result: np.ndarray = librosa.griffinlim(
        wanted.bins.transpose(0, 2, 1), n_iter=iterations, hop_length=HOP, length=wanted.span.frames, random_state=0
    )
    return result


def plain_misi(mixture: np.ndarray, truth: np.ndarray, iterations: int) -> np.ndarray:
    """MISI by the book, with whole arrays in float32."""
    magnitude = np.abs(plain_stft(truth))
    made = plain_istft(magnitude * unit(plain_stft(mixture)), mixture.shape[-1])
    for _ in range(iterations):
        made += (mixture - made.sum(axis=0)) / len(made)
        made = plain_istft(magnitude * unit(plain_stft(made)), mixture.shape[-1])
    return made + (mixture - made.sum(axis=0)) / len(made)


def plain_stft(signal: np.ndarray) -> np.ndarray:
    padded = np.pad(signal, [(0, 0)] * (signal.ndim - 1) + [(N_FFT // 2, N_FFT // 2)], mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT, axis=-1)[..., ::HOP, :]
    return np.fft.rfft(frames * window(), axis=-1)


def plain_istft(bins: np.ndarray, length: int) -> np.ndarray:
    frames = np.fft.irfft(bins, axis=-1) * window()
    total = np.zeros((*bins.shape[:-2], length + N_FFT), np.float32)
    weight = np.zeros(length + N_FFT, np.float32)
    for number in range(bins.shape[-2]):
        place = slice(number * HOP, number * HOP + N_FFT)
        total[..., place] += frames[..., number, :]
        weight[place] += window() ** 2
    return (total / np.maximum(weight, 1e-8))[..., N_FFT // 2 : -N_FFT // 2]


def unit(bins: np.ndarray) -> np.ndarray:
    return bins / np.maximum(np.abs(bins), np.float32(1e-18))


def window() -> np.ndarray:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)).astype(np.float32)


if __name__ == "__main__":
    main()
