"""Where pictures read from: whatever gives a value of a song by the stretch, or None while it is not computed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from midistems_graph.audio.files import SoundReader
from midistems_graph.audio.values import Audio, Bins, Span, Stems, Value
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.audible import audible
from midistems_graph.editor.audition.pages import EdgeReader

Drawable = Audio | Bins
"""What has a waveform or a spectrogram."""


class NotDrawable(Exception):
    """A value has no such picture; one sentence for the user."""


class Source(Protocol):
    """A whole song of one kind of value, read by the stretch."""

    @property
    def span(self) -> Span: ...

    def read(self, span: Span) -> Drawable | None:
        """The value over a stretch of `span`, at its rate; None while it is not computed."""
        ...


@dataclass(frozen=True)
class ValueSource:
    """A value that is in memory; its own stretch of the song is all there is."""

    value: Drawable

    @property
    def span(self) -> Span:
        return Span.whole(self.value.span.total, self.value.rate)

    def read(self, span: Span) -> Drawable | None:
        have = self.value.span
        return self.value.crop(span) if have.start <= span.start and span.stop <= have.stop else None


@dataclass(frozen=True)
class FileSource:
    """A sound file. It belongs to one thread at a time, as its reader does."""

    sound: SoundReader

    @property
    def span(self) -> Span:
        return Span.whole(self.sound.frames, self.sound.rate)

    def read(self, span: Span) -> Audio:
        return Audio(self.sound.read(span.start, span.stop), span, self.sound.layout)


@dataclass(frozen=True)
class EdgeSource:
    """An edge of a running graph; `span` is the whole song at the edge's rate, `stem` chooses from a stem set."""

    reader: EdgeReader
    address: Address
    span: Span
    stem: str = ""

    @classmethod
    def like(cls, reader: EdgeReader, address: Address, value: Value, stem: str = "") -> EdgeSource:
        """For the edge that a value was read from. Raises NotDrawable for values without a picture."""
        span = drawable(value, stem).span
        return cls(reader, address, Span.whole(span.total, span.rate), stem)

    def read(self, span: Span) -> Drawable | None:
        value = self.reader.read(self.address, (Fraction(span.start, span.rate), Fraction(span.stop, span.rate)))
        return None if value is None else drawable(value, self.stem)


def drawable(value: Value, stem: str = "") -> Drawable:
    """The value itself; of stems the chosen one, or their sum. Raises NotDrawable for what has no picture."""
    if isinstance(value, Stems):
        return audible(value, stem=stem).audio
    if isinstance(value, Drawable):
        return value
    raise NotDrawable(f"this edge carries {type(value).__name__.lower()}, which has no waveform and no spectrogram")
