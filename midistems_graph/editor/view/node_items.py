"""A node on the canvas as Dear PyGui items: one card for each level of detail, made when it is first seen.

All is drawn in world units around the corner of the box, so that moving it is one call.
"""

from __future__ import annotations

from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.scene_items import Box
from midistems_graph.editor.model.shape import SMALL_SIZE
from midistems_graph.editor.view.marks import Mark
from midistems_graph.editor.view.node_cards import (
    FAR,
    NEAR,
    OUTLINED,
    READABLE,
    ROUND,
    SCALES,
    Pen,
    border_color,
    draw_card,
    draw_ports,
    draw_standing,
)
from midistems_graph.editor.view.signs import Badge, Worry, draw_badge


@dataclass(frozen=True, slots=True)
class _Card:
    """The items of one level: all of it, its ground with ports, what follows the mark, its border."""

    root: int
    ground: int
    standing: int
    border: int
    badge: int


class NodeItem:
    """The items of one box. `layer` is what they are drawn in."""

    def __init__(self, box: Box, pen: Pen, layer: int | str) -> None:
        self.box, self.pen = box, pen
        self.chosen = self.hovered = self.shown = False
        self.mark = Mark()
        self.worry: Worry = ""
        self.badge: Badge | None = None
        self.level = FAR
        self.root = dpg.add_draw_node(parent=layer, show=False)
        self._cards: dict[int, _Card] = {}
        self.move(box)

    def move(self, box: Box) -> None:
        self.box = box
        dpg.apply_transform(self.root, dpg.create_translation_matrix([box.x, box.y]))

    def redraw(self, box: Box) -> None:
        """Draw the box anew, for its shape or the palette is another."""
        dpg.delete_item(self.root, children_only=True)
        self._cards.clear()
        self.move(box)
        if self.shown:
            self.set_level(self.level)

    def delete(self) -> None:
        dpg.delete_item(self.root)

    def show(self, shown: bool) -> None:
        if shown != self.shown:
            self.shown = shown
            dpg.configure_item(self.root, show=shown)

    def set_level(self, level: int) -> None:
        """Show so much detail; what was never seen before is drawn now."""
        if level not in self._cards:
            self._cards[level] = self._made(level)
        self.level = level
        for other, card in self._cards.items():
            dpg.configure_item(card.root, show=other == level)

    def is_drawn(self, level: int) -> bool:
        """Whether it shows this level of detail."""
        return self.level == level and level in self._cards

    def look(self, *, chosen: bool, hovered: bool) -> None:
        """Whether it is selected, and whether the pointer is on it."""
        if (chosen, hovered) != (self.chosen, self.hovered):
            self.chosen, self.hovered = chosen, hovered
            self._outline()

    def set_mark(self, mark: Mark) -> None:
        """How its computing stands."""
        if mark == self.mark:
            return
        is_other = mark.look != self.mark.look
        self.mark = mark
        for level, card in self._cards.items():
            if is_other:
                dpg.delete_item(card.ground, children_only=True)
                draw_card(self.box, level, mark, self.pen, card.ground)
            dpg.delete_item(card.standing, children_only=True)
            draw_standing(self.box, level, mark, self.worry, self.pen, card.standing)
        if is_other:
            self._outline()

    def set_worry(self, worry: Worry) -> None:
        """Whether the rules find something wrong with it."""
        if worry == self.worry:
            return
        self.worry = worry
        for level, card in self._cards.items():
            dpg.delete_item(card.standing, children_only=True)
            draw_standing(self.box, level, self.mark, worry, self.pen, card.standing)

    def set_badge(self, badge: Badge | None) -> None:
        """A few words beside it, or none."""
        if badge == self.badge:
            return
        self.badge = badge
        for level, card in self._cards.items():
            dpg.delete_item(card.badge, children_only=True)
            self._draw_badge(level, card.badge)

    def _draw_badge(self, level: int, into: int) -> None:
        if self.badge is not None:
            size = SMALL_SIZE if level == NEAR else READABLE * SCALES[min(level, FAR - 1)]
            wide = self.pen.measure(self.badge.words, size)
            draw_badge(self.badge, self.box.shape.width, size, wide, self.pen.palette, into)

    def _made(self, level: int) -> _Card:
        root = int(dpg.add_draw_node(parent=self.root))
        ground = int(dpg.add_draw_node(parent=root))
        shape = self.box.shape
        border = dpg.draw_rectangle(
            (0, 0),
            (shape.width, shape.height),
            color=self._border,
            rounding=ROUND if level <= 1 else 0,
            thickness=self._thickness(level),
            show=self._is_outlined(level),
            parent=root,
        )
        draw_ports(self.box, level, self.pen, root)
        standing = int(dpg.add_draw_node(parent=root))
        draw_card(self.box, level, self.mark, self.pen, ground)
        draw_standing(self.box, level, self.mark, self.worry, self.pen, standing)
        badge = int(dpg.add_draw_node(parent=root))
        self._draw_badge(level, badge)
        return _Card(root, ground, standing, int(border), badge)

    def _outline(self) -> None:
        for level, card in self._cards.items():
            shown = self._is_outlined(level)
            dpg.configure_item(card.border, color=self._border, thickness=self._thickness(level), show=shown)

    def _is_outlined(self, level: int) -> bool:
        """Far out a border would say nothing that the card itself does not."""
        special = self.chosen or self.hovered or self.mark.phase == "failed" or self.box.shape.role == "placeholder"
        return level < OUTLINED or special

    @property
    def _border(self) -> tuple[int, int, int, int]:
        return border_color(self.box.shape, self.mark, self.pen.palette, chosen=self.chosen, hovered=self.hovered)

    def _thickness(self, level: int) -> float:
        """In world units; a chosen node stands out at every zoom."""
        return (2.0 if self.chosen else 1.0) * (SCALES[level - 1] if level else 1.0)
