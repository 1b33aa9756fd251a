"""Analysis windows by name, periodic (for an STFT), float32, peak near 1.

The names are part of spectrogram settings and of cache keys, so a name never changes its meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import Float32

_COSINES: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "rectangular": (1.0,),
        "hann": (0.5, 0.5),
        "hamming": (0.54, 0.46),
        "blackman": (0.42, 0.5, 0.08),
        "blackman_harris": (0.35875, 0.48829, 0.14128, 0.01168),
    }
)
"""Weights a of sum_k (-1)^k a_k cos(2 pi k n / N) (Harris 1978)."""

KAISER_BETA = 8.6
"""Shape of the Kaiser window: side lobes like Blackman's, a narrower main lobe."""

WINDOWS: tuple[str, ...] = (*_COSINES, "sqrt_hann", "kaiser")
"""All names."""


@lru_cache(maxsize=32)
def window(name: str, n_fft: int) -> Float32:
    """The periodic window of that name, read-only float32 [n_fft].

    Raises ValueError for an unknown name.
    """
    values = _periodic(name, n_fft).astype(np.float32)
    values.flags.writeable = False
    return values


def _periodic(name: str, n_fft: int) -> npt.NDArray[np.float64]:
    if name == "kaiser":
        return np.kaiser(n_fft + 1, KAISER_BETA)[:-1]
    if name == "sqrt_hann":
        return np.sin(np.pi * np.arange(n_fft) / n_fft)
    if name not in _COSINES:
        raise ValueError(f"there is no window {name!r}; choose one of {', '.join(WINDOWS)}")
    angle = 2 * np.pi * np.arange(n_fft) / n_fft
    terms = [(-1) ** k * weight * np.cos(k * angle) for k, weight in enumerate(_COSINES[name])]
    return np.asarray(np.sum(terms, axis=0))
