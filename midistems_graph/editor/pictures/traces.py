"""Figures as curves: those that change over time (a pitch, a blending weight), and tables of scores, row by row.

A trace has one figure per place; NaN is where there is none. Places are shares of the width, 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import Curves, Float32, Scores
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.pages import EdgeReader, Interval
from midistems_graph.editor.pictures.sources import NotDrawable

PITCH = "Hz"
"""The unit of curves that are also drawn over a spectrogram; 0 Hz says that there is no pitch."""


@dataclass(frozen=True)
class Lane:
    """Curves of one unit, by their numbers, which share an axis from `low` to `high`; `least` and `most` are on it."""

    unit: str
    numbers: tuple[int, ...]
    least: float
    most: float

    @property
    def low(self) -> float:
        return self.least - self._room

    @property
    def high(self) -> float:
        return self.most + self._room

    @property
    def _room(self) -> float:
        return 0.08 * (self.most - self.least) or max(abs(self.most) * 0.1, 0.1)


@dataclass(frozen=True, eq=False)
class Traces:
    """Curves float32 [names, places] with a unit each. `labels` name the places of a table; none are moments."""

    names: tuple[str, ...]
    units: tuple[str, ...]
    values: Float32
    places: npt.NDArray[np.float64]
    labels: tuple[str, ...] = ()

    @property
    def is_table(self) -> bool:
        """Whether the rows have names rather than numbers, so that no line leads from one to the next."""
        return bool(self.labels) and not all(label.isdecimal() for label in self.labels)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Curves by unit, in the order in which the units come; an axis has a little room above and below."""
        lanes = []
        for unit in dict.fromkeys(self.units):
            numbers = tuple(k for k, own in enumerate(self.units) if own == unit)
            known = self.values[list(numbers)]
            known = known[np.isfinite(known)]
            ends = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
            lanes.append(Lane(unit, numbers, *ends))
        return tuple(lanes)

    def words(self, share: float) -> str:
        """The figures at a share of the width."""
        if not len(self.places):
            return ""
        at = int(np.abs(self.places - share).argmin())
        told = [self.labels[at]] if self.labels else []
        for name, unit, value in zip(self.names, self.units, self.values[:, at], strict=True):
            if np.isfinite(value):
                told.append(f"{name} {figure(float(value))} {unit}".rstrip())
        return "   ".join(told)


def figure(value: float, digits: int = 4) -> str:
    """A figure as it is read, with so many digits at most."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"


def of_scores(scores: Scores) -> Traces:
    """A table: one curve per figure over the rows, in their order."""
    names = tuple(dict.fromkeys(name for row in scores.rows.values() for name in row))
    values = [[row.get(name, np.nan) for row in scores.rows.values()] for name in names]
    count = len(scores.rows)
    places = (np.arange(count) + 0.5) / max(count, 1)
    table = np.asarray(values, np.float32).reshape(len(names), count)
    return Traces(names, tuple(scores.units.get(name, "") for name in names), table, places, tuple(scores.rows))


def of_curves(parts: Sequence[Curves], start: float, stop: float, width: int) -> Traces:
    """What is seen of curves from `start` to `stop` seconds on so many pixels: the nearest figure at each."""
    first = parts[0]
    moments = start + (np.arange(width) + 0.5) * (stop - start) / width
    values = np.full((len(first.names), width), np.nan, np.float32)
    for part in parts:
        step, count = part.hop / part.rate, part.values.shape[1]
        if not count:
            continue
        at = np.round((moments - float(part.times[0])) / step).astype(np.int64)
        there = (at >= 0) & (at < count)
        values[:, there] = part.values[:, at[there]]
    for number, unit in enumerate(first.units):
        if unit == PITCH:
            values[number, values[number] <= 0] = np.nan
    return Traces(first.names, first.units, values, (np.arange(width) + 0.5) / width)


def read_traces(
    reader: EdgeReader, address: Address, there: Iterable[Interval], start: float, stop: float, width: int
) -> Traces | None:
    """The traces of an edge on a stretch, as far as they are computed. Raises NotDrawable for what has none."""
    parts = []
    for low, high in there:
        stretch = max(low, Fraction(start)), min(high, Fraction(stop))
        value = reader.read(address, stretch) if stretch[0] < stretch[1] else None
        match value:
            case Scores():
                return of_scores(value)
            case Curves():
                parts.append(value)
            case None:
                continue
            case _:
                raise NotDrawable(f"this edge carries {type(value).__name__.lower()}, which is no curve")
    return of_curves(parts, start, stop, width) if parts else None


def segments(places: npt.NDArray[np.float64], values: Float32) -> Iterable[tuple[npt.NDArray[np.float64], Float32]]:
    """The stretches of a curve between gaps, each as its places and figures."""
    known = np.isfinite(values)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], known, [False])).astype(np.int8)))
    for low, high in zip(edges[::2], edges[1::2], strict=True):
        yield places[low:high], values[low:high]
