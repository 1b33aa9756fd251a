"""What lies on the canvas beside nodes and edges: the grid, frames and notes."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.plane import GRID, Rect
from midistems_graph.editor.model.scene_items import FRAME_TITLE, NOTE_LINE, NOTE_PAD, NOTE_SIZE, FrameBox, NoteBox
from midistems_graph.editor.view.node_cards import FAR, READABLE, SCALES, Pen, wrapped
from midistems_graph.editor.view.palette import Color, Palette, faded, mixed, rgb
from midistems_graph.editor.view.scripts import seen

WHOLE = 1 + 4e-6
"""Lines of whole pixels are drawn from a texture, at a third of the cost; what is just below would not be whole."""

FRAME_SIZE = 16.0
"""Height of a frame's title where it is seen near by."""


def grid_step(scale: float) -> float:
    """How far apart grid lines stand at so many world units per pixel: 5, 25 or 125 grid units."""
    return GRID * (5 if scale < 2.0 else 25 if scale < 10 else 125)


def draw_grid(around: Rect, step: float, scale: float, palette: Palette, into: int | str) -> None:
    """Lines every `step` units, every fifth of them stronger."""
    for first, last, upright in ((around.left, around.right, True), (around.top, around.bottom, False)):
        for k in range(int(first // step), int(last // step) + 1):
            color = palette.grid_strong if k % 5 == 0 else palette.grid
            a = (k * step, around.top) if upright else (around.left, k * step)
            b = (k * step, around.bottom) if upright else (around.right, k * step)
            dpg.draw_line(a, b, color=color, thickness=scale * WHOLE, parent=into)


def draw_frame(item: FrameBox, chosen: bool, palette: Palette, layer: int | str) -> int:
    """A coloured area behind the nodes that it holds together."""
    rect, color = item.rect, _color_of(item, palette)
    border = palette.accent if chosen else mixed(color, palette.ground, 0.35)
    corners = (rect.left, rect.top), (rect.right, rect.bottom)
    into = int(dpg.add_draw_node(parent=layer))
    dpg.draw_rectangle(*corners, fill=faded(color, 26), color=border, rounding=8, thickness=1.5, parent=into)
    return into


def draw_frame_title(item: FrameBox, level: int, palette: Palette, layer: int | str) -> int:
    """What stands over it, above all frames; far out it stands above its own, large enough to be read."""
    rect, into = item.rect, int(dpg.add_draw_node(parent=layer))
    size = FRAME_SIZE if level <= 1 else READABLE * SCALES[min(level, FAR - 1)]
    above = rect.top - size * 1.25 if level > 1 else rect.top + (FRAME_TITLE - FRAME_SIZE) / 2
    color = mixed(_color_of(item, palette), palette.text, 0.6)
    left = rect.left + (0 if level > 1 else 10)
    dpg.draw_text((left, above), seen(item.frame.title), size=size, color=color, parent=into)
    return into


def draw_note(item: NoteBox, chosen: bool, level: int, pen: Pen, layer: int | str) -> int:
    """Text on a quiet ground; far out as much of it as can be read, in larger letters."""
    rect, palette, into = item.rect, pen.palette, int(dpg.add_draw_node(parent=layer))
    ground = mixed(palette.ground, palette.warn, 0.12)
    border = palette.accent if chosen else mixed(palette.ground, palette.warn, 0.3)
    corners = (rect.left, rect.top), (rect.right, rect.bottom)
    dpg.draw_rectangle(*corners, fill=ground, color=border, rounding=4, parent=into)
    size, step, pad = NOTE_SIZE, NOTE_LINE, NOTE_PAD
    lines = item.note.text[:4000].splitlines()[:40]
    if level:
        size = READABLE * SCALES[min(level, FAR - 1)]
        step, pad = size * 1.2, NOTE_PAD / 2
        most = int((rect.height - pad) / step)
        lines = wrapped(item.note.text[:4000], size, rect.width - 2 * pad, most, pen) if most else []
    for row, line in enumerate(lines):
        at = rect.left + pad, rect.top + pad + row * step + (step - size) / 2
        dpg.draw_text(at, seen(line), size=size, color=mixed(palette.text, palette.warn, 0.25), parent=into)
    return into


def _color_of(item: FrameBox, palette: Palette) -> Color:
    written = getattr(item.frame, "color", "")
    return rgb(written) if written else palette.faint
