"""Delays that change over a song: found piece by piece, and undone by one filter whose delay moves.

A clock that runs too fast makes a delay that grows evenly (drift); tape, vinyl and edits make one that wanders. Both
are a `Track`: a delay for every instant of the song.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Run, Span, Stream
from midistems_nodes.measure.streams import chunks
from midistems_nodes.phase.delay import HALF_TAPS, Curve, between, correlations, find_offset, summit, taps

Follow = Literal["delay", "drift", "curve"]

PIECE = 1 << 17
"""Samples in which a delay counts as one when drift is looked for: 3 s at 44.1 kHz."""
SHORT_PIECE = 1 << 15
"""The same when it may wander; half of it once the delay is nearly known."""

_ROUNDS = 4
_FINE = 16
"""Samples either way that are looked at once a delay is nearly known."""
_DONE = 0.005
"""Samples of a correction that is the last one: the next one would be far smaller."""
_NEAR = 48.0
"""Samples by which the first look at a piece may be wrong and still count for a line."""
_SURE = 0.01
"""Samples by which pieces differ even where all are right."""
_STEP = 0.001
"""Seconds by which the delay may change from piece to piece; more is an edit, where the delay jumps."""
_ORDER = 9
_LIKE = 0.1


@dataclass(frozen=True)
class Track:
    """How late a signal is against its reference: at `times` (samples of the reference) by `delays` samples.

    Between the times it is a smooth curve that an edit's jump does not set swinging (Akima, "A new method of
    interpolation and smooth curve fitting", Journal of the ACM 17(4), 1970), outside it goes straight on; `factor`
    makes the signal the reference, and `likeness` is the correlation coefficient that is then reached.
    """

    times: Curve
    delays: Curve
    factor: float = 0.0
    likeness: float = 0.0

    @classmethod
    def constant(cls, delay: float = 0.0, factor: float = 0.0, likeness: float = 0.0) -> Track:
        return cls(np.zeros(1), np.array([delay]), factor, likeness)

    @property
    def steady(self) -> bool:
        return len(self.delays) == 1

    @property
    def drift(self) -> float:
        """Its mean growth, in millionths."""
        if self.steady:
            return 0.0
        return float(1e6 * (self.delays[-1] - self.delays[0]) / (self.times[-1] - self.times[0]))

    def at(self, samples: npt.NDArray[np.int64] | Curve) -> Curve:
        """The delay at samples of the reference."""
        if self.steady:
            return np.full(len(samples), self.delays[0])
        inside = np.clip(samples, self.times[0], self.times[-1])
        curve = scipy.interpolate.Akima1DInterpolator(self.times, self.delays)
        slopes = np.where(samples < self.times[0], curve(self.times[0], 1), curve(self.times[-1], 1))
        return np.asarray(curve(inside) + slopes * (samples - inside), np.float64)


def find_track(
    signal: Stream[Audio], reference: Stream[Audio], follow: Follow, most: int, inverted: bool, run: Run
) -> Track:
    """The delay of a signal over the whole song, never beyond `most` samples; `inverted` allows a negative factor."""
    if follow == "delay":
        found = find_offset(signal, reference, most, inverted, run)
        return Track.constant(found.delay, found.factor, found.likeness)
    length = PIECE if follow == "drift" else SHORT_PIECE
    first = _coarse(signal, reference, length, most, inverted, run)
    if not len(first.times):
        return Track.constant()
    track = first.line() if follow == "drift" else first.curve(_STEP * reference.span.rate)
    for _ in range(_ROUNDS):
        track = _within(track, reference.span, most)
        left = _residual(signal, reference, track, length if follow == "drift" else length // 2, inverted, run)
        if not len(left.times):
            break
        times = track.times if follow == "drift" else np.union1d(track.times, left.times)
        more = left.rest().at(times) if follow == "drift" else np.interp(times, left.times, left.delays)
        track = Track(times, track.at(times) + more)
        if np.abs(more).max() < _DONE:
            break
    return _with_factor(signal, reference, _within(track, reference.span, most), run)


def moved(signal: Float32, span: Span, wanted: Span, track: Track, run: Run) -> Float32:
    """The part `wanted` of a signal whose samples [channels, n] cover `span`, each taken where its delay says.

    Silence comes in from beyond. The fractional delay is a polynomial in the fraction for each tap, so that it may be
    another one for every sample (Farrow, "A continuously variable digital delay element", ISCAS 1988).
    """
    result = np.empty((len(signal), wanted.frames), np.float32)
    for start in range(wanted.start, wanted.stop, _BLOCK):
        run.check()
        stop = min(start + _BLOCK, wanted.stop)
        place = np.arange(start, stop)
        delay = track.at(place)
        whole = np.rint(delay).astype(np.int64)
        low, high = int((place + whole).min()), int((place + whole).max()) + 1
        piece = _stretch(signal, low - HALF_TAPS - span.start, high + HALF_TAPS - span.start)
        if not piece.any():
            result[:, start - wanted.start : stop - wanted.start] = 0
            continue
        size = scipy.fft.next_fast_len(piece.shape[1], real=True)
        spectrum = scipy.fft.rfft(piece, size)
        part = (delay - whole).astype(np.float32)
        at = place + whole - low
        value = np.zeros((len(signal), len(place)), np.float32)
        for row in _FARROW[::-1]:  # Horner's scheme
            filtered = scipy.fft.irfft(spectrum * scipy.fft.rfft(row[::-1], size), size)
            value = value * part + filtered[:, 2 * HALF_TAPS :][:, at]
        result[:, start - wanted.start : stop - wanted.start] = value
    return result


@dataclass(frozen=True)
class _Pieces:
    """Delays of the pieces of a song that tell one: when, how late, how much it counts, whether upright."""

    times: Curve
    delays: Curve
    weights: Curve

    @classmethod
    def of(cls, rows: list[tuple[float, float, float]]) -> _Pieces:
        times, delays, weights = np.array(rows).reshape(-1, 3).T
        return cls(times, delays, weights)

    def line(self) -> Track:
        """The straight line that most of the pieces agree on."""
        times, delays = self.times, self.delays
        rng = np.random.default_rng(0)
        best, inside = -1.0, np.ones(len(times), bool)
        for a, b in rng.integers(len(times), size=(2000, 2)):
            slope = 0.0 if a == b else (delays[b] - delays[a]) / (times[b] - times[a])
            near = np.abs(delays - delays[a] - slope * (times - times[a])) < _NEAR
            if (agreed := float(self.weights[near].sum())) > best:
                best, inside = agreed, near
        return self._through(inside)

    def rest(self) -> Track:
        """The straight line through nearly all pieces, without those that lie far from it."""
        inside = np.abs(self.delays - np.median(self.delays)) < _FINE
        for _ in range(2):
            off = np.abs(self.delays - self._through(inside).at(self.times))
            inside = off <= 4 * np.median(off) + _SURE
        return self._through(inside)

    def _through(self, inside: npt.NDArray[np.bool_]) -> Track:
        """The line of least squares through some of the pieces; level if there are too few for a slope."""
        times, delays, weights = self.times[inside], self.delays[inside], self.weights[inside]
        ends = np.array([0.0, max(float(self.times[-1]), 1.0)])
        if len(times) < 2:
            return Track(ends, np.repeat(delays[0] if len(delays) else self.delays[0], 2))
        slope, start = np.polyfit(times, delays, 1, w=weights)
        return Track(ends, start + slope * ends)

    def curve(self, step: float) -> Track:
        """The delays one after the other, without those that neither neighbour bears out; edits stay jumps."""
        median = scipy.ndimage.median_filter(self.delays, 5, mode="nearest")
        delays = np.where(np.abs(self.delays - median) > step, median, self.delays)
        times, values = [self.times[0]], [delays[0]]
        for i in range(1, len(delays)):
            if abs(delays[i] - delays[i - 1]) > step:
                middle = (self.times[i - 1] + self.times[i]) / 2
                times += [middle - 0.5, middle + 0.5]
                values += [delays[i - 1], delays[i]]
            times.append(self.times[i])
            values.append(delays[i])
        if len(times) == 1:
            times, values = [times[0], times[0] + 1], values * 2
        return Track(np.array(times), np.array(values))


def _coarse(
    signal: Stream[Audio], reference: Stream[Audio], length: int, most: int, inverted: bool, run: Run
) -> _Pieces:
    """The delay of every piece by its own correlation."""
    rows = []
    reach = most + HALF_TAPS
    for piece in correlations(signal, reference, reach, max(length, reach), lambda done: run.progress(done / 2)):
        peak = summit(piece.curve, inverted)
        height = abs(piece.curve[round(peak)])
        energy = np.sqrt(piece.energies.prod())
        if energy and height > _LIKE * energy:
            lag = peak - reach
            middle = (piece.span.start + piece.span.stop) / 2 - max(lag, 0.0)
            rows.append((middle, lag, float(height)))
    return _Pieces.of(rows)


def _residual(
    signal: Stream[Audio], reference: Stream[Audio], track: Track, length: int, inverted: bool, run: Run
) -> _Pieces:
    """What is left of the delay of every piece once a track is undone."""
    reach = _FINE + HALF_TAPS
    rows = []
    for span, late, true in _side_by_side(signal, reference, track, length, run):
        size = scipy.fft.next_fast_len(span.frames + reach, real=True)
        spectra = scipy.fft.rfft(np.stack([late, true]).astype(np.float64), size)
        round_trip = scipy.fft.irfft((spectra[0] * spectra[1].conj()).sum(axis=0), size)
        curve = round_trip[np.arange(-reach, reach + 1) % size]
        levels = [np.sum(np.square(samples, dtype=np.float64), axis=0) for samples in (late, true)]
        energy = np.sqrt(levels[0].sum() * levels[1].sum())
        peak = summit(curve, inverted)
        if energy and abs(curve[round(peak)]) > _LIKE * energy:
            middle = float(np.average(np.arange(span.start, span.stop), weights=levels[1]))  # where the sound is
            rows.append((middle, peak - reach, float(abs(between(curve, peak)))))
    return _Pieces.of(rows)


def _with_factor(signal: Stream[Audio], reference: Stream[Audio], track: Track, run: Run) -> Track:
    """The track with the factor that brings the signal nearest to its reference."""
    product, energies = 0.0, np.zeros(2)
    for _, late, true in _side_by_side(signal, reference, track, PIECE, run):
        product += float(np.vdot(true.astype(np.float64), late))
        energies += [np.sum(np.square(samples, dtype=np.float64)) for samples in (late, true)]
    if not energies.all():
        return Track(track.times, track.delays)
    return Track(track.times, track.delays, float(product / energies[0]), float(product / np.sqrt(energies.prod())))


def _side_by_side(
    signal: Stream[Audio], reference: Stream[Audio], track: Track, length: int, run: Run
) -> Iterator[tuple[Span, Float32, Float32]]:
    """Pieces of the reference, each with what the track puts beside it."""
    span = reference.span
    ends = np.array([span.start, span.stop])
    edges = np.concatenate([track.delays, track.at(ends)])
    ahead = int(np.ceil(max(0.0, edges.max()))) + HALF_TAPS + 1
    behind = int(np.ceil(max(0.0, -edges.min()))) + HALF_TAPS + 1
    late, true = (np.zeros((0, 0), np.float32) for _ in range(2))
    first = start = span.start  # of what is held of the signal, and of the reference
    for one, other in chunks((signal, reference), length, lambda done: None):
        run.check()
        late = one.samples if first == one.span.start else np.concatenate([late, one.samples], axis=1)
        true = other.samples if start == other.span.start else np.concatenate([true, other.samples], axis=1)
        heard = one.span.stop
        while start < heard and (heard == span.stop or start + length + ahead <= heard):
            stop = min(start + length, span.stop)
            held = Span(first, heard, span.total, span.rate)
            part = Span(start, stop, span.total, span.rate)
            yield part, moved(late, held, part, track, run), true[:, : stop - start]
            true, start = true[:, stop - start :], stop
            keep = max(first, min(start - behind, heard))
            late, first = late[:, keep - first :], keep


def _within(track: Track, span: Span, most: int) -> Track:
    """A track that never asks for more than the node's context holds."""
    if np.abs(track.at(np.array([span.start, span.stop]))).max() <= most and np.abs(track.delays).max() <= most:
        return track
    inside = np.arange(span.start, span.stop + 1, max(1, span.frames // 1000))
    return Track(inside.astype(np.float64), np.clip(track.at(inside), -most, most))


def _stretch(samples: Float32, start: int, stop: int) -> Float32:
    """Samples [channels, stop - start] from anywhere, silent beyond both ends."""
    lo, hi = (min(max(edge, 0), samples.shape[1]) for edge in (start, stop))
    return np.pad(samples[:, lo:hi], ((0, 0), (lo - start if hi > lo else 0, stop - hi if hi > lo else stop - start)))


def _farrow() -> Float32:
    """Taps [order + 1, taps] as polynomials in the fraction, -0.5 to 0.5, fitted at Chebyshev's points."""
    points = 0.5 * np.cos(np.pi * (np.arange(4 * _ORDER) + 0.5) / (4 * _ORDER))
    values = np.stack([taps(float(point)).astype(np.float64) for point in points])
    return np.polynomial.polynomial.polyfit(points, values, _ORDER).astype(np.float32)


_BLOCK = 1 << 15
_FARROW = _farrow()
