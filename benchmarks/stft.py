"""The STFT and its inverse against torch, librosa and scipy.signal, in one run.

    python benchmarks/stft.py [--seconds 180] [--runs 5] [--n-fft 4096] [--hop 1024] [--json FILE]

Peers that are not installed are left out. MIDISTEMS_FFT=scipy or mkl chooses our FFT.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import scipy.signal
from timing import race, table, write_json

from midistems_graph.audio.fft import fft_backend
from midistems_graph.audio.stft import Stft, istft, stft
from midistems_graph.audio.values import Audio, Spectrogram, StftSettings
from midistems_graph.audio.windows import window

RATE = 44100
OURS = "ours, reused output"
Calls = dict[str, Callable[[], np.ndarray]]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=180)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--n-fft", type=int, default=4096)
    options.add_argument("--hop", type=int, default=1024)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()

    settings = StftSettings(chosen.n_fft, chosen.hop)
    samples = np.random.default_rng(0).standard_normal((2, int(chosen.seconds * RATE)), np.float32) * np.float32(0.3)
    forward, inverse = _ours(samples, settings, chosen.threads)
    peers = {"torch": _torch, "librosa": _librosa, "scipy": _scipy_signal}
    for name in [name for name in peers if not find_spec(name)]:
        print(f"{name} is not installed: left out")
        del peers[name]
    for calls in peers.values():
        analyses, syntheses = calls(samples, settings, chosen.threads)
        forward.update(analyses)
        inverse.update(syntheses)

    print(f"{chosen.seconds:g} s stereo, {settings}, {chosen.threads} threads, FFT: {fft_backend()}\n")
    errors = {name: _error_db(call(), samples) for name, call in inverse.items()}
    races = {"STFT": race(forward, chosen.runs), "inverse": race(inverse, chosen.runs)}
    for title, figures in races.items():
        print(table(title, figures, OURS), end="\n\n")
    print("Round trip, largest error over largest sample:")
    for name, error in errors.items():
        print(f"{name:34}{error:8.1f} dB")
    if chosen.json:
        versions = {name: version(name) for name in ("numpy", *peers)}
        facts = {"fft": fft_backend(), "versions": versions, "threads": chosen.threads, "seconds": chosen.seconds}
        write_json(chosen.json, races, {**facts, "settings": repr(settings), "round_trip_db": errors})


def _ours(samples: np.ndarray, settings: StftSettings, threads: int) -> tuple[Calls, Calls]:
    audio = Audio.of(samples, RATE)
    transform = Stft(settings, audio.span, threads=threads)
    bins, back = transform.forward(audio.samples), np.empty_like(samples)
    spectrogram = Spectrogram(bins, audio.span, settings)
    forward: Calls = {
        OURS: lambda: transform.forward(audio.samples, bins),
        "ours, fresh output": lambda: stft(audio, settings, threads=threads).bins,
        "ours, 1 thread, reused output": lambda: stft(audio, settings, out=bins).bins,
    }
    inverse: Calls = {
        OURS: lambda: transform.inverse(bins, back),
        "ours, fresh output": lambda: istft(spectrogram, threads=threads).samples,
        "ours, 1 thread, reused output": lambda: istft(spectrogram, out=back).samples,
    }
    return forward, inverse


def _torch(samples: np.ndarray, settings: StftSettings, threads: int) -> tuple[Calls, Calls]:
    torch: Any = import_module("torch")
    torch.set_num_threads(threads)
    shape = {"n_fft": settings.n_fft, "hop_length": settings.hop}
    shape["window"] = torch.from_numpy(window(settings.window, settings.n_fft).copy())
    sound, length = torch.from_numpy(samples), samples.shape[1]
    bins = torch.stft(sound, **shape, return_complex=True)
    return (
        {f"torch.stft, {threads} threads": lambda: torch.stft(sound, **shape, return_complex=True).numpy()},
        {f"torch.istft, {threads} threads": lambda: torch.istft(bins, **shape, length=length).numpy()},
    )


def _librosa(samples: np.ndarray, settings: StftSettings, threads: int) -> tuple[Calls, Calls]:
    librosa: Any = import_module("librosa")  # its FFT is scipy.fft
    length, shape = samples.shape[1], {"n_fft": settings.n_fft, "hop_length": settings.hop}
    bins, back = librosa.stft(samples, **shape, pad_mode="reflect"), np.empty_like(samples)
    spare = np.empty_like(bins)
    return (
        {
            "librosa.stft": lambda: librosa.stft(samples, **shape, pad_mode="reflect"),
            "librosa.stft, reused output": lambda: librosa.stft(samples, **shape, pad_mode="reflect", out=spare),
        },
        {
            "librosa.istft": lambda: librosa.istft(bins, **shape, length=length),
            "librosa.istft, reused output": lambda: librosa.istft(bins, **shape, length=length, out=back),
        },
    )


def _scipy_signal(samples: np.ndarray, settings: StftSettings, threads: int) -> tuple[Calls, Calls]:
    shape = {"nperseg": settings.n_fft, "noverlap": settings.n_fft - settings.hop}
    bins = scipy.signal.stft(samples, **shape)[2]
    return (
        {"scipy.signal.stft": lambda: scipy.signal.stft(samples, **shape)[2]},
        {"scipy.signal.istft": lambda: scipy.signal.istft(bins, **shape)[1]},
    )


def _error_db(back: np.ndarray, samples: np.ndarray) -> float:
    error = np.abs(back[:, : samples.shape[1]] - samples).max() / np.abs(samples).max()
    return float(20 * np.log10(error + 1e-30))


if __name__ == "__main__":
    main()
