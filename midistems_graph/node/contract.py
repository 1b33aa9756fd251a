"""The words a node type is written with: knob annotations, contexts, streams, and what a run offers it.

    Signal = TypeVar("Signal", Audio, Stems)

    @node("filter.gain", version="1.0.0", derived=True)
    def gain(signal: Signal, *, gain: Annotated[float, Range(-60, 60, "dB")] = 0.0) -> Signal:
        \"\"\"Make a signal louder or softer.\"\"\"

Positional parameters are input ports (a default of None makes one optional, `tuple[Audio, ...]`
variadic, `Stream[Audio]` a stream of tiles), keyword-only ones are knobs, `run: Run` is injected, the
return annotation is the outputs (one port `out`, or the fields of a NamedTuple).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from midistems_graph.audio.files import SoundReader
from midistems_graph.audio.timeline import Timeline
from midistems_graph.audio.values import Audio, Scorer, Separator, Span, Stems
from midistems_graph.document.graph import KnobValue

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T", Audio, Stems)


class Cancelled(Exception):
    """Raised by `Run.progress` and `Run.check` when the run is to stop. Let it pass."""


class NodeError(Exception):
    """A node cannot do its work: one sentence that names the value, the allowed range and the remedy."""


class CheckFailed(NodeError):
    """A check does not hold: the node did its work, and what it looked at is not as it must be."""


@dataclass(frozen=True, slots=True)
class Range:
    """Allowed values of a numeric knob, its unit, and how a control moves through them."""

    low: float
    high: float
    unit: str = ""
    scale: Literal["linear", "log"] = "linear"


@dataclass(frozen=True, slots=True)
class FileBelowGraph:
    """Marks a text knob as a path, relative to the graph file's folder, that the node reads."""


@dataclass(frozen=True, slots=True)
class FolderBelowGraph:
    """Marks a text knob as a folder, relative to the graph file's folder, whose sound files the node reads."""


@dataclass(frozen=True, slots=True)
class InputName:
    """Marks a text knob as the name of a graph input whose bound file (or folder) the node reads."""

    folder: bool = False


@dataclass(frozen=True, slots=True)
class ModelName:
    """Marks a text knob as the name of a model in the library on disk, whose folder the node reads."""


@dataclass(frozen=True, slots=True)
class Context:
    """How far beyond an output instant the inputs matter, left and right.

    `samples` count at the rate of the node's first timed input; `seconds` add to them.
    `whole` asks for the whole song.
    """

    samples: int = 0
    seconds: Fraction | float = 0
    whole: bool = False

    def reach(self, rate: int) -> Fraction:
        """The reach to either side in seconds, rounded up to a flick so that sums of many stay short."""
        if not self.samples and not self.seconds:
            return NO_REACH
        exact = Fraction(self.samples, rate) + Fraction(self.seconds)
        return Fraction(math.ceil(exact * FLICKS), FLICKS)


FLICKS = 705_600_000
"""Flicks per second: a fraction of a second that all usual sample rates divide."""

NO_REACH = Fraction(0)
LOCAL = Context()
WHOLE = Context(whole=True)


def samples(count: int) -> Context:
    """A context of so many samples to either side."""
    return Context(samples=int(count))


@dataclass(frozen=True, slots=True)
class Alone:
    """How a node makes one of its stems by itself.

    knobs    those that it does so with, where they differ from its own
    takes    the stem that it then reads of each set that arrives; None: nothing of it
    """

    knobs: Mapping[str, KnobValue] = field(default_factory=dict)
    takes: tuple[str | None, ...] = ()


def stem_by_stem(knobs: object, sets: tuple[tuple[str, ...], ...]) -> dict[str, Alone]:
    """The rule `apart` of what does with each stem of a set, and stems of one name of several sets, what it would do
    with single sounds. Nothing where sets have different names: it is the node that has to say so."""
    names = sets[0] if sets else ()
    alike = all(set(each) == set(names) for each in sets)
    return {name: Alone(takes=(name,) * len(sets)) for name in names} if alike else {}


class Stream(Protocol[T_co]):
    """A timed value in tiles, in order, for whole-song results in bounded memory. May be iterated again."""

    def __iter__(self) -> Iterator[T_co]: ...

    @property
    def span(self) -> Span:
        """All that the tiles cover."""
        ...


@dataclass(frozen=True, slots=True)
class OneTile(Generic[T]):
    """A value as a stream that has one tile."""

    value: T

    @property
    def span(self) -> Span:
        return self.value.span

    def __iter__(self) -> Iterator[T]:
        yield self.value


@dataclass(slots=True)
class OutputFile:
    """A file that a writer is writing: where to, and figures about it for the table of results.

    `placed` is where it lies for good, once its block has ended; `receipt` names the file that will tell of it, if any.
    """

    path: Path
    figures: dict[str, float] = field(default_factory=dict)
    placed: Path | None = None
    receipt: str = ""


class Run(Protocol):
    """What a run offers a node: where it works, how many threads it may use, progress, files, separators.

    `tests` and notebooks use `midistems_graph.node.testing.FakeRun`.
    """

    @property
    def span(self) -> Span:
        """What the output is to cover, at the output's rate."""
        ...

    @property
    def kept(self) -> Span:
        """The part of it that counts; the rest is context. Who works by the sample may leave the rest out."""
        ...

    @property
    def threads(self) -> int:
        """How many threads the node may keep busy. Results must not depend on it."""
        ...

    @property
    def cores(self) -> int:
        """How many threads a network may keep busy, and what is done for it: all of the run's where the processor
        computes it, since networks take turns, and some of them where another device does."""
        ...

    def progress(self, done: float) -> None:
        """Say how much is done (0 to 1); raises Cancelled. Call it at least every 200 ms of work."""
        ...

    def check(self) -> None:
        """Raise Cancelled if the run is to stop."""
        ...

    def warn(self, message: str) -> None:
        """Add a sentence to the run's problems (shown once per node)."""
        ...

    def note(self, name: str, text: str) -> None:
        """Tell a fact about how the node worked (`provider`, `cpu`), to be shown beside it."""
        ...

    def file(self, knob: str) -> Path:
        """The file or folder that a declared knob (InputName, FileBelowGraph, FolderBelowGraph, ModelName) names."""
        ...

    def sound(self, path: Path, track: int = 0) -> SoundReader:
        """An open sound file (or another track of a film), kept open for the run and shared by its threads.

        Raises SoundFileError.
        """
        ...

    @property
    def tags(self) -> Mapping[str, str]:
        """Title, artist and other tags of the song."""
        ...

    @property
    def cover(self) -> bytes:
        """The picture that the song's file comes with, JPEG or PNG; empty if it has none."""
        ...

    @property
    def timeline(self) -> Timeline:
        """Where the song lies on its timeline, its tempo and markers; `of(span)` tells it of a stretch."""
        ...

    def output(self, stem: str, extension: str) -> AbstractContextManager[OutputFile]:
        """For writers: a temporary file that becomes an output file when the context ends well.

        `stem` fills the name template. The engine decides the final name and keeps files that are
        not its own.
        """
        ...

    def separate(self, separator: Separator, mixture: Audio) -> Stems:
        """Call a separator on a piece of audio, on this thread."""
        ...

    def score(self, scorer: Scorer, mixture: Audio, stems: Stems, references: Stems | None = None) -> float:
        """Judge stems of a mixture, on this thread: the higher the better, NaN where nothing can be said."""
        ...


ContextRule = Context | Callable[[Any], Context]
"""A context, or a function of the knobs (`lambda k: samples(k.n_fft)`; a Separator port reads as its context)."""
