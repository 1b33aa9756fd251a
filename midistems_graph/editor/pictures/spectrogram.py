"""The spectrogram of a song at any zoom: one byte per time and frequency, from a pyramid in time.

A column of level 0 holds the strongest of `pool` frames, bin by bin; each further level is the strongest of four
columns of the one before. `pool` is 1 for songs up to about 15 minutes, and grows so that level 0 keeps within
128 MB: an hour takes 110 MB. Bins stay linear; scales of frequency are made when a picture is painted.

While a pyramid is being filled, a pixel without a column of its own shows the column of a coarser level, so a few
frames spread over an hour are a first picture already (see `building`). Where a pixel is shorter than a column,
`detail` transforms what is shown once more, with a hop as short as a pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from midistems_graph.audio.values import Audio, Span, StftSettings, ceil_div
from midistems_graph.editor.pictures.coverage import Coverage
from midistems_graph.editor.pictures.pixels import Edges, Flags, edges_of, grouped_maximum, inside, pooled
from midistems_graph.editor.pictures.sources import Drawable, Source
from midistems_graph.editor.pictures.strength import (
    Channel,
    Codes,
    Measure,
    codes,
    measure_of,
    reach,
    strengths,
    windows,
)

LIMIT_BYTES = 128 << 20
"""What level 0 may take."""

FACTOR = 4
SHORTEST_HOP = 128

_LEAST_COLUMNS = 256


@dataclass(frozen=True, eq=False)
class Strip:
    """Bytes uint8 [width, bins] for each pixel of time; `seen` is false where nothing is computed, or no song is."""

    codes: Codes
    seen: Flags
    measure: Measure
    rate: int

    @property
    def n_fft(self) -> int:
        return int(2 * (self.codes.shape[1] - 1))


class SpectrogramPyramid:
    """The spectrogram of one channel (or mix of channels) of one song. One thread adds, others may query meanwhile.

    `settings` are how sound is analysed, or those of the value itself. Units of its `coverage` are frames. `columns`
    may be what another pyramid of the same song and settings saved. `limit_bytes` bounds level 0.
    """

    block = 430
    """Frames that are read at a time: 10 s at 44.1 kHz and the usual hop."""
    probe = 1

    def __init__(
        self,
        span: Span,
        settings: StftSettings | None = None,
        channel: Channel = "mean",
        measure: Measure = "level",
        *,
        columns: Codes | None = None,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self.span, self.settings = Span.whole(span.total, span.rate), settings or StftSettings()
        self.channel, self.measure = channel, measure
        self.units = len(self.span.stft_frames(self.settings.hop))
        self.pool = 1
        while ceil_div(self.units, self.pool) * self.settings.n_bins > limit_bytes:
            self.pool *= 2
        self.coverage = Coverage()
        self._bounds = [0, ceil_div(self.units, self.pool)]
        while (count := self._bounds[-1] - self._bounds[-2]) > _LEAST_COLUMNS:
            self._bounds.append(self._bounds[-1] + ceil_div(count, FACTOR))
        shape = (self._bounds[-1], self.settings.n_bins)
        self._seen = np.zeros(shape[0], np.bool_)
        if columns is None:
            columns = np.zeros(shape, np.uint8)
        elif columns.shape != shape or columns.dtype != np.uint8:
            raise ValueError(f"the columns of this song are uint8 {shape}, not {columns.dtype} {columns.shape}")
        else:
            self._seen[:] = True
            self.coverage.add(0, self.units)
        self.columns = columns
        """All levels in a row: uint8 [columns, bins]."""

    @classmethod
    def like(
        cls, value: Drawable, channel: Channel = "mean", settings: StftSettings | None = None
    ) -> SpectrogramPyramid:
        """An empty one for the song that a value is a part of; `settings` are for sound."""
        if not isinstance(value, Audio):
            settings = value.stft
        return cls(value.span, settings, channel, measure_of(value))

    @property
    def levels(self) -> int:
        return len(self._bounds) - 1

    def span_of(self, first: int, stop: int) -> Span:
        """What to read for the frames [first, stop): all that they look at."""
        return _span_of(self.span, self.settings, first, stop)

    def add(self, value: Drawable) -> None:
        """Take in a stretch of the song, of any length; the order and overlaps do not matter.

        Of sound, frames that look beyond its ends are left out: add stretches as `span_of` gives them.
        """
        span = value.span
        if span.total != self.span.total or span.rate != self.span.rate or measure_of(value) != self.measure:
            raise ValueError(f"{type(value).__name__.lower()} of {span} is not of the song of this spectrogram")
        first, strength = strengths(value, self.settings, self.channel)
        self._take(first, codes(strength, self.measure))

    def add_probes(self, values: Sequence[Drawable]) -> None:
        """Take in stretches of one frame each, as `span_of` gives them; sound is transformed in one go."""
        n_fft, hop = self.settings.n_fft, self.settings.hop
        alone = [v for v in values if isinstance(v, Audio) and v.span.frames == n_fft]
        for value in values:
            if not (isinstance(value, Audio) and value.span.frames == n_fft):
                self.add(value)
        if alone:
            powers = windows(np.concatenate([v.samples for v in alone], axis=1), self.settings, self.channel)
            for value, frame in zip(alone, codes(powers, self.measure), strict=True):
                self._take_one((value.span.start + n_fft // 2) // hop, frame)

    def query(self, start: float, stop: float, width: int) -> Strip:
        """The strongest per pixel over [start, stop) seconds, which may leave the song; from memory, in milliseconds.

        Pixels begin and end on columns that are no longer than a pixel (or on the shortest there are).
        Raises ValueError for an empty stretch or no pixels.
        """
        frames = edges_of(start, stop, width, self.span.rate / self.settings.hop, offset=0.5)
        per_pixel = (frames[-1] - frames[0]) / width
        known = inside(frames, self.units)
        level = 0
        while level + 1 < self.levels and self.pool * FACTOR ** (level + 1) <= per_pixel:
            level += 1
        edges = frames // (self.pool * FACTOR**level)
        shown = pooled(np.maximum, self._level(level), edges, axis=0)
        seen = known & pooled(np.logical_or, self._level_seen(level), edges, axis=0)
        while level + 1 < self.levels and not seen[known].all():
            level += 1
            self._borrow(shown, seen, known, frames // (self.pool * FACTOR**level), level)
        shown[~seen] = 0
        return Strip(shown, seen, self.measure, self.span.rate)

    def is_coarse(self, start: float, stop: float, width: int) -> bool:
        """Whether `detail` would show more of this stretch than `query` does."""
        per_pixel = (stop - start) * self.span.rate / width
        column = self.pool * self.settings.hop
        return per_pixel < column and (self.pool > 1 or self.measure == "level")

    def _level(self, level: int) -> Codes:
        return self.columns[self._bounds[level] : self._bounds[level + 1]]

    def _level_seen(self, level: int) -> Flags:
        return self._seen[self._bounds[level] : self._bounds[level + 1]]

    def _borrow(self, shown: Codes, seen: Flags, known: Flags, edges: Edges, level: int) -> None:
        """Fill pixels of the song that were not seen with the column of this level that they lie in."""
        lacking = np.flatnonzero(known & ~seen)
        flags = self._level_seen(level)
        at = np.clip(edges[lacking], 0, len(flags) - 1)
        there = flags[at]
        shown[lacking[there]] = self._level(level)[at[there]]
        seen[lacking[there]] = True

    def _take_one(self, number: int, frame: Codes) -> None:
        """Take in a single frame, uint8 [bins]: the columns of all levels that hold it."""
        column = number // self.pool
        for level in range(self.levels):
            here = self._level(level)[column]
            np.maximum(here, frame, out=here)
            self._level_seen(level)[column] = True
            column //= FACTOR
        self.coverage.add(number, number + 1)

    def _take(self, first: int, frames: Codes) -> None:
        """Take in the frames from `first` on, uint8 [frames, bins]."""
        stop = first + len(frames)
        if not len(frames):
            return
        low, high = first // self.pool, ceil_div(stop, self.pool)
        if self.pool > 1:
            frames = grouped_maximum(frames, self.pool, first % self.pool, 0)
        here = self._level(0)[low:high]
        np.maximum(here, frames, out=here)
        self._level_seen(0)[low:high] = True
        for level in range(1, self.levels):
            below = self._level(level - 1)
            low, high = low // FACTOR, ceil_div(high, FACTOR)
            children = below[low * FACTOR : high * FACTOR]
            self._level(level)[low:high] = grouped_maximum(children, FACTOR, 0, 0)
            self._level_seen(level)[low:high] = True
        self.coverage.add(first, stop)


def detail(
    pyramid: SpectrogramPyramid,
    source: Source,
    start: float,
    stop: float,
    width: int,
    given_up: Callable[[], bool] = lambda: False,
) -> Strip | None:
    """What `query` shows, transformed anew with a hop no longer than a pixel; None while it is not computed.

    For a thread beside the one that draws: up to a second for a picture of 1,200 pixels, in steps of a tenth, between
    which it may be given up.
    """
    settings, span = pyramid.settings, pyramid.span
    hop = settings.hop
    if pyramid.measure == "level":  # other measures come as frames already
        while hop // 2 >= SHORTEST_HOP and hop > (stop - start) * span.rate / width:
            hop //= 2
    finer = StftSettings(settings.n_fft, hop, settings.window)
    edges = edges_of(start, stop, width, span.rate / hop, offset=0.5)
    count = len(span.stft_frames(hop))
    first, last = max(int(edges[0]), 0), min(max(int(edges[-1]), int(edges[-2]) + 1), count)
    if first >= last:
        return pyramid.query(start, stop, width)
    parts = []
    for low in range(first, last, pyramid.block):
        high = min(low + pyramid.block, last)
        value = None if given_up() else source.read(_span_of(span, finer, low, high))
        if value is None:
            return None
        begin, strength = strengths(value, finer, pyramid.channel)
        parts.append(codes(strength[low - begin : high - begin], pyramid.measure))
    known = inside(edges, count)
    shown = pooled(np.maximum, np.concatenate(parts), edges - first, axis=0)
    shown[~known] = 0
    return Strip(shown, known, pyramid.measure, span.rate)


def _span_of(song: Span, settings: StftSettings, first: int, stop: int) -> Span:
    """The samples that the frames [first, stop) look at, and more before the end, where the song is reflected."""
    half, total = reach(settings), song.total
    start, end = first * settings.hop - half, (stop - 1) * settings.hop + half
    if end > total:
        start = min(start, total - 2 * (half + settings.hop))
    return Span(min(max(start, 0), total), min(end, total), total, song.rate)
