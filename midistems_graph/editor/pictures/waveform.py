"""The waveform of a song at any zoom: lowest and highest sample per pixel, from a pyramid.

Level 0 has a point for every 64 samples, each further level one for four points of the one before. Points are
float16 and hold exactly the rounded extremes. A pixel of a coarse picture begins and ends on points that are at most
half a pixel long; where a pixel has fewer than 128 samples, the samples themselves are read, and it is exact.

An hour of stereo takes 26 MB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import Audio, Float32, Span, ceil_div
from midistems_graph.editor.pictures.coverage import Coverage
from midistems_graph.editor.pictures.pixels import Edges, Flags, edges_of, inside, pooled
from midistems_graph.editor.pictures.sources import Drawable, NotDrawable, Source

POINT = 64
"""Samples per point of level 0."""

FACTOR = 4
FINE = 2 * POINT
"""Samples per pixel below which samples are read."""

_LEAST_POINTS = 256
_HALF_MAX = 65504.0


@dataclass(frozen=True, eq=False)
class Envelope:
    """Lowest and highest sample, float32 [channels, width]; zeros where `seen` is false: not computed, or no song."""

    low: Float32
    high: Float32
    seen: Flags


class WaveformPyramid:
    """The waveform of one song. One thread adds, others may query meanwhile.

    Units of its `coverage` are samples. `points` may be what another pyramid of the same song saved.
    """

    block = 10 * 44100
    probe = 1024

    def __init__(self, span: Span, channels: int, points: npt.NDArray[np.float16] | None = None) -> None:
        self.span, self.channels, self.units = Span.whole(span.total, span.rate), channels, span.total
        self.coverage = Coverage()
        self._bounds = [0]
        count = max(1, ceil_div(span.total, POINT))
        self._bounds.append(count)
        while count > _LEAST_POINTS:
            count = ceil_div(count, FACTOR)
            self._bounds.append(self._bounds[-1] + count)
        shape = (channels, self._bounds[-1], 2)
        if points is None:
            points = np.empty(shape, np.float16)
            points[..., 0], points[..., 1] = np.inf, -np.inf
        elif points.shape != shape or points.dtype != np.float16:
            raise ValueError(f"the points of this song are float16 {shape}, not {points.dtype} {points.shape}")
        else:
            self.coverage.add(0, self.units)
        self.points = points
        """Lowest and highest of every point, all levels in a row: float16 [channels, points, 2]."""

    @property
    def levels(self) -> int:
        return len(self._bounds) - 1

    def span_of(self, first: int, stop: int) -> Span:
        """What to read for the units [first, stop)."""
        return Span(first, stop, self.span.total, self.span.rate)

    def add(self, value: Drawable) -> None:
        """Take in a stretch of the song, of any length; the order and overlaps do not matter."""
        if not isinstance(value, Audio):
            raise NotDrawable(f"a {type(value).__name__.lower()} has no waveform; show its spectrogram")
        span = value.span
        if span.total != self.span.total or span.rate != self.span.rate or value.channels != self.channels:
            raise ValueError(f"{value.channels} channels of {span} do not belong to the song of this waveform")
        if not span.frames:
            return
        first, stop = span.start // POINT, ceil_div(span.stop, POINT)
        starts = np.maximum(np.arange(first, stop) * POINT - span.start, 0)
        for ufunc, side in ((np.minimum, 0), (np.maximum, 1)):
            extremes = ufunc.reduceat(value.samples, starts, axis=1)
            np.clip(extremes, -_HALF_MAX, _HALF_MAX, out=extremes)
            here = self._level(0)[:, first:stop, side]
            ufunc(here, extremes.astype(np.float16), out=here)
            self._raise_levels(ufunc, side, first, stop)
        self.coverage.add(span.start, span.stop)

    def add_probes(self, values: Sequence[Drawable]) -> None:
        """Take in short stretches."""
        for value in values:
            self.add(value)

    def query(self, start: float, stop: float, width: int, source: Source | None = None) -> Envelope:
        """The extremes of each of `width` pixels over [start, stop) seconds, which may leave the song.

        With a source, pixels of fewer than 128 samples are exact. Raises ValueError for an empty stretch or no pixels.
        """
        edges = edges_of(start, stop, width, self.span.rate)
        fine = (edges[-1] - edges[0]) < FINE * width
        if fine and source is not None and (exact := _exact(source, edges, self.channels)) is not None:
            return exact
        per_pixel = (edges[-1] - edges[0]) / width
        level = 0
        while level + 1 < self.levels and POINT * FACTOR ** (level + 1) <= per_pixel / 2:
            level += 1
        known = inside(edges, self.units)
        edges = edges // (POINT * FACTOR**level)
        points = self._level(level)
        low = pooled(np.minimum, points[..., 0], edges, axis=1).astype(np.float32)
        high = pooled(np.maximum, points[..., 1], edges, axis=1).astype(np.float32)
        return _envelope(low, high, known)

    def _level(self, level: int) -> npt.NDArray[np.float16]:
        return self.points[:, self._bounds[level] : self._bounds[level + 1]]

    def _raise_levels(self, ufunc: np.ufunc, side: int, first: int, stop: int) -> None:
        """Bring the points above the points [first, stop) of level 0 up to date."""
        for level in range(1, self.levels):
            below = self._level(level - 1)[..., side]
            first, stop = first // FACTOR, ceil_div(stop, FACTOR)
            children = below[:, first * FACTOR : stop * FACTOR]
            starts = np.arange(0, children.shape[1], FACTOR)
            self._level(level)[:, first:stop, side] = ufunc.reduceat(children, starts, axis=1)


def _exact(source: Source, edges: Edges, channels: int) -> Envelope | None:
    """The extremes from the samples; None while they are not computed."""
    total = source.span.total
    start = min(max(int(edges[0]), 0), total)
    stop = min(max(int(edges[-1]), int(edges[-2]) + 1, start), total)
    if start == stop:
        low, high = np.zeros((2, channels, len(edges) - 1), np.float32)
        return _envelope(low, high, inside(edges, total))
    value = source.read(Span(start, stop, total, source.span.rate))
    if not isinstance(value, Audio):
        return None
    low = pooled(np.minimum, value.samples, edges - start, axis=1)
    high = pooled(np.maximum, value.samples, edges - start, axis=1)
    return _envelope(low, high, inside(edges, total))


def _envelope(low: Float32, high: Float32, known: Flags) -> Envelope:
    seen = known & (low <= high).all(axis=0)  # not so for points without samples, and for NaN
    low[:, ~seen] = 0
    high[:, ~seen] = 0
    return Envelope(low, high, seen)
