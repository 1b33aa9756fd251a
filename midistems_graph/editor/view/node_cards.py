"""How a node is drawn at a zoom: what it says near by, its name when that is all that can be read, a box far away.

Near by there are title, ports with their names, knobs, picture and standing. Farther out the name is written larger,
so that a graph that is seen whole can still be read. Filling is what costs time without a graphics card: corners are
round only where that can be seen, and nothing is filled twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from midistems_graph.document.boxes import fit
from midistems_graph.editor.model.plane import Rect
from midistems_graph.editor.model.scene_items import Box
from midistems_graph.editor.model.shape import (
    ICON,
    KNOB,
    PAD,
    PORT_SIZE,
    SMALL_SIZE,
    TITLE,
    TITLE_SIZE,
    PortSpot,
    Shape,
)
from midistems_graph.editor.view.camera import Measure
from midistems_graph.editor.view.marks import Mark
from midistems_graph.editor.view.palette import CLEAR, Color, Palette, faded, mixed, wire_color
from midistems_graph.editor.view.port_shapes import draw_port
from midistems_graph.editor.view.scripts import seen
from midistems_graph.editor.view.signs import Worry, draw_sign, draw_worry, sign_color

SCALES = (1.25, 1.8, 2.6, 4.0)
"""World units per pixel at which the next level begins: near, three sizes of names, far."""

NEAR, FAR = 0, len(SCALES)
OUTLINED = 3
"""The level from which on ports are no longer drawn, and a border around cards that stand out alone."""

READABLE = 11.0
"""Pixels of the smallest letters of a name."""

ROUND = 5.0


def level_of(scale: float) -> int:
    """The level of detail at so many world units per pixel."""
    return sum(scale >= limit for limit in SCALES)


@dataclass(frozen=True)
class Pen:
    """What cards are drawn with."""

    palette: Palette
    measure: Measure


def draw_card(box: Box, level: int, mark: Mark, pen: Pen, into: int) -> None:
    """All of a card but its border, its dots and what follows the mark."""
    p, shape = pen.palette, box.shape
    round_ = ROUND if level <= 1 else 0.0
    body = body_color(shape, mark, p)
    if level == NEAR:
        low = shape.width, shape.height
        dpg.draw_rectangle((0, TITLE - 1), low, fill=body, color=CLEAR, rounding=round_, parent=into)
        title = title_color(shape, mark, p)
        dpg.draw_rectangle((0, 0), (shape.width, TITLE), fill=title, color=CLEAR, rounding=round_, parent=into)
        left = PAD + (ICON if shape.role != "terminal" else 0.0)
        color = p.faint if is_off(shape, mark) else p.text
        at = left, (TITLE - TITLE_SIZE) / 2 - 1
        dpg.draw_text(at, seen(shape.title), size=TITLE_SIZE, color=color, parent=into)
        for spot in shape.ports:
            _draw_name(spot, pen, into)
        for row, line in enumerate(shape.knobs):
            at = PAD, shape.knobs_top + row * KNOB
            dpg.draw_text(at, line, size=SMALL_SIZE, color=mixed(p.soft, p.accent, 0.35), parent=into)
    else:
        dpg.draw_rectangle((0, 0), (shape.width, shape.height), fill=body, color=CLEAR, rounding=round_, parent=into)


def draw_ports(box: Box, level: int, pen: Pen, into: int) -> None:
    """The dots of a card, above its border."""
    p = pen.palette
    for spot in box.shape.ports if level < OUTLINED else ():
        kind = spot.kinds[0] if len(spot.kinds) == 1 else ""
        draw_port(spot.at, kind, wire_color(kind, p), p.node, into, hollow=spot.optional or spot.free)


def draw_standing(box: Box, level: int, mark: Mark, worry: Worry, pen: Pen, into: int) -> None:
    """What follows the mark: the sign, words, progress, the picture, why it failed; and the name far out."""
    shape = box.shape
    if level == NEAR:
        _draw_near(shape, mark, pen, into)
    elif level < FAR:
        _draw_far_name(shape, level, mark, pen, into)
    if shape.role == "terminal":
        return
    phase, p = mark.standing(shape.state, shape.locked), pen.palette
    if level == FAR:
        if phase:
            dpg.draw_rectangle((0, 0), (14, shape.height), fill=sign_color(phase, p), color=CLEAR, parent=into)
        return
    size = 5.0 if level == NEAR else 5.5 * SCALES[level - 1]
    at = (PAD + 5, TITLE / 2) if level == NEAR else (PAD + size, shape.height - PAD - size)
    draw_sign(phase, at, size, p, into)
    if mark.figure and level > NEAR and not worry:
        high = 0.9 * READABLE * SCALES[level]
        left = at[0] + 2 * size
        words = seen(fit(mark.figure, high, shape.width - left - PAD / 2))
        dpg.draw_text((left, at[1] - high * 0.6), words, size=high, color=p.soft, parent=into)
    if worry:
        draw_worry(worry, (shape.width - PAD - size * 0.6, at[1]), size, p, into)
    if phase == "running":
        high = 3.0 if level == NEAR else 3.0 * SCALES[level - 1]
        low = shape.height - high
        dpg.draw_rectangle((0, low), (shape.width, low + high), fill=faded(p.accent, 50), color=CLEAR, parent=into)
        end = shape.width * min(max(mark.done, 0.0), 1.0)
        dpg.draw_rectangle((0, low), (end, low + high), fill=p.accent, color=CLEAR, parent=into)


def body_color(shape: Shape, mark: Mark, p: Palette) -> Color:
    """The ground of a card: reddish if it failed, the canvas shining through if it is switched off."""
    color = mixed(p.node, p.group_title, 0.3) if shape.role == "group" else p.node
    if mark.phase == "failed" or shape.role == "placeholder":
        color = mixed(color, p.bad, 0.14)
    return mixed(color, p.ground, 0.55) if is_off(shape, mark) else color


def title_color(shape: Shape, mark: Mark, p: Palette) -> Color:
    color = {"group": p.group_title, "placeholder": mixed(p.node_title, p.bad, 0.3)}.get(shape.role, p.node_title)
    if mark.phase == "failed":
        color = mixed(color, p.bad, 0.35)
    return mixed(color, p.ground, 0.55) if is_off(shape, mark) else color


def is_off(shape: Shape, mark: Mark) -> bool:
    """Whether a node takes no part: switched off, or left out of the run."""
    return shape.state != "on" or mark.phase == "left out"


def border_color(shape: Shape, mark: Mark, p: Palette, *, chosen: bool, hovered: bool) -> Color:
    if chosen:
        return p.accent
    if mark.phase == "failed" or shape.role == "placeholder":
        return p.bad
    return mixed(p.line, p.text, 0.45 if hovered else 0.12)


def wrapped(text: str, size: float, width: float, most: int, pen: Pen) -> list[str]:
    """A text on lines of a width, so many at most; what does not fit is cut."""
    lines: list[str] = []
    for word in " ".join(text.split()).split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and pen.measure(longer, size) <= width:
            lines[-1] = longer
        elif len(lines) == most:
            lines[-1] = fit(f"{lines[-1]} {word}{word}", size, width)
            break
        else:
            lines.append(fit(word, size, width))
    return lines


def _draw_near(shape: Shape, mark: Mark, pen: Pen, into: int) -> None:
    p = pen.palette
    _draw_picture(shape, mark, pen, into)
    rect, phase = shape.status, mark.standing(shape.state, shape.locked)
    if shape.role == "placeholder":
        _draw_lines(f"{shape.subtitle} is not installed", rect, pen, p.bad, into)
    elif mark.look and phase == mark.look and shape.thumbnail is not None:
        sentence = Rect(PAD, shape.thumbnail.top + 4, shape.width - PAD, shape.height)
        color = mixed(p.bad, p.text, 0.35) if phase == "failed" else p.soft
        _draw_lines(mark.words, sentence, pen, color, into)
    elif shape.role != "terminal":
        words = phase if phase in ("bypassed", "muted", "locked") else mark.words or shape.subtitle
        color = sign_color(phase, p) if phase == "failed" else p.faint
        at = rect.left, rect.top + (rect.height - SMALL_SIZE) / 2 - 2
        dpg.draw_text(at, fit(words, SMALL_SIZE, rect.width), size=SMALL_SIZE, color=color, parent=into)


def _draw_lines(text: str, rect: Rect, pen: Pen, color: Color, into: int) -> None:
    """A text wrapped into a rectangle."""
    step = SMALL_SIZE + 3
    most = max(int(rect.height // step), 1)
    for row, line in enumerate(wrapped(text, SMALL_SIZE, rect.width, most, pen)):
        dpg.draw_text((rect.left, rect.top + row * step), seen(line), size=SMALL_SIZE, color=color, parent=into)


def _draw_far_name(shape: Shape, level: int, mark: Mark, pen: Pen, into: int) -> None:
    """The name, large enough to be read, from the top of the card; below it the picture if there is room."""
    p, size = pen.palette, READABLE * SCALES[level] if level < len(SCALES) else READABLE
    color = p.faint if is_off(shape, mark) else mixed(p.text, p.bad, 0.5) if mark.phase == "failed" else p.text
    inset, step = PAD, size * 1.12
    room = shape.height - inset / 2 - 11 * SCALES[level - 1]
    lines = wrapped(shape.title, size, shape.width - 2 * inset, max(int(room / step), 1), pen)
    for row, line in enumerate(lines):
        dpg.draw_text((inset, inset / 2 + row * step), seen(line), size=size, color=color, parent=into)
    if level <= 2 and shape.thumbnail is not None and inset / 2 + len(lines) * step <= shape.thumbnail.top + 8:
        _draw_picture(shape, mark, pen, into)


def _draw_picture(shape: Shape, mark: Mark, pen: Pen, into: int) -> None:
    spot, p = shape.thumbnail, pen.palette
    if spot is None or mark.look:
        return
    left, top, right, bottom = spot
    if mark.picture and dpg.does_item_exist(mark.picture):
        dark = mixed(p.ground, p.node, 0.3)
        dpg.draw_rectangle((left, top), (right, bottom), fill=dark, color=CLEAR, parent=into)
        dpg.draw_image(mark.picture, (left, top), (right, bottom), parent=into)
    else:
        middle = (top + bottom) / 2
        dpg.draw_line((left, middle), (right, middle), color=mixed(p.line, p.node, 0.3), parent=into)


def _draw_name(spot: PortSpot, pen: Pen, into: int) -> None:
    p = pen.palette
    color = p.faint if spot.free or spot.optional else p.soft
    x, y = spot.at
    shown = "+" if spot.free and spot.index else seen(spot.shown)
    left = x + PAD if spot.side == "in" else x - PAD - pen.measure(shown, PORT_SIZE)
    dpg.draw_text((left, y - PORT_SIZE / 2 - 1.5), shown, size=PORT_SIZE, color=color, parent=into)
