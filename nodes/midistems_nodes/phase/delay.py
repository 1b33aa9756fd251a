"""Delays to a fraction of a sample: found over a whole song, and undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Run, Span, Stream
from midistems_nodes.filter.fir import convolve
from midistems_nodes.measure.streams import chunks

Curve = npt.NDArray[np.float64]

HALF_TAPS = 64
"""The fractional filter looks so many samples to either side; it is flat up to 0.93 of half the sample rate."""
_BETA = 8.0
_CHUNK = 1 << 16
_WHOLE = 1e-3
"""A delay that is so near to whole samples is one."""


@dataclass(frozen=True)
class Offset:
    """A signal against its reference: so many samples late, and the factor that makes it the reference."""

    delay: float = 0.0
    factor: float = 0.0
    likeness: float = 0.0
    """The correlation coefficient at that delay, -1 to 1."""


def find_offset(signal: Stream[Audio], reference: Stream[Audio], most: int, inverted: bool, run: Run) -> Offset:
    """The delay, up to `most` samples either way, at which both correlate best; `inverted` allows a negative factor."""
    reach = most + HALF_TAPS
    correlation = np.zeros(2 * reach + 1)
    energies = np.zeros(2)
    for piece in correlations(signal, reference, reach, _CHUNK, run.progress):
        correlation += piece.curve
        energies += piece.energies
    peak = summit(correlation, inverted)
    if not energies.all() or correlation[round(peak)] == 0:
        return Offset()
    height = between(correlation, peak)
    return Offset(peak - reach, float(height / energies[0]), float(height / np.sqrt(energies.prod())))


@dataclass(frozen=True)
class Correlation:
    """What one piece of a song adds to the correlation of a signal with its reference.

    span        the piece; of each pair of samples the later one lies in it
    curve       by lag, from -reach to reach: the sum of signal[n + lag] * reference[n] over all channels
    energies    of signal and reference in the piece
    """

    span: Span
    curve: Curve
    energies: Curve


def correlations(
    signal: Stream[Audio], reference: Stream[Audio], reach: int, length: int, report: Callable[[float], None]
) -> Iterator[Correlation]:
    """The correlation of two sounds in pieces of `length` samples, for lags of up to `reach` either way."""
    lags = np.arange(-reach, reach + 1)
    size = scipy.fft.next_fast_len(2 * length + 2 * reach, real=True)
    tail: Float32 | None = None
    for late, true in chunks((signal, reference), length, report):
        energies = np.array([np.sum(np.square(value.samples, dtype=np.float64)) for value in (late, true)])
        # Both orders: this piece of the one against this and the last `reach` samples of the other.
        old = np.zeros((2, true.channels, reach), np.float32) if tail is None else tail
        wide = np.stack([np.concatenate([old[i], v.samples], axis=1) for i, v in enumerate((late, true))])
        now = scipy.fft.rfft(np.stack([late.samples, true.samples]).astype(np.float64), size)
        both = scipy.fft.rfft(wide.astype(np.float64), size)
        past = scipy.fft.rfft(old.astype(np.float64), size)
        # R[l] = sum_n reference[n] signal[n + l]: signal now with reference of now and before (l >= 0 and within the
        # piece), reference now with the signal before (l < 0).
        ahead = scipy.fft.irfft((now[0] * both[1].conj()).sum(axis=0), size)
        behind = scipy.fft.irfft((past[0] * now[1].conj()).sum(axis=0), size)
        yield Correlation(true.span, ahead[(lags - reach) % size] + behind[(lags + reach) % size], energies)
        tail = wide[..., wide.shape[-1] - reach :]


def summit(curve: Curve, inverted: bool) -> float:
    """Where a correlation is largest, to a fraction of its steps; `inverted` counts its valleys as well."""
    inner = np.arange(HALF_TAPS, len(curve) - HALF_TAPS)
    heights = np.abs(curve[inner]) if inverted else curve[inner]
    peak = int(inner[np.argmax(heights)])
    if curve[peak] == 0:
        return float(peak)
    part = _summit(curve, peak)
    return peak if abs(part) < _WHOLE else peak + part


def between(curve: Curve, place: float) -> float:
    """The value of a band-limited curve between its points, at least `HALF_TAPS` from its ends."""
    whole = round(place)
    return _between(curve, whole, place - whole)


def advance(samples: Float32, delay: float, run: Run) -> Float32:
    """Samples [channels, samples] moved to an earlier time by a delay in samples; silence comes in from beyond."""
    whole = round(delay)
    moved = np.zeros_like(samples)
    if abs(whole) < samples.shape[1]:
        if whole >= 0:
            moved[:, : samples.shape[1] - whole] = samples[:, whole:]
        else:
            moved[:, -whole:] = samples[:, :whole]
    part = delay - whole
    return convolve(moved, taps(part)[::-1].copy(), run) if part else moved


def taps(part: float) -> Float32:
    """The value of a sampled signal `part` of a sample later, as factors of the samples around it."""
    offset = np.arange(-HALF_TAPS, HALF_TAPS + 1)
    shape = np.i0(_BETA * np.sqrt(np.clip(1 - ((offset - part) / (HALF_TAPS + 1)) ** 2, 0, 1))) / np.i0(_BETA)
    return np.asarray(np.sinc(offset - part) * shape, np.float32)


def _between(curve: Curve, place: int, part: float) -> float:
    near = curve[place - HALF_TAPS : place + HALF_TAPS + 1]
    return float(near @ taps(part).astype(np.float64))


def _summit(curve: Curve, place: int) -> float:
    """Where the band-limited curve has its extreme, within half a sample of a place (golden section)."""
    sign = np.sign(curve[place])
    low, high = -0.6, 0.6
    ratio = (5**0.5 - 1) / 2
    for _ in range(40):
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        if sign * _between(curve, place, a) > sign * _between(curve, place, b):
            high = b
        else:
            low = a
    return (low + high) / 2
