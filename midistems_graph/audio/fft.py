"""The FFT behind the STFT: scipy's, or MKL's where it is installed, which is faster.

The environment variable MIDISTEMS_FFT chooses: `scipy`, `mkl` (package mkl_fft), or `auto`, the default, which takes
mkl_fft where it is installed. It is read once per process.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import scipy

from midistems_graph.audio.values import Complex64, Float32


def fft_backend() -> str:
    """Name and version of the FFT in use, for cache keys: another one gives other last bits."""
    return backend().name


@dataclass(frozen=True)
class Backend:
    """Real transforms of a block of frames [frames, n_fft] to bins [frames, n_fft // 2 + 1], unscaled, and back."""

    name: str
    rfft: Callable[[Float32, Complex64], Complex64]
    """A block of frames as bins, which may lie in the array given."""
    irfft: Callable[[Complex64, Float32], Float32]
    """A block of bins as frames, which may lie in the array given."""


@cache
def backend() -> Backend:
    """The FFT in use. Raises ValueError where MIDISTEMS_FFT asks for what is not there."""
    choice = os.environ.get("MIDISTEMS_FFT", "auto")
    if choice not in ("auto", "scipy", "mkl"):
        raise ValueError(f"MIDISTEMS_FFT is {choice!r}; it may be auto, scipy or mkl")
    if choice != "scipy":
        try:
            return _mkl()
        except ImportError as error:
            if choice == "mkl":
                raise ValueError("MIDISTEMS_FFT asks for mkl, but the package mkl_fft is not installed") from error
    return _scipy()


def _scipy() -> Backend:
    def rfft(frames: Float32, bins: Complex64) -> Complex64:
        return np.asarray(scipy.fft.rfft(frames), np.complex64)

    def irfft(bins: Complex64, frames: Float32) -> Float32:
        return np.asarray(scipy.fft.irfft(bins, frames.shape[-1]), np.float32)

    return Backend(f"scipy {scipy.__version__}", rfft, irfft)


def _mkl() -> Backend:
    os.environ.setdefault("MKL_NUM_THREADS", "1")  # the threads are ours
    mkl_fft: Any = import_module("mkl_fft")

    def rfft(frames: Float32, bins: Complex64) -> Complex64:
        mkl_fft.rfft(frames, out=bins)
        return bins

    def irfft(bins: Complex64, frames: Float32) -> Float32:
        mkl_fft.irfft(bins, frames.shape[-1], out=frames)
        return frames

    return Backend(f"mkl_fft {mkl_fft.__version__}", rfft, irfft)
