"""A shape for every kind of value, so that colour is never the only sign.

Circles, triangles and quads alone: Dear PyGui fills other polygons at the wrong place inside a plot.
"""

from __future__ import annotations

from math import cos, pi, sin

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.plane import Point
from midistems_graph.editor.view.palette import CLEAR, Color

RADIUS = 5.0
ROUND = 12
"""Corners of a dot that looks round."""

CORNERS = {
    "spectrogram": (4, 0.5),
    "magnitude": (4, 0.5),
    "phase": (4, 0.0),
    "mask": (3, 0.0),
    "curves": (3, 0.5),
    "features": (4, 0.0),
    "scores": (3, 0.25),
    "number": (4, 0.0),
    "text": (4, 0.5),
    "separator": (3, 0.0),
    "scorer": (3, 0.75),
}
"""Corners, and how far the first is turned (in corners); audio and stems are round."""

SMALL = frozenset({"number", "text", "scores"})
RINGED = frozenset({"stems", "magnitude", "curves", "features", "separator", "scorer"})


def draw_port(at: Point, kind: str, color: Color, ground: Color, parent: int, *, hollow: bool = False) -> None:
    """Draw the dot of a port; hollow ones may stay without an edge, ringed ones carry several things in one.

    Those that are filled have no outline: it would cost as much as the dot.
    """
    radius = RADIUS * (0.8 if kind in SMALL else 1.0)
    fill = ground if hollow else color
    corners, turned = CORNERS.get(kind, (0, 0.0))
    if corners == 0 and not hollow:
        dpg.draw_circle(at, radius + 0.7, fill=fill, color=CLEAR, segments=ROUND, parent=parent)
    elif corners == 0:
        dpg.draw_circle(at, radius, fill=fill, color=color, thickness=1.5, segments=ROUND, parent=parent)
    elif corners == 3:
        dpg.draw_triangle(*_corners(at, radius * 1.3, 3, turned), fill=fill, color=color, thickness=1.5, parent=parent)
    else:
        dpg.draw_quad(*_corners(at, radius * 1.2, 4, turned), fill=fill, color=color, thickness=1.5, parent=parent)
    if kind in RINGED and not hollow:
        dpg.draw_circle(at, radius * 0.45, fill=ground, color=CLEAR, segments=ROUND, parent=parent)


def _corners(at: Point, radius: float, count: int, turned: float) -> list[list[float]]:
    """The corners of a regular polygon; the first points right, turned by a part of a corner."""
    angles = (2 * pi * (turned + k) / count for k in range(count))
    return [[at[0] + radius * cos(angle), at[1] + radius * sin(angle)] for angle in angles]
