"""A node on the canvas as Dear PyGui items, in three levels of detail that are made when they are first seen.

All is drawn in world units around the corner of the box, so that moving it is one call.
"""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from midistems_graph.document.boxes import PORT_SIZE, SMALL_SIZE, TITLE_SIZE, fit
from midistems_graph.editor.model.plane import Rect
from midistems_graph.editor.model.scene import Box
from midistems_graph.editor.model.shape import PAD, TITLE, PortSpot
from midistems_graph.editor.view.camera import Measure
from midistems_graph.editor.view.marks import Mark
from midistems_graph.editor.view.palette import Color, Palette, faded, mixed, wire_color
from midistems_graph.editor.view.port_shapes import draw_port

FAR, MIDDLE, NEAR = 0, 1, 2
"""Levels of detail: the box; its title and ports; all texts, the status and the picture."""

ROUND = 5.0


def level_of(scale: float) -> int:
    """The level of detail at so many world units per pixel."""
    return NEAR if scale < 1.7 else MIDDLE if scale < 4.0 else FAR


class NodeItem:
    """The items of one box. `layer` is what they are drawn in."""

    def __init__(self, box: Box, palette: Palette, measure: Measure, layer: int | str) -> None:
        self.palette, self.measure = palette, measure
        self.chosen = self.hovered = self.shown = False
        self.mark = Mark()
        self.level = FAR
        self.root = dpg.add_draw_node(parent=layer, show=False)
        self._levels: list[int] = []
        self._strip = 0
        self._make(box)
        self.move(box)

    def move(self, box: Box) -> None:
        self.box = box
        dpg.apply_transform(self.root, dpg.create_translation_matrix([box.x, box.y]))

    def redraw(self, box: Box) -> None:
        """Draw the box anew, for its shape or the palette is another."""
        dpg.delete_item(self.root, children_only=True)
        self._make(box)
        self.move(box)
        self.set_level(self.level)

    def delete(self) -> None:
        dpg.delete_item(self.root)

    def show(self, shown: bool) -> None:
        if shown != self.shown:
            self.shown = shown
            dpg.configure_item(self.root, show=shown)

    def set_level(self, level: int) -> None:
        """Show so much detail; what was never seen before is drawn now."""
        self.level = level
        while len(self._levels) <= level:
            draw = (self._draw_far, self._draw_middle, self._draw_near)[len(self._levels)]
            self._levels.append(dpg.add_draw_node(parent=self.root))
            draw(self._levels[-1])
        for at, group in enumerate(self._levels):
            dpg.configure_item(group, show=at <= level)

    def look(self, *, chosen: bool, hovered: bool) -> None:
        """Whether it is selected, and whether the pointer is on it."""
        if (chosen, hovered) != (self.chosen, self.hovered):
            self.chosen, self.hovered = chosen, hovered
            dpg.configure_item(self._outline, color=self._border, thickness=2.0 if chosen else 1.0)

    def set_mark(self, mark: Mark) -> None:
        """How its computing stands."""
        if mark == self.mark:
            return
        pictured = mark.picture != self.mark.picture
        self.mark = mark
        dpg.configure_item(self._outline, color=self._border)
        if len(self._levels) > NEAR:
            if pictured:
                dpg.delete_item(self._picture, children_only=True)
                self._draw_picture()
            dpg.delete_item(self._strip, children_only=True)
            self._draw_strip()

    @property
    def _border(self) -> Color:
        p = self.palette
        if self.chosen:
            return p.accent
        if self.mark.phase == "failed" or self.box.shape.role == "placeholder":
            return p.bad
        return mixed(p.line, p.text, 0.45) if self.hovered else mixed(p.line, p.text, 0.12)

    def _make(self, box: Box) -> None:
        self.box = box
        self._levels = []
        self.set_level(FAR)

    def _draw_far(self, into: int) -> None:
        width, height = self.box.shape.width, self.box.shape.height
        thickness = 2.0 if self.chosen else 1.0
        self._outline = dpg.draw_rectangle(
            (0, 0),
            (width, height),
            fill=self._dimmed(self.palette.node),
            color=self._border,
            rounding=ROUND,
            thickness=thickness,
            parent=into,
        )

    def _draw_middle(self, into: int) -> None:
        p, shape = self.palette, self.box.shape
        title = {"group": p.group_title, "placeholder": mixed(p.node_title, p.bad, 0.25)}.get(shape.role, p.node_title)
        title, right = self._dimmed(title), shape.width - 1
        dpg.draw_rectangle((1, 1), (right, TITLE), fill=title, color=title, rounding=ROUND - 1, parent=into)
        dpg.draw_rectangle((1, TITLE - 6), (right, TITLE), fill=title, color=title, parent=into)
        color = p.faint if shape.state != "on" else p.text
        dpg.draw_text((PAD, 3), shape.title, size=TITLE_SIZE + 1, color=color, parent=into)
        for spot in shape.ports:
            kind = spot.kinds[0] if len(spot.kinds) == 1 else ""
            draw_port(spot.at, kind, wire_color(kind, p), p.node, into, hollow=spot.optional or spot.free)

    def _dimmed(self, color: Color) -> Color:
        """The colour of a part of a node that is switched off."""
        return mixed(color, self.palette.ground, 0.55) if self.box.shape.state != "on" else color

    def _draw_near(self, into: int) -> None:
        p, shape = self.palette, self.box.shape
        words = {"bypassed": "bypassed", "muted": "muted"}.get(shape.state, shape.subtitle)
        if shape.role == "placeholder":
            words = f"{shape.subtitle} is not installed"
        small = fit(words, SMALL_SIZE, shape.width - 2 * PAD)
        color = p.warn if shape.state != "on" else p.bad if shape.role == "placeholder" else p.faint
        dpg.draw_text((PAD, 17), small, size=SMALL_SIZE, color=color, parent=into)
        for spot in shape.ports:
            self._draw_name(spot, into)
        self._picture = dpg.add_draw_node(parent=into)
        self._draw_picture()
        self._strip = dpg.add_draw_node(parent=into)
        self._draw_strip()

    def _draw_name(self, spot: PortSpot, into: int) -> None:
        p = self.palette
        color = p.faint if spot.free or spot.optional else p.soft
        x, y = spot.at
        shown = "+" if spot.free and spot.index else spot.shown
        left = x + PAD if spot.side == "in" else x - PAD - self.measure(shown, PORT_SIZE)
        dpg.draw_text((left, y - 7), shown, size=PORT_SIZE, color=color, parent=into)

    def _draw_picture(self) -> None:
        spot, p = self.box.shape.thumbnail, self.palette
        if spot is None:
            return
        (left, top, right, bottom), into = spot, self._picture
        dark = mixed(p.ground, p.node, 0.3)
        dpg.draw_rectangle((left, top), (right, bottom), fill=dark, color=dark, rounding=2, parent=into)
        if self.mark.picture and dpg.does_item_exist(self.mark.picture):
            dpg.draw_image(self.mark.picture, (left, top), (right, bottom), parent=into)
        else:
            middle = (top + bottom) / 2
            dpg.draw_line((left + 8, middle), (right - 8, middle), color=p.line, parent=into)

    def _draw_strip(self) -> None:
        p, mark, into = self.palette, self.mark, self._strip
        rect: Rect = self.box.shape.status
        if not mark.phase or self.box.shape.role == "terminal":
            return
        color = {
            "failed": p.bad,
            "running": p.accent,
            "cached": p.good,
            "dirty": p.warn,
        }.get(mark.phase, p.faint)
        middle = (rect.top + rect.bottom) / 2 - 1
        dpg.draw_circle((rect.left + 3, middle), 3, fill=color, color=color, parent=into)
        words = fit(mark.words, SMALL_SIZE, rect.width - 14)
        soft = color if mark.phase == "failed" else p.faint
        dpg.draw_text((rect.left + 11, middle - 6.5), words, size=SMALL_SIZE, color=soft, parent=into)
        if mark.phase == "running":
            low = self.box.shape.height - 3
            dpg.draw_rectangle(
                (2, low), (self.box.shape.width - 2, low + 2), fill=faded(p.accent, 50), color=(0, 0, 0, 0), parent=into
            )
            end = 2 + (self.box.shape.width - 4) * min(max(mark.done, 0.0), 1.0)
            dpg.draw_rectangle((2, low), (end, low + 2), fill=color, color=(0, 0, 0, 0), parent=into)
