"""Delays to a fraction of a sample: found over a whole song, and undone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Run, Stream
from midistems_nodes.filter.fir import convolve
from midistems_nodes.measure.streams import chunks

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
    size = scipy.fft.next_fast_len(2 * _CHUNK + 2 * reach, real=True)
    tail: Float32 | None = None
    for late, true in chunks((signal, reference), _CHUNK, run.progress):
        channels = true.channels
        for samples, place in ((late.samples, 0), (true.samples, 1)):
            energies[place] += float(np.sum(np.square(samples, dtype=np.float64)))
        # Both orders: this piece of the one against this and the last `reach` samples of the other.
        old = np.zeros((2, channels, reach), np.float32) if tail is None else tail
        wide = np.stack([np.concatenate([old[i], v.samples], axis=1) for i, v in enumerate((late, true))])
        now = scipy.fft.rfft(np.stack([late.samples, true.samples]).astype(np.float64), size)
        both = scipy.fft.rfft(wide.astype(np.float64), size)
        past = scipy.fft.rfft(old.astype(np.float64), size)
        # R[l] = sum_n reference[n] signal[n + l]: signal now with reference of now and before (l >= 0 and within the
        # piece), reference now with the signal before (l < 0).
        ahead = scipy.fft.irfft((now[0] * both[1].conj()).sum(axis=0), size)
        behind = scipy.fft.irfft((past[0] * now[1].conj()).sum(axis=0), size)
        lags = np.arange(-reach, reach + 1)
        correlation += ahead[(lags - reach) % size] + behind[(lags + reach) % size]
        tail = wide[..., wide.shape[-1] - reach :]
    inner = np.arange(HALF_TAPS, len(correlation) - HALF_TAPS)
    heights = np.abs(correlation[inner]) if inverted else correlation[inner]
    peak = int(inner[np.argmax(heights)])
    if not energies.all() or correlation[peak] == 0:
        return Offset()
    part = _summit(correlation, peak)
    if abs(part) < _WHOLE:
        part = 0.0
    height = _between(correlation, peak, part)
    return Offset(peak - reach + part, float(height / energies[0]), float(height / np.sqrt(energies.prod())))


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
    return convolve(moved, _taps(part)[::-1].copy(), run) if part else moved


def _taps(part: float) -> Float32:
    """The value of a sampled signal `part` of a sample later, as factors of the samples around it."""
    offset = np.arange(-HALF_TAPS, HALF_TAPS + 1)
    shape = np.i0(_BETA * np.sqrt(np.clip(1 - ((offset - part) / (HALF_TAPS + 1)) ** 2, 0, 1))) / np.i0(_BETA)
    return np.asarray(np.sinc(offset - part) * shape, np.float32)


def _between(curve: np.ndarray[tuple[int], np.dtype[np.float64]], place: int, part: float) -> float:
    near = curve[place - HALF_TAPS : place + HALF_TAPS + 1]
    return float(near @ _taps(part).astype(np.float64))


def _summit(curve: np.ndarray[tuple[int], np.dtype[np.float64]], place: int) -> float:
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
