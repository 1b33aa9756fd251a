"""Columns of pixels and the stretches of a song behind them.

Pixel p of a picture of `width` pixels over [start, stop) seconds shows the units (samples, frames, points) from
edge p up to, not including, edge p + 1, and at least the one at edge p: zoomed in, a unit fills several pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Edges = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def edges_of(start: float, stop: float, width: int, per_second: float, offset: float = 0.0) -> Edges:
    """The first unit of every pixel, and of the one after the last: int64 [width + 1].

    Unit n begins at (n - offset) / per_second seconds. Raises ValueError for a stretch or a width of nothing.
    """
    if not (stop > start and width > 0):
        raise ValueError(f"a picture needs a stretch of time and pixels, not {start} to {stop} s on {width} pixels")
    return np.floor(np.linspace(start * per_second, stop * per_second, width + 1) + offset + 1e-6).astype(np.int64)


def inside(edges: Edges, count: int) -> Flags:
    """Which pixels show one of the units 0 to count - 1 at all."""
    return (edges[:-1] < count) & (np.maximum(edges[1:], edges[:-1] + 1) > 0)


def pooled(ufunc: np.ufunc, units: npt.NDArray[Any], edges: Edges, axis: int) -> npt.NDArray[Any]:
    """The units behind every pixel put together by `ufunc` (maximum, minimum, logical_or) along axis 0 or 1.

    Pixels that are not `inside` hold zeros.
    """
    count = units.shape[axis]
    shape = list(units.shape)
    shape[axis] = len(edges) - 1
    out = np.zeros(shape, units.dtype)
    shown = np.flatnonzero(inside(edges, count))
    if not len(shown):
        return out
    left, right = int(shown[0]), int(shown[-1]) + 1
    firsts = np.maximum(edges[left:right], 0)
    stop = min(count, max(int(edges[right]), int(firsts[-1]) + 1))
    if axis == 1:
        low = int(firsts[0])
        out[:, left:right] = ufunc.reduceat(units[:, low:stop], firsts - low, axis=1)
    else:  # row by row: reduceat is ten times slower along the axis that is not contiguous
        lasts = np.maximum(firsts, np.append(firsts[1:], stop) - 1)
        out[left:right] = grouped(ufunc, units, firsts, lasts)
    return out


def grouped(
    ufunc: np.ufunc, rows: npt.NDArray[Any], firsts: npt.NDArray[np.int64], lasts: npt.NDArray[np.int64]
) -> npt.NDArray[Any]:
    """Rows `firsts` up to and including `lasts` put together by `ufunc`; each group has one row at least."""
    out = rows[firsts]
    for more in range(1, int((lasts - firsts).max(initial=0)) + 1):
        longer = np.flatnonzero(firsts + more <= lasts)
        out[longer] = ufunc(out[longer], rows[firsts[longer] + more])
    return out


def grouped_maximum(rows: npt.NDArray[Any], size: int, phase: int, lowest: float) -> npt.NDArray[Any]:
    """The maximum of every `size` rows, of which the first group lacks its first `phase` ones.

    Groups may end short; `lowest` is below all rows, or as low.
    """
    groups = -(-(len(rows) + phase) // size)
    out = np.full((groups, *rows.shape[1:]), lowest, rows.dtype)
    for place in range(size):
        begin = (place - phase) % size
        part = rows[begin::size]
        first = (begin + phase) // size
        here = out[first : first + len(part)]
        np.maximum(here, part, out=here)
    return out
