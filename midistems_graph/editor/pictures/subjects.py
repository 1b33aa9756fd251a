"""What pictures are of: a take (an edge, a stem, a mix or difference of several), where it is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Protocol

import numpy as np

from midistems_graph.audio.resample import resample
from midistems_graph.audio.values import Audio, Float32, Span, Stems, Value
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.pages import EdgeReader, Interval
from midistems_graph.editor.audition.takes import Part, Take
from midistems_graph.editor.pictures.sources import Drawable, NotDrawable, drawable
from midistems_graph.editor.pictures.strength import Channel


class Engine(EdgeReader, Protocol):
    """Gives values of edges, and says where they are computed and from what: a `LiveEngine`."""

    def ready(self, address: Address) -> tuple[Interval, ...]: ...

    def lineage(self, address: Address) -> str: ...


_EDGE = Fraction(1, 25)
"""Seconds around a stretch that the resampler may look at."""


@dataclass(frozen=True)
class Subject:
    """A source for a take. `there` are the stretches in seconds on which all its parts are computed.

    `span` is the whole song at the rate of the first part. With a `channel` other than `mean`, sound is that channel
    alone: left, right, half the sum or half the difference.
    """

    engine: Engine
    take: Take
    span: Span
    there: tuple[Interval, ...]
    channel: Channel = "mean"

    def read(self, span: Span) -> Drawable | None:
        """The take over a stretch; None while it is not computed. Raises NotDrawable for what has no picture."""
        first, *others = self.take.parts
        value = self._part(first, span)
        if value is None:
            return None
        if others or first.gain != 1:
            value = self._mixed(value, span)
        if isinstance(value, Audio) and self.channel != "mean":
            return Audio(one_channel(value.samples, self.channel), value.span)
        return value

    def holds(self, start: Fraction, stop: Fraction) -> bool:
        return any(low <= start and stop <= high for low, high in self.there)

    def _part(self, part: Part, span: Span) -> Drawable | None:
        stretch = Fraction(span.start, span.rate), Fraction(span.stop, span.rate)
        if not self.holds(*stretch):
            return None
        value = self.engine.read(part.address, stretch)
        return None if value is None else drawable(value, part.stem)

    def _mixed(self, first: Drawable, span: Span) -> Audio | None:
        """All parts with their gains, added, at the rate of the first."""
        if not isinstance(first, Audio):
            raise NotDrawable("only sound can be mixed; look at one edge at a time")
        total = first.samples * np.float32(self.take.parts[0].gain)
        for part in self.take.parts[1:]:
            sound = self._fitted(part, span)
            if sound is None:
                return None
            if sound.channels not in (1, len(total)) and len(total) != 1:
                raise NotDrawable(f"sound of {sound.channels} channels is not mixed with sound of {len(total)}")
            total = total + sound.samples * np.float32(part.gain)
        return Audio(total, first.span)

    def _fitted(self, part: Part, span: Span) -> Audio | None:
        """A part on the samples of a span; at another rate, with what the resampler looks at around it."""
        value = self._part(part, span)
        if value is not None and not isinstance(value, Audio):
            raise NotDrawable("sound and a spectrogram cannot be mixed; look at one edge at a time")
        if value is None or value.rate == span.rate:
            return value
        reach = ceil(_EDGE * span.rate)
        wider = Span(max(span.start - reach, 0), min(span.stop + reach, span.total), span.total, span.rate)
        value = self._part(part, wider)
        return resample(value, span.rate).crop(span) if isinstance(value, Audio) else None


def one_channel(samples: Float32, channel: Channel) -> Float32:
    """One channel of sound, float32 [1, samples]; of mono the side is silent and all others are the same."""
    if len(samples) == 1:
        return np.zeros_like(samples) if channel == "side" else samples
    left, right = samples[:1], samples[1:2]
    match channel:
        case "left":
            return left
        case "right":
            return right
    half = np.float32(0.5)
    return (left + right) * half if channel == "mid" else (left - right) * half


def there(engine: Engine, take: Take) -> tuple[Interval, ...]:
    """The stretches on which all parts of a take are computed, neighbours joined."""
    common: list[Interval] | None = None
    for address in take.addresses:
        ready = joined(engine.ready(address))
        common = ready if common is None else joined(_overlaps(common, ready))
    return tuple(common or ())


def joined(stretches: Sequence[Interval]) -> list[Interval]:
    """Stretches in order, those that touch as one."""
    found: list[Interval] = []
    for low, high in sorted(stretches):
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found


def sample(engine: Engine, take: Take, stretches: Sequence[Interval]) -> Value | None:
    """A moment of the first part, which tells kind, rate, channels and settings; None while nothing is computed."""
    part = take.parts[0]
    for low, high in stretches[:1]:
        value = engine.read(part.address, (low, min(high, low + Fraction(1, 10))))
        if isinstance(value, Stems) and part.stem:
            return value.audio.get(part.stem)
        return value
    return None


def _overlaps(a: Sequence[Interval], b: Sequence[Interval]) -> list[Interval]:
    pairs = ((max(x[0], y[0]), min(x[1], y[1])) for x in a for y in b)
    return [(low, high) for low, high in pairs if low < high]
