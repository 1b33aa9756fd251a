"""A stretch of a song as if it were a song of its own, for previews behind nodes that have to hear all of it.

What is computed on an excerpt differs from what the song gives: the period of a repeating part is sought in a few
seconds. So its values never share a key with true ones: every file that it reads is named by content *and* stretch, the
length of the song is part of each key, and previews are kept in a store of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from midistems_graph.audio.files import SoundReader
from midistems_graph.audio.values import Audio, Float32, Span, Stems, Timed, Value, ceil_seconds
from midistems_graph.document.graph import Address
from midistems_graph.engine.binding import Bindings, BoundFile, InputProblem
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.plan import Interval
from midistems_graph.node.knob import FileRule


@dataclass(frozen=True)
class Excerpt(Bindings):
    """Bindings of which every sound begins and ends with a stretch of the song, in seconds."""

    whole: Bindings = field(default_factory=Bindings)
    stretch: Interval = (Fraction(0), Fraction(0))

    @classmethod
    def of(cls, whole: Bindings, stretch: Interval) -> Excerpt:
        """The stretch of a song. It begins with a sample at every rate if it begins with a whole second."""
        cut = cls({}, whole.rate, stretch[1] - stretch[0], whole.folder, whole.song_name, whole=whole, stretch=stretch)
        return replace(cut, files={name: cut._cut(bound) for name, bound in whole.files.items()})

    @property
    def of_song(self) -> Bindings:
        return self.whole

    def part(self, digest: str, value: Value) -> tuple[str, Value]:
        """A stretch of locked sound as if it were all of it; frames of spectra would lie between the excerpt's."""
        if isinstance(value, Timed) and not isinstance(value, Audio | Stems):
            raise InputProblem("a preview begins with sound; nodes that are locked to spectra have none behind them")
        first, last = self.stretch
        return f"{digest} from {first} to {last}", _excerpt(value, first, last, self.whole.total)

    def sound(self, path: Path, track: int = 0) -> SoundReader:
        return _Cut(self.whole.sound(path, track), self.stretch)

    def close(self) -> None:
        """Files belong to the bindings of the song."""

    def named(self, rule: FileRule, name: str) -> BoundFile:
        return self._cut(self.whole.named(rule, name))

    def _cut(self, bound: BoundFile) -> BoundFile:
        first, last = self.stretch
        frames = max(min(ceil_seconds(last, bound.rate), bound.frames) - ceil_seconds(first, bound.rate), 0)
        return replace(bound, digest=f"{bound.digest} from {first} to {last}", frames=frames if bound.frames else 0)


def _excerpt(value: Value, first: Fraction, last: Fraction, total: Fraction) -> Value:
    """Sound of a stretch with times of its own, from 0 on; what has no place in time is the same everywhere."""
    match value:
        case Audio():
            part = value.crop(Span.of_seconds(first, last, total, value.rate))
            return Audio(part.samples, Span.whole(part.span.frames, part.rate), part.layout)
        case Stems():
            parts = {name: _excerpt(stem, first, last, total) for name, stem in value.audio.items()}
            return value.map({name: stem for name, stem in parts.items() if isinstance(stem, Audio)})
    return value


class _Cut(SoundReader):
    """A stretch of an open sound file; silence where the file is shorter."""

    def __init__(self, reader: SoundReader, stretch: Interval) -> None:
        self._reader = reader
        for name in ("path", "rate", "channels", "layout", "format", "tags", "timeline"):
            setattr(self, name, getattr(reader, name))
        self._first = ceil_seconds(stretch[0], reader.rate)
        self.frames = ceil_seconds(stretch[1], reader.rate) - self._first

    def read(self, start: int = 0, stop: int | None = None) -> Float32:
        stop = self.frames if stop is None else stop
        first, last = (min(self._first + place, self._reader.frames) for place in (start, stop))
        return np.pad(self._reader.read(first, last), ((0, 0), (0, (stop - start) - (last - first))))

    def close(self) -> None:
        """Left open: the bindings of the song end it."""

    def _go_to(self, frame: int) -> None:
        raise NotImplementedError("reads go to the reader inside")

    def _next(self, out: Float32) -> int:
        raise NotImplementedError("reads go to the reader inside")


@dataclass(frozen=True, eq=False)
class Preview:
    """What stands in for an edge: `stretch` of the song, computed as if it were all of it.

    Times of `read` are the excerpt's own, from 0 on. `executed` gives a finished execution for an edge.
    """

    stretch: Interval
    executed: Callable[[Address], Executor | None]

    def read(self, address: Address, stretch: Interval) -> Value | None:
        """What an edge holds on a stretch of the excerpt; None if it cannot be had."""
        executor = self.executed(address)
        return None if executor is None else executor.value(executor.plan.outputs[0], stretch)
