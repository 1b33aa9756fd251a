"""A run for tests and notebooks: `FakeRun(span)` gives a node what the engine would."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from midistems_graph.audio.files import SoundReader, open_sound
from midistems_graph.audio.timeline import Timeline
from midistems_graph.audio.values import Audio, Number, Scorer, Separator, Span, Stems, Timed
from midistems_graph.node.contract import Cancelled, OneTile, OutputFile
from midistems_graph.node.definition import Port
from midistems_graph.node.library import installed

T = TypeVar("T", bound=Timed)


@dataclass
class FakeRun:
    """Records progress and warnings; `cancel_at` makes it cancel once that much is done."""

    span: Span = field(default_factory=lambda: Span.whole(44100, 44100))
    threads: int = 1
    cores: int = 1
    files: Mapping[str, Path] = field(default_factory=dict)
    folder: Path = Path()
    tags: Mapping[str, str] = field(default_factory=dict)
    timeline: Timeline = field(default_factory=Timeline)
    cover: bytes = b""
    cancel_at: float | None = None
    seen: list[float] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def kept(self) -> Span:
        return self.span

    def progress(self, done: float) -> None:
        self.seen.append(done)
        if self.cancel_at is not None and done >= self.cancel_at:
            raise Cancelled

    def check(self) -> None:
        self.progress(self.seen[-1] if self.seen else 0.0)

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def note(self, name: str, text: str) -> None:
        self.notes[name] = text

    def file(self, knob: str) -> Path:
        return self.files[knob]

    def sound(self, path: Path, track: int = 0) -> SoundReader:
        return open_sound(path, track)

    @contextlib.contextmanager
    def output(self, stem: str, extension: str) -> Iterator[OutputFile]:
        file = OutputFile(self.folder / f"{stem}{extension}")
        yield file
        file.placed = file.path

    def separate(self, separator: Separator, mixture: Audio) -> Stems:
        node_type = installed()[separator.type]
        given = {"run": self} if node_type.takes_run else {}
        result = node_type(mixture, **dict(separator.knobs), **given)
        assert isinstance(result, Stems)
        return result

    def score(self, scorer: Scorer, mixture: Audio, stems: Stems, references: Stems | None = None) -> float:
        node_type = installed()[scorer.type]
        given: dict[str, object] = {"mixture": OneTile(mixture), "stems": OneTile(stems)}
        given["references"] = OneTile(references) if references else None
        given |= {port.name: _parts(scorer, port) for port in node_type.inputs if port.name not in given}
        takes_run = {"run": self} if node_type.takes_run else {}
        said = node_type(*(given.get(port.name) for port in node_type.inputs), **dict(scorer.knobs), **takes_run)
        assert isinstance(said, Number)
        return said.value


def _parts(scorer: Scorer, port: Port) -> object:
    found = tuple(function for name, function in scorer.parts if name == port.name)
    return found if port.variadic else found[0]


@dataclass(frozen=True)
class Tiles(Generic[T]):
    """A stream of the tiles of one value."""

    value: T
    length: int = 44100

    @property
    def span(self) -> Span:
        return self.value.span

    def __iter__(self) -> Iterator[T]:
        span = self.value.span
        for start in range(span.start, span.stop, self.length):
            stop = min(start + self.length, span.stop)
            yield self.value.crop(Span(start, stop, span.total, span.rate))  # type: ignore[misc]
