"""What a gesture shows above the canvas while it lasts: a box that selects, a loose wire, the edge a node goes into."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.events import LooseWire, Overlay
from midistems_graph.editor.model.plane import Curve
from midistems_graph.editor.model.scene import Scene
from midistems_graph.editor.view.palette import Palette, faded, wire_color


def draw_overlay(overlay: Overlay, scene: Scene | None, p: Palette, scale: float, into: int) -> None:
    """Draw it in a layer of a canvas that shows so many world units per pixel."""
    if overlay.box is not None:
        left, top, right, bottom = overlay.box
        fill = faded(p.accent, 28)
        dpg.draw_rectangle((left, top), (right, bottom), fill=fill, color=p.accent, thickness=scale, parent=into)
    if overlay.insert is not None and scene is not None and (wire := scene.wire(overlay.insert)):
        for piece in wire.track.pieces:
            dpg.draw_bezier_cubic(*piece, color=faded(p.good, 120), thickness=8, parent=into)
    if overlay.wire is not None:
        _draw_loose(overlay.wire, p, into)


def _draw_loose(wire: LooseWire, p: Palette, into: int) -> None:
    """A wire in hand: red where it may not end, with a ring around the port that would take it."""
    curve = Curve.level(wire.start, wire.end) if wire.side == "out" else Curve.level(wire.end, wire.start)
    color = p.bad if not wire.allowed else wire_color(wire.kind, p)
    dpg.draw_bezier_cubic(*curve, color=color, thickness=3, parent=into)
    ring = p.bad if not wire.allowed else p.good if wire.target else color
    dpg.draw_circle(wire.end, 8 if wire.target else 4, color=ring, thickness=2, parent=into)
