"""A graph drawn small, as a picture of what is in it: boxes and wires in their colours, no words."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.plane import Point, Rect
from midistems_graph.editor.model.scene import Scene
from midistems_graph.editor.view.palette import Palette, wire_color

LARGEST = 0.32
"""Pixels per world unit, at most: two nodes are not drawn as giants."""


def draw_small(scene: Scene, into: Rect, parent: int, palette: Palette) -> None:
    """Draw a scene in the middle of a rectangle of a drawlist."""
    bounds = scene.bounds
    if bounds is None:
        return
    scale = min(into.width / max(bounds.width, 1), into.height / max(bounds.height, 1), LARGEST)
    (middle_x, middle_y), (x, y) = bounds.center, into.center

    def at(point: Point) -> Point:
        return x + (point[0] - middle_x) * scale, y + (point[1] - middle_y) * scale

    for wire in scene.wires.values():
        color = wire_color(wire.kind, palette, wire.quiet)
        for piece in wire.track.pieces:
            dpg.draw_bezier_cubic(*map(at, piece), color=color, thickness=1.2, segments=16, parent=parent)
    for box in scene.boxes.values():
        left, top, right, bottom = box.rect
        corner, end = at((left, top)), at((right, bottom))
        dpg.draw_rectangle(corner, end, fill=palette.raised, color=palette.faint, rounding=2, parent=parent)
        header = at((right, box.header.bottom))
        dpg.draw_rectangle(corner, header, fill=palette.raised_hover, color=palette.faint, rounding=2, parent=parent)
        for spot in box.shape.ports:
            color = wire_color(spot.kinds[0] if spot.kinds else "", palette)
            dpg.draw_circle(at(box.at(spot)), 1.6, fill=color, color=color, parent=parent)
