"""Where the segments of a network lie: on one absolute grid, so that a window has the very segments of the whole song.

Segment i begins at i * step - lead, in samples of the song at the network's rate. What the segments give is added up,
each sample weighted by its place in its segment, and divided by the sum of the weights there. So a network that
changes nothing gives back its input, at every length and overlap, the first and the last sample included.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from midistems_graph.audio.values import Float32

LEAST_WEIGHT = 1e-4
"""Windows do not fall to zero, or a sample that one segment alone covers would be lost."""

Edges = Literal["zeros", "reflect"]
"""What a segment sees beyond the ends of the song."""


@dataclass(frozen=True, slots=True)
class Place:
    """One segment: where the samples begin that the network sees, and the stretch that counts of what it gives."""

    read: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Grid:
    """The segments of a song.

    weights     float32 [length], > 0
    step        samples from one segment to the next, at most `length`
    lead        samples before the song at which the first one begins
    edges       what lies beyond the ends of the song
    centred     a last segment that leaves the song is moved back, its rest in the middle among real neighbours
    weighted    the network's output is weighted already (overlap-added frames with their windows)
    """

    weights: Float32
    step: int
    lead: int = 0
    edges: Edges = "zeros"
    centred: bool = False
    weighted: bool = False

    @property
    def length(self) -> int:
        """Samples that the network sees at once."""
        return len(self.weights)

    def numbers(self, start: int, stop: int, total: int) -> range:
        """The segments that count on the stretch [start, stop) of a song of so many samples."""
        if stop <= start:
            return range(0)
        first = (start + self.lead - self.length) // self.step + 1
        last = (min(stop, total) - 1 + self.lead) // self.step
        return range(max(0, first), last + 1)

    def place(self, number: int, total: int) -> Place:
        """A segment of a song of so many samples."""
        start = number * self.step - self.lead
        stop = min(start + self.length, total)
        back = (self.length - (stop - start)) // 2 if self.centred else 0
        return Place(start - back, start, stop)

    def shifted(self, share: float) -> Grid:
        """The same segments, earlier by a share of a step."""
        return replace(self, lead=self.lead + int(self.step * share))


def step_of(length: int, overlap: float, *, most: int = 0) -> int:
    """Samples between segments when so many of them cover an instant on average; `most` bounds it."""
    step = max(1, round(length / max(1.0, overlap)))
    return min(step, most) if most else step


def hann(length: int) -> Float32:
    """The symmetric Hann window."""
    return _positive(np.hanning(length))


def triangle(length: int) -> Float32:
    """Rises to 1 in the middle: the weights of Demucs."""
    half = length // 2
    rising, falling = np.arange(1, half + 1), np.arange(length - half, 0, -1)
    return _positive(np.concatenate([rising, falling]) / max(1, length - half))


def trapezoid(length: int) -> Float32:
    """Straight fades of a tenth of the length at both ends."""
    fade = length // 10
    weights = np.ones(length)
    if fade > 1:
        weights[:fade] = np.linspace(0, 1, fade)
        weights[-fade:] = np.linspace(1, 0, fade)
    return _positive(weights)


def _positive(weights: object) -> Float32:
    return np.maximum(np.asarray(weights, np.float32), np.float32(LEAST_WEIGHT))
