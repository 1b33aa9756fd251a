"""Arithmetic on spectrogram rows, a few frames at a time on all threads, so that it stays in the cache."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import Complex64, Float32

_ROWS = 64
_JOB = 4 * _ROWS
FLOOR = np.float32(1e-18)
"""Magnitudes below it count as silence, which has no phase."""


def in_rows(pool: Executor, work: Callable[..., object], *arrays: npt.NDArray[Any]) -> None:
    """Call `work` on the same few rows of all arrays [rows, bins], until all rows are done."""

    def job(first: int) -> None:
        for row in range(first, min(first + _JOB, len(arrays[0])), _ROWS):
            work(*(array[row : row + _ROWS] for array in arrays))

    list(pool.map(job, range(0, len(arrays[0]), _JOB)))


def impose(magnitude: Float32, bins: Complex64) -> None:
    """Give bins a magnitude and leave them their phases, in place."""
    scale = np.abs(bins)
    np.maximum(scale, FLOOR, out=scale)
    np.divide(magnitude, scale, out=scale)
    bins *= scale
