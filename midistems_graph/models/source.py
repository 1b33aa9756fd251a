"""A piece of sound as networks want it: at their rate, in segments of an absolute grid, with edges filled in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from midistems_graph.audio.resample import resample, resample_context, resampled_span
from midistems_graph.audio.values import Audio, Float32, Span
from midistems_graph.models.grid import Edges

FARTHEST = 0.1
"""Seconds around a stretch that a change of rate may look at, for song and network at 4000 Hz or more."""


@dataclass(frozen=True, eq=False)
class Source:
    """Sound that is read at another rate.

    Each segment is converted by itself, from the samples around its own absolute place: so it has the same bits
    whatever window it is asked for in. What lies beyond the given samples counts as the end of the song.
    """

    mixture: Audio
    rate: int

    @property
    def span(self) -> Span:
        """What is given, in samples of the wanted rate."""
        return resampled_span(self.mixture.span, self.rate)

    def read(self, start: int, length: int, edges: Edges, silence: float = 0.0) -> Float32:
        """The samples [start, start + length) of the song, float32 [channels, length]; beyond its ends `silence`."""
        limits = self.span
        out = np.full((self.mixture.channels, length), silence, np.float32)
        if limits.frames == 0:
            return out
        low, high = max(start, limits.start), min(start + length, limits.stop)
        if low < high:
            out[:, low - start : high - start] = self._converted(low, high)
        if edges == "reflect" and (low > start or high < start + length):
            outside = [
                n for n in (range(start, min(low, start + length)), range(max(high, start), start + length)) if n
            ]
            for places in outside:
                out[:, places.start - start : places.stop - start] = self._reflected(places)
        return out

    def _reflected(self, places: range) -> Float32:
        """Samples beyond the ends, mirrored at the first or last one."""
        limits = self.span
        period = max(1, 2 * (limits.frames - 1))
        around = (np.arange(places.start, places.stop) - limits.start) % period
        mirrored = np.minimum(around, period - around)
        low, high = int(mirrored.min()), int(mirrored.max()) + 1
        inside = self._converted(limits.start + low, limits.start + high)
        return inside[:, mirrored - low]

    def _converted(self, low: int, high: int) -> Float32:
        """Samples that are all there, at the wanted rate."""
        given = self.mixture.span
        if self.rate == given.rate:
            return self.mixture.samples[:, low - given.start : high - given.start]
        reach = _reach(given.rate, self.rate)
        near = Span(
            max(given.start, low * given.rate // self.rate - reach),
            min(given.stop, -(-high * given.rate // self.rate) + reach),
            given.total,
            given.rate,
        )
        converted = resample(self.mixture.crop(near), self.rate)
        first = low - converted.span.start
        return converted.samples[:, first : first + high - low]


def wider(span: Span, rate: int) -> Span:
    """The stretch at a network's rate that is needed to give a stretch at the song's own rate."""
    if rate == span.rate:
        return span
    reach = _reach(span.rate, rate)
    near = Span(max(0, span.start - reach), min(span.total, span.stop + reach), span.total, span.rate)
    return resampled_span(near, rate)


def back(samples: Float32, at: Span, wanted: Span) -> Float32:
    """Samples at a network's rate, over `at`, as samples over a stretch at the song's own rate."""
    if at.rate == wanted.rate:
        first = wanted.start - at.start
        return samples[:, first : first + wanted.frames]
    converted = resample(Audio(samples, at), wanted.rate)
    out = np.zeros((samples.shape[0], wanted.frames), np.float32)
    low = max(wanted.start, converted.span.start)
    high = min(wanted.stop, converted.span.stop)
    out[:, low - wanted.start : high - wanted.start] = converted.samples[
        :, low - converted.span.start : high - converted.span.start
    ]
    return out


def is_unusual(old: int, new: int) -> bool:
    """Whether a change of rate is one whose windows are not held exactly."""
    return math.isinf(resample_context(old, new))


def _reach(old: int, new: int) -> int:
    """Samples of the old rate around a stretch that its conversion looks at."""
    context = resample_context(old, new)
    return math.ceil(Fraction(FARTHEST if math.isinf(context) else context) * old) + 1
