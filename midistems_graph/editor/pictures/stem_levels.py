"""How loud each stem of a set is over time: RMS levels in steps of 50 ms, drawn as one curve for each stem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from midistems_graph.audio.values import Float32, Span, Stems, ceil_div
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.pages import EdgeReader, Interval
from midistems_graph.editor.pictures.coverage import Coverage
from midistems_graph.editor.pictures.pixels import Flags, edges_of, inside, pooled

STEP = Fraction(1, 20)
"""Seconds of one level."""

LOWEST_DB = -100.0


@dataclass(frozen=True, eq=False)
class Levels:
    """Levels in dBFS (RMS of all channels), float32 [stems, width]; `seen` is false where nothing is computed."""

    names: tuple[str, ...]
    levels: Float32
    seen: Flags


@dataclass(frozen=True)
class StemSource:
    """The stem set on an edge, on the stretches that are computed."""

    engine: EdgeReader
    address: Address
    there: tuple[Interval, ...]

    def read(self, span: Span) -> Stems | None:
        stretch = Fraction(span.start, span.rate), Fraction(span.stop, span.rate)
        if not any(low <= stretch[0] and stretch[1] <= high for low, high in self.there):
            return None
        value = self.engine.read(self.address, stretch)
        return value if isinstance(value, Stems) else None


class StemLevels:
    """The levels of the stems of one song, to be filled by `build`; its units are steps."""

    block = 200
    probe = 1

    def __init__(self, span: Span, names: tuple[str, ...]) -> None:
        self.span, self.names = Span.whole(span.total, span.rate), names
        self._samples = int(STEP * span.rate)
        self.units = max(1, ceil_div(span.total, self._samples))
        self.coverage = Coverage()
        self.levels = np.full((len(names), self.units), LOWEST_DB, np.float32)
        self._seen = np.zeros(self.units, np.bool_)

    def span_of(self, first: int, stop: int) -> Span:
        """What to read for the steps [first, stop)."""
        total = self.span.total
        return Span(first * self._samples, min(stop * self._samples, total), total, self.span.rate)

    def add(self, value: Stems) -> None:
        """Take in a stretch; steps that it covers in part are left out."""
        span = value.span
        first = ceil_div(span.start, self._samples)
        stop = self.units if span.at_end else span.stop // self._samples
        if first >= stop:
            return
        starts = np.arange(first, stop) * self._samples - span.start
        counts = np.diff(np.append(starts, min(stop * self._samples, span.total) - span.start))
        for row, name in enumerate(self.names):
            power = np.square(value[name].samples).mean(axis=0)
            means = np.add.reduceat(power[: int(starts[-1] + counts[-1])], starts) / counts
            self.levels[row, first:stop] = np.maximum(10 * np.log10(np.maximum(means, 1e-12)), LOWEST_DB)
        self._seen[first:stop] = True
        self.coverage.add(first, stop)

    def add_probes(self, values: Sequence[Stems]) -> None:
        for value in values:
            self.add(value)

    def query(self, start: float, stop: float, width: int) -> Levels:
        """The highest level per pixel over [start, stop) seconds."""
        edges = edges_of(start, stop, width, self.span.rate / self._samples)
        seen = inside(edges, self.units) & pooled(np.logical_or, self._seen, edges, axis=0)
        return Levels(self.names, pooled(np.maximum, self.levels, edges, axis=1), seen)
