"""Lost samples, guessed from what is around them: the signal is taken for the output of a resonant filter.

Janssen, Veldhuis & Vries, "Adaptive interpolation of discrete-time signals that can be modeled as autoregressive
processes", IEEE Transactions on Acoustics, Speech, and Signal Processing 34(2), 1986: the lost samples are those that
make the filter's input smallest, the filter is estimated from the signal, in turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import scipy

from midistems_graph.audio.values import Float32
from midistems_graph.node import Context, Run, Span, samples

Flags = npt.NDArray[np.bool_]
Float64 = npt.NDArray[np.float64]

BLOCK = 2048
MARGIN = 1024
"""Samples to either side of a block that take part in its filter."""
ORDER = 48
_ROUNDS = 3
MOST = 0.5
"""Share of a block that may be lost; with less left nothing is guessed."""

CONTEXT: Context = samples(BLOCK + 2 * MARGIN)


def blocks(span: Span) -> Iterator[tuple[slice, slice]]:
    """Blocks on the song's own grid: the samples that take part, and those of them that count, both of the span."""
    for first in range(span.start // BLOCK * BLOCK, span.stop, BLOCK):
        low, high = max(first - MARGIN, span.start), min(first + BLOCK + MARGIN, span.stop)
        inner = slice(max(first, span.start) - low, min(first + BLOCK, span.stop) - low)
        yield slice(low - span.start, high - span.start), inner


def repaired(signal: Float32, span: Span, lost_in: Callable[[Float64], Flags], run: Run) -> Float32:
    """One channel [samples] with the samples that `lost_in` marks in a piece guessed anew."""
    result = np.array(signal)
    for outer, inner in blocks(span):
        run.check()
        piece = signal[outer].astype(np.float64)
        if len(piece) <= 4 * ORDER:
            continue
        lost = lost_in(piece)
        if not lost[inner].any() or lost.mean() > MOST:
            continue
        guess = interpolated(piece, lost)
        marked = np.zeros_like(lost)
        marked[inner] = lost[inner]
        result[outer][marked] = guess[marked]
    return result


def interpolated(piece: Float64, lost: Flags) -> Float64:
    """A piece [samples] with its lost samples guessed."""
    places = np.flatnonzero(lost)
    result = piece.copy()
    result[lost] = np.interp(places, np.flatnonzero(~lost), piece[~lost])
    known = np.where(lost, 0, piece)
    reach = np.minimum(np.arange(ORDER + 1)[:, np.newaxis], ORDER)
    for _ in range(_ROUNDS):
        filter_taps = whitening(result)
        spread = np.correlate(filter_taps, filter_taps, "full")  # b(l) = sum a(i) a(i + l)
        half = spread[ORDER:]
        wanted = -np.convolve(known, spread, "same")[places]
        # Lost samples i and j pull at each other by b of their distance, and not at all beyond the filter's order.
        bands = np.zeros((ORDER + 1, len(places)))
        for step in range(min(ORDER + 1, len(places))):
            distance = places[step:] - places[: len(places) - step]
            near = distance <= ORDER
            bands[step, : len(places) - step] = np.where(near, half[np.minimum(distance, reach[-1])], 0)
        bands[0] += 1e-9 * half[0]
        result[places] = scipy.linalg.solveh_banded(bands, wanted, lower=True)
    return result


def whitening(piece: Float64) -> Float64:
    """The filter [order + 1] that makes noise of a piece (autocorrelation method, Hann window)."""
    shaped = piece * np.hanning(len(piece))
    size = scipy.fft.next_fast_len(2 * len(piece), real=True)
    power = scipy.fft.irfft(np.square(np.abs(scipy.fft.rfft(shaped, size))), size)[: ORDER + 1]
    power[0] = power[0] * (1 + 1e-9) + np.finfo(np.float64).tiny
    return np.concatenate([[1.0], -scipy.linalg.solve_toeplitz(power[:-1], power[1:])])
