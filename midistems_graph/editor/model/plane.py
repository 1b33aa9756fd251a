"""Points, rectangles and curves on the canvas, in world units; y grows downward."""

from __future__ import annotations

from collections.abc import Iterable
from math import hypot
from typing import NamedTuple

GRID = 20.0
"""Everything stands on multiples of this."""

Point = tuple[float, float]


class Rect(NamedTuple):
    """A rectangle by its sides; a point on a side is inside."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def between(cls, a: Point, b: Point) -> Rect:
        """The rectangle with two opposite corners, whichever they are."""
        return cls(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))

    @classmethod
    def around(cls, parts: Iterable[Rect]) -> Rect | None:
        """The smallest rectangle around others."""
        several = list(parts)
        if not several:
            return None
        left, top, right, bottom = zip(*several, strict=True)
        return cls(min(left), min(top), max(right), max(bottom))

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def center(self) -> Point:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def holds(self, at: Point) -> bool:
        return self.left <= at[0] <= self.right and self.top <= at[1] <= self.bottom

    def encloses(self, other: Rect) -> bool:
        return (
            self.left <= other.left
            and self.top <= other.top
            and self.right >= other.right
            and self.bottom >= other.bottom
        )

    def meets(self, other: Rect) -> bool:
        return (
            self.left <= other.right
            and self.right >= other.left
            and self.top <= other.bottom
            and self.bottom >= other.top
        )

    def is_near(self, other: Rect) -> bool:
        """Whether it is the other but for rounding."""
        return all(abs(a - b) <= 1e-6 * max(self.width, 1.0) for a, b in zip(self, other, strict=True))

    def moved(self, dx: float, dy: float) -> Rect:
        return Rect(self.left + dx, self.top + dy, self.right + dx, self.bottom + dy)

    def grown(self, margin: float) -> Rect:
        return Rect(self.left - margin, self.top - margin, self.right + margin, self.bottom + margin)


class Curve(NamedTuple):
    """A cubic Bezier curve by its control points."""

    start: Point
    leaving: Point
    arriving: Point
    end: Point

    @classmethod
    def level(cls, start: Point, end: Point) -> Curve:
        """A wire that leaves to the right and arrives from the left."""
        reach = max(40.0, min(abs(end[0] - start[0]) / 2, 200.0))
        return cls(start, (start[0] + reach, start[1]), (end[0] - reach, end[1]), end)

    @property
    def bounds(self) -> Rect:
        """A rectangle that the curve does not leave: that of its control points."""
        xs, ys = zip(*self, strict=True)
        return Rect(min(xs), min(ys), max(xs), max(ys))

    def at(self, t: float) -> Point:
        u = 1 - t
        a, b, c, d = u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = self
        return a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3

    def distance(self, to: Point, pieces: int = 24) -> float:
        """How far a point is from the curve, which is taken as so many straight pieces."""
        before, nearest = self.start, float("inf")
        for k in range(1, pieces + 1):
            after = self.at(k / pieces)
            nearest = min(nearest, _to_segment(to, before, after))
            before = after
        return nearest

    def crosses(self, rect: Rect, pieces: int = 24) -> bool:
        """Whether one of so many points of the curve is inside a rectangle."""
        return rect.meets(self.bounds) and any(rect.holds(self.at(k / pieces)) for k in range(pieces + 1))


def snapped(value: float) -> float:
    """The nearest multiple of the grid."""
    return round(value / GRID) * GRID


def snapped_up(value: float) -> float:
    """The next multiple of the grid that is not below."""
    return -(-value // GRID) * GRID


def _to_segment(point: Point, a: Point, b: Point) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    t = 0.0 if length == 0 else max(0.0, min(1.0, ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / length))
    return hypot(point[0] - a[0] - t * dx, point[1] - a[1] - t * dy)
