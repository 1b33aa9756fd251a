"""Strokes painted on a spectrogram: areas of time and frequency with a change of level, as text that a graph can hold.

    rectangle -40 1.25,200 2.5,800            two corners, each as seconds,Hz
    lasso -40 1.2,300 1.5,500 1.1,450         the corners of an area
    brush -40 0.05,2 1.2,300 1.5,500          half the width in seconds and in semitones, then the path
    harmonic -40 20 1.2,110 1.5,112           half the width in Hz, then the path of the lowest of all harmonics

The second word is the change of level in dB, -120 to 24. Places are in the song's own time and in Hz, so strokes hold
at every FFT size. Where strokes overlap their levels add up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import Float32

Shape = Literal["rectangle", "lasso", "brush", "harmonic"]
Place = tuple[Fraction, float]
"""Seconds, exactly, and Hz."""

LOWEST_DB, HIGHEST_DB = -120.0, 24.0
MOST_PLACES = 4096
LEAST: dict[Shape, int] = {"rectangle": 2, "lasso": 3, "brush": 1, "harmonic": 1}
"""Places that a shape needs."""

Floats = npt.NDArray[np.floating]
Exact = npt.NDArray[np.float64]
Cells = npt.NDArray[np.bool_]

_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6})?\Z")
_LOWEST_HZ = 1.0
"""Below, pitch has no meaning: a brush counts semitones from here."""


class StrokeError(ValueError):
    """A text is no stroke: one sentence that names it and what is expected."""


@dataclass(frozen=True)
class Stroke:
    """One area. `size` is what its shape needs: seconds and semitones of a brush, Hz of a harmonic selection."""

    shape: Shape
    gain_db: float
    places: tuple[Place, ...]
    size: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not LOWEST_DB <= self.gain_db <= HIGHEST_DB:
            raise StrokeError(f"a stroke cannot change the level by {self.gain_db:g} dB; allowed: -120 to 24 dB")
        if not LEAST[self.shape] <= len(self.places) <= MOST_PLACES:
            raise StrokeError(
                f"a {self.shape} of {len(self.places)} places is none; it has {LEAST[self.shape]} to {MOST_PLACES}"
            )
        if len(self.size) != _SIZES[self.shape] or any(not part > 0 for part in self.size):
            raise StrokeError(f"a {self.shape} needs {_SIZES[self.shape]} sizes above 0, not {self.size}")

    @classmethod
    def of(
        cls, shape: Shape, gain_db: float, places: Sequence[tuple[float, float]], size: tuple[float, ...] = ()
    ) -> Self:
        """A stroke from plain numbers, rounded to what its text holds: microseconds and millionths of a Hz."""
        drawn = [f"{_short(seconds)},{_short(max(hz, 0.0))}" for seconds, hz in places]
        sized = [",".join(_short(part) for part in size)] if size else []
        return cls.parse(" ".join([shape, _short(gain_db), *sized, *drawn]))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a stroke; raises StrokeError."""
        shape, *words = text.split() or [""]
        if shape not in LEAST or len(words) < 2:
            raise StrokeError(f"{text!r:.60} is no stroke; write one such as 'rectangle -40 1.25,200 2.5,800'")
        try:
            size = tuple(float(_number(part)) for part in words[1].split(",")) if _SIZES[shape] else ()
            places = tuple(_place(word) for word in words[2 if size else 1 :])
            return cls(shape, float(_number(words[0])), places, size)
        except StrokeError as error:
            raise StrokeError(f"the stroke {text!r:.60} cannot be read: {error}") from None

    def __str__(self) -> str:
        size = [",".join(_short(part) for part in self.size)] if self.size else []
        places = [f"{_short(seconds)},{_short(hz)}" for seconds, hz in self.places]
        return " ".join([self.shape, _short(self.gain_db), *size, *places])

    @property
    def reach(self) -> tuple[float, float]:
        """The first and last second that it touches."""
        around = self.size[0] if self.shape == "brush" else 0.0
        seconds = [float(place[0]) for place in self.places]
        return min(seconds) - around, max(seconds) + around

    def covers(self, seconds: Floats, hz: Floats, cell: tuple[float, float]) -> Cells:
        """Which of the cells around these moments and frequencies it covers, bool [moments, frequencies].

        `cell` is half a cell in seconds and in Hz: no stroke is so narrow that it slips between the cells.
        """
        times = np.array([float(place[0]) for place in self.places])
        pitches = np.array([place[1] for place in self.places])
        match self.shape:
            case "rectangle":
                return _between(seconds, times, cell[0])[:, np.newaxis] & _between(hz, pitches, cell[1])
            case "lasso":
                return _lassoed(seconds, hz, times, pitches, cell)
            case "brush":
                return _brushed(seconds, hz, times, pitches, self.size, cell)
        return _harmonics(seconds, hz, times, pitches, self.size[0], cell)


_SIZES: dict[str, int] = {"rectangle": 0, "lasso": 0, "brush": 2, "harmonic": 1}


def gains(strokes: Sequence[Stroke], seconds: Floats, hz: Floats, cell: tuple[float, float]) -> Float32:
    """The factors of all strokes together, float32 [moments, frequencies]; 1 where there is none."""
    decibels = np.zeros((len(seconds), len(hz)), np.float32)
    for stroke in strokes:
        decibels[stroke.covers(seconds, hz, cell)] += np.float32(stroke.gain_db)
    return np.where(decibels == 0, np.float32(1), np.float32(10) ** (decibels / np.float32(20)))


def _between(values: Floats, ends: Exact, around: float) -> Cells:
    return np.asarray((values >= ends.min() - around) & (values <= ends.max() + around))


def _lassoed(seconds: Floats, hz: Floats, times: Exact, pitches: Exact, cell: tuple[float, float]) -> Cells:
    """Cells inside of a closed line, by the number of sides above them (even-odd rule), and those on it."""
    crossed = np.zeros((len(seconds), len(hz)), np.bool_)
    for t0, f0, t1, f1 in zip(times, pitches, np.roll(times, -1), np.roll(pitches, -1), strict=True):
        over = (seconds >= min(t0, t1)) & (seconds < max(t0, t1))
        if over.any():
            height = f0 + (seconds[over] - t0) / (t1 - t0) * (f1 - f0)
            crossed[over] ^= hz < height[:, np.newaxis]
    closed = np.append(times, times[0]) / cell[0], np.append(pitches, pitches[0]) / cell[1]
    return crossed | _along(seconds / cell[0], hz / cell[1], *closed)


def _brushed(
    seconds: Floats, hz: Floats, times: Exact, pitches: Exact, size: tuple[float, ...], cell: tuple[float, float]
) -> Cells:
    """Cells no further from the path than a brush of that size: an ellipse on an axis of semitones."""
    wide = max(size[0], cell[0])
    # A bin is many semitones high at low frequencies: there the brush is as high as a bin.
    high = np.maximum(size[1], 12 * np.log2(1 + cell[1] / np.maximum(hz, _LOWEST_HZ)))
    return _along(seconds / wide, _semitones(hz), times / wide, _semitones(pitches), high)


def _along(x: Floats, y: Floats, path_x: Floats, path_y: Floats, unit: Floats | float = 1.0) -> Cells:
    """Points no further than 1 from a path, bool [x, y]; heights count in a unit that may differ for every y."""
    near = np.zeros((len(x), len(y)), np.bool_)
    columns = np.flatnonzero((x >= path_x.min() - 1) & (x <= path_x.max() + 1))
    rows = np.flatnonzero((y >= path_y.min() - unit) & (y <= path_y.max() + unit))
    if not len(columns) or not len(rows):
        return near
    scale = np.broadcast_to(unit, y.shape)[rows]
    x, y = x[columns, np.newaxis], y[rows] / scale
    squared = np.full((len(columns), len(rows)), np.inf)
    after = np.append(path_x[1:], path_x[-1]), np.append(path_y[1:], path_y[-1])
    for x0, y0, x1, y1 in zip(path_x, path_y, *after, strict=True):
        dx, dy = x1 - x0, (y1 - y0) / scale
        along = np.clip(((x - x0) * dx + (y - y0 / scale) * dy) / np.maximum(dx * dx + dy * dy, 1e-12), 0, 1)
        squared = np.minimum(squared, (x - x0 - along * dx) ** 2 + (y - y0 / scale - along * dy) ** 2)
    near[np.ix_(columns, rows)] = squared <= 1 + 1e-9
    return near


def _harmonics(
    seconds: Floats, hz: Floats, times: Exact, pitches: Exact, around: float, cell: tuple[float, float]
) -> Cells:
    """Bands around all whole multiples of a pitch that follows the path."""
    covered = np.zeros((len(seconds), len(hz)), np.bool_)
    near = _between(seconds, times, cell[0])
    order = np.argsort(times, kind="stable")
    pitch = np.maximum(np.interp(seconds[near], times[order], pitches[order]), _LOWEST_HZ)[:, np.newaxis]
    number = np.maximum(np.round(hz / pitch), 1)
    covered[near] = np.abs(hz - number * pitch) <= max(around, cell[1])
    return covered


def _semitones(hz: Floats) -> Floats:
    return np.asarray(12 * np.log2(np.maximum(hz, _LOWEST_HZ)))


def _place(word: str) -> Place:
    parts = word.split(",")
    if len(parts) != 2:
        raise StrokeError(f"{word!r:.30} is no place; write seconds,Hz such as 1.25,440")
    return _number(parts[0]), float(_number(parts[1]))


def _number(word: str) -> Fraction:
    if not _NUMBER.match(word):
        raise StrokeError(f"{word!r:.30} is no plain number such as 1.25")
    return Fraction(word)


def _short(value: float | Fraction) -> str:
    """A number with at most six digits behind the point, without zeros at the end."""
    text = f"{float(value):.6f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
