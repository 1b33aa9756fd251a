"""The ways of edges: from port to port, through the points that people set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot

from midistems_graph.editor.model.plane import Curve, Point, Rect


@dataclass(frozen=True, slots=True)
class Track:
    """The way of an edge: one curve, or several that meet in the points that it is led through."""

    pieces: tuple[Curve, ...]

    @classmethod
    def through(cls, start: Point, points: Sequence[Point], end: Point) -> Track:
        """Leaves to the right and arrives from the left; at a point it goes on as between its neighbours."""
        if not points:
            return cls((Curve.level(start, end),))
        stops = [start, *points, end]
        headings = [(1.0, 0.0)]
        headings += [_heading(before, after) for before, after in zip(stops, stops[2:], strict=False)]
        headings.append((1.0, 0.0))
        return cls(
            tuple(
                _piece(a, heading, next_heading, b)
                for a, b, heading, next_heading in zip(stops, stops[1:], headings, headings[1:], strict=False)
            )
        )

    @property
    def start(self) -> Point:
        return self.pieces[0].start

    @property
    def end(self) -> Point:
        return self.pieces[-1].end

    @property
    def points(self) -> tuple[Point, ...]:
        """The points that it is led through."""
        return tuple(piece.start for piece in self.pieces[1:])

    @property
    def bounds(self) -> Rect:
        """A rectangle that it does not leave."""
        if len(self.pieces) == 1:
            return self.pieces[0].bounds
        around = Rect.around(piece.bounds for piece in self.pieces)
        assert around is not None
        return around

    @property
    def middle(self) -> Point:
        return self.at(0.5)

    def at(self, share: float) -> Point:
        """A point of it, from 0 at the start to 1 at the end."""
        along = share * len(self.pieces)
        piece = min(int(along), len(self.pieces) - 1)
        return self.pieces[piece].at(along - piece)

    def distance(self, to: Point) -> float:
        return min(piece.distance(to) for piece in self.pieces)

    def crosses(self, rect: Rect) -> bool:
        """Whether one of many points of it is inside a rectangle."""
        return any(piece.crosses(rect) for piece in self.pieces)


def nearest_point(points: Sequence[Point], at: Point, reach: float) -> int | None:
    """Which of the points is within reach, the nearest one."""
    near = [(hypot(x - at[0], y - at[1]), place) for place, (x, y) in enumerate(points)]
    distance, place = min(near, default=(reach + 1, 0))
    return place if distance <= reach else None


def _heading(before: Point, after: Point) -> Point:
    length = hypot(after[0] - before[0], after[1] - before[1]) or 1.0
    return (after[0] - before[0]) / length, (after[1] - before[1]) / length


def _piece(a: Point, leaving: Point, arriving: Point, b: Point) -> Curve:
    reach = hypot(b[0] - a[0], b[1] - a[1]) / 3
    first = a[0] + leaving[0] * reach, a[1] + leaving[1] * reach
    return Curve(a, first, (b[0] - arriving[0] * reach, b[1] - arriving[1] * reach), b)
