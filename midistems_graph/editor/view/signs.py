"""The sign of how a node stands: a shape and a colour that mean the same on every card, at every zoom.

ring, amber            to be computed            dot, green          computed
ring, grey             waits for its turn        triangle, blue      is being computed
diamond, red           failed
arrow past a bar       bypassed                  ring with a stroke  muted
padlock, green         locked                square, grey        left out, as an optional input is open
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin
from typing import Literal

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.plane import Point
from midistems_graph.editor.view.marks import Phase
from midistems_graph.editor.view.palette import Color, Palette, mixed

_HALF_TURN = tuple(pi * (1 + k / 8) for k in range(9))

Worry = Literal["", "warning", "error"]
"""Whether the rules find something wrong with a node."""


def sign_color(phase: Phase, palette: Palette) -> Color:
    """The colour of a standing, of its sign and of its words."""
    p = palette
    colors = {"failed": p.bad, "running": p.accent, "cached": p.good, "locked": p.good, "dirty": p.warn}
    return colors.get(phase, p.faint)


def draw_sign(phase: Phase, at: Point, radius: float, palette: Palette, parent: int) -> None:
    """Draw the sign around a point; nothing where nothing is known."""
    color, (x, y), thick = sign_color(phase, palette), at, radius * 0.28
    match phase:
        case "dirty" | "waiting":
            dpg.draw_circle(at, radius * 0.8, color=color, thickness=thick, segments=16, parent=parent)
        case "cached":
            dpg.draw_circle(at, radius * 0.8, color=color, fill=color, segments=16, parent=parent)
        case "running":
            dpg.draw_triangle(*_around(at, radius, 3), color=color, fill=color, parent=parent)
        case "failed":
            dpg.draw_quad(*_around(at, radius * 1.15, 4), color=color, fill=color, parent=parent)
        case "bypassed":
            dpg.draw_line((x - radius, y), (x + radius * 0.3, y), color=color, thickness=thick, parent=parent)
            tip = [[x + radius, y], [x + radius * 0.1, y - radius * 0.6], [x + radius * 0.1, y + radius * 0.6]]
            dpg.draw_triangle(*tip, color=color, fill=color, parent=parent)
        case "left out":
            half = radius * 0.7
            dpg.draw_rectangle((x - half, y - half), (x + half, y + half), color=color, thickness=thick, parent=parent)
        case "locked":
            half, top = radius * 0.8, y - radius * 0.15
            dpg.draw_rectangle((x - half, top), (x + half, y + radius), color=color, fill=color, parent=parent)
            bow = [[x + half * 0.65 * cos(turn), top + radius * 0.8 * sin(turn)] for turn in _HALF_TURN]
            dpg.draw_polyline(bow, color=color, thickness=thick, parent=parent)
        case "muted":
            slope = radius * 0.55
            dpg.draw_circle(at, radius * 0.8, color=color, thickness=thick, segments=16, parent=parent)
            dpg.draw_line((x - slope, y + slope), (x + slope, y - slope), color=color, thickness=thick, parent=parent)


def draw_worry(worry: Worry, at: Point, radius: float, palette: Palette, parent: int) -> None:
    """An exclamation mark where the rules find something: red for what stops a run, amber for what is hardly meant."""
    color, (x, y), thick = palette.bad if worry == "error" else palette.warn, at, radius * 0.42
    dpg.draw_line((x, y - radius), (x, y + radius * 0.3), color=color, thickness=thick, parent=parent)
    dpg.draw_circle((x, y + radius * 0.8), thick * 0.55, color=color, fill=color, segments=8, parent=parent)


@dataclass(frozen=True)
class Badge:
    """A few words beside a card: green where the node helps, red where it hurts, grey where it does neither."""

    words: str
    helps: bool | None = None


def badge_color(badge: Badge, palette: Palette) -> Color:
    return palette.faint if badge.helps is None else palette.good if badge.helps else palette.bad


def draw_badge(badge: Badge, right: float, size: float, wide: float, palette: Palette, parent: int) -> None:
    """A tag above the upper right corner of a card that is so wide; `wide` is the width of the words."""
    color, pad, top = badge_color(badge, palette), size * 0.4, -size * 1.55
    corners = (right - wide - 2 * pad, top), (right, -size * 0.15)
    dpg.draw_rectangle(*corners, fill=mixed(palette.ground, color, 0.4), color=color, parent=parent)
    dpg.draw_text((right - wide - pad, top + size * 0.14), badge.words, size=size, color=palette.text, parent=parent)


def _around(at: Point, radius: float, count: int) -> list[list[float]]:
    """The corners of a regular polygon, the first one on the right."""
    angles = (2 * pi * k / count for k in range(count))
    return [[at[0] + radius * cos(angle), at[1] + radius * sin(angle)] for angle in angles]
