"""Frequency scales of the ear: mel and Bark."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import Float32

Float64 = npt.NDArray[np.float64]


def mel_filters(rate: int, n_fft: int, count: int) -> Float32:
    """Triangles of equal area, evenly spaced in mel, float32 [bins, count].

    Slaney's scale: linear up to 1 kHz, logarithmic above (Auditory Toolbox, 1998), as most packages use it.
    """
    edges = _hertz(np.linspace(0, _mel(rate / 2), count + 2))
    frequency = np.linspace(0, rate / 2, n_fft // 2 + 1)
    rise = (frequency[:, None] - edges[:-2]) / np.diff(edges)[:-1]
    fall = (edges[2:] - frequency[:, None]) / np.diff(edges)[1:]
    return np.asarray(np.maximum(0, np.minimum(rise, fall)) * 2 / (edges[2:] - edges[:-2]), np.float32)


def bark(frequency: Float64) -> Float64:
    """Critical-band rate in Bark of frequencies in Hz (Schroeder 1979: 7 asinh(f / 650))."""
    return 7 * np.arcsinh(frequency / 650)


def _mel(frequency: float) -> float:
    return frequency * 3 / 200 if frequency < 1000 else 15 + 27 * np.log(frequency / 1000) / np.log(6.4)


def _hertz(mel: Float64) -> Float64:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(np.log(6.4) * (mel - 15) / 27))
