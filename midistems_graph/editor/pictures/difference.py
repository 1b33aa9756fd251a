"""Two edges in one view: the sound that is left between them, and their pictures on the same axes.

`DifferenceSource` is what remains when one edge is taken from the other, sample by sample: build a pyramid on it
like on any edge. `side_by_side` paints two spectrograms over the same seconds, the same Hz and the same dB, whatever
their rates are, and how much louder the first is at each place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from midistems_graph.audio.resample import resample
from midistems_graph.audio.values import Audio, Magnitude, Mask, Phase, Span, Spectrogram, ceil_seconds
from midistems_graph.editor.pictures.painting import Look, Picture, paint, paint_difference
from midistems_graph.editor.pictures.sources import Drawable, NotDrawable, Source
from midistems_graph.editor.pictures.spectrogram import Strip

_EDGE = Fraction(1, 25)
"""Seconds around a stretch that the resampler may look at."""


@dataclass(frozen=True)
class DifferenceSource:
    """First minus second, at the first one's rate. The second is resampled if need be; it ends with the first."""

    first: Source
    second: Source

    @property
    def span(self) -> Span:
        return self.first.span

    def read(self, span: Span) -> Drawable | None:
        """The difference over a stretch. Raises NotDrawable for two kinds, settings or channel counts that differ."""
        a = self.first.read(span)
        b = self._second(span) if a is not None else None
        if a is None or b is None:
            return None
        if isinstance(a, Audio) and isinstance(b, Audio):
            if a.channels != b.channels and 1 not in (a.channels, b.channels):
                raise NotDrawable(f"sound of {a.channels} channels has no difference from one of {b.channels}")
            return a.with_samples(a.samples - b.samples)
        if isinstance(a, Spectrogram | Magnitude | Mask | Phase) and type(a) is type(b) and a.stft == b.stft:
            bins = a.bins - b.bins
            return a.with_bins(bins if isinstance(a, Spectrogram) else abs(bins))
        kinds = [type(value).__name__.lower() for value in (a, b)]
        raise NotDrawable(
            f"a {kinds[0]} and a {kinds[1]} differ in kind or FFT settings; compare two edges of one kind"
        )

    def _second(self, span: Span) -> Drawable | None:
        other = self.second.span
        if other == span or (other.rate, other.total) == (span.rate, span.total):
            return self.second.read(span)
        return _fitted(self.second, span)


def _fitted(source: Source, span: Span) -> Audio | None:
    """Sound at another rate or of another length, on the samples of `span`; silent after its own end."""
    rate, total = source.span.rate, source.span.total
    start, stop = Fraction(span.start, span.rate) - _EDGE, Fraction(span.stop, span.rate) + _EDGE
    low = min(max(ceil_seconds(start, rate), 0), total)
    high = min(max(ceil_seconds(stop, rate), low), total)
    value = source.read(Span(low, high, total, rate))
    if value is None:
        return None
    if not isinstance(value, Audio):
        raise NotDrawable("spectrograms of songs of different rate or length have no difference; compare their sound")
    sound = resample(value, span.rate)
    out = np.zeros((sound.channels, span.frames), np.float32)
    low, high = max(span.start, sound.span.start), min(span.stop, sound.span.stop)
    if low < high:
        part = sound.samples[:, low - sound.span.start : high - sound.span.start]
        out[:, low - span.start : high - span.start] = part
    return Audio(out, span)


@dataclass(frozen=True, eq=False)
class SideBySide:
    """Pictures uint8 [height, width, 4] on the same axes; `louder` is orange where the first is, blue where not."""

    first: Picture
    second: Picture
    louder: Picture


def side_by_side(first: Strip, second: Strip, look: Look, height: int) -> SideBySide:
    """Two strips of the same seconds and width, up to the higher of their two half rates.

    Raises ValueError for strips of different width or measure.
    """
    if len(first.codes) != len(second.codes) or first.measure != second.measure:
        raise ValueError("two pictures side by side need the same width, and both a level, a factor or an angle")
    common = replace(look, highest_hz=look.highest_hz or max(first.rate, second.rate) / 2)
    return SideBySide(
        paint(first, common, height), paint(second, common, height), paint_difference(first, second, common, height)
    )
