"""The parts of the window as Dear PyGui items: made, placed, and painted in the colours of a palette."""

from __future__ import annotations

from collections.abc import Mapping

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.plane import Rect
from midistems_graph.editor.view.layout import Layout
from midistems_graph.editor.view.palette import Color


def make_area(root: int) -> int:
    """A part of the window that something is put into."""
    return int(
        dpg.add_child_window(
            parent=root, no_scrollbar=True, no_scroll_with_mouse=True, border=False, always_use_window_padding=True
        )
    )


def place(item: int, rect: Rect) -> None:
    """Put a part of the window where it belongs; without an area it is hidden."""
    shown = rect.width >= 1 and rect.height >= 1
    dpg.configure_item(
        item,
        pos=[int(rect.left), int(rect.top)],
        width=max(int(rect.width), 1),
        height=max(int(rect.height), 1),
        show=shown,
    )


class Seams:
    """The lines between the parts of the window, behind all of them."""

    def __init__(self) -> None:
        self._layer = dpg.add_viewport_drawlist(front=False)

    def draw(self, layout: Layout, color: Color) -> None:
        """Draw them for an arrangement of the parts."""
        dpg.delete_item(self._layer, children_only=True)
        width, side = layout.top.right, layout.inspector
        for y in (layout.top.bottom, layout.transport.top, layout.status.top):
            dpg.draw_line((0, y), (width, y), color=color, parent=self._layer)
        if side.width:
            foot = max(side.bottom, layout.desk.bottom)
            dpg.draw_line((side.left, side.top), (side.left, foot), color=color, parent=self._layer)
        if layout.listening.height:
            y = layout.listening.top
            dpg.draw_line((0, y), (width, y), color=color, parent=self._layer)


class Paint:
    """The themes of areas; painting again replaces them."""

    def __init__(self) -> None:
        self._themes: list[int] = []

    def apply(self, themes: Mapping[int, int]) -> None:
        """Bind a theme to each area, and delete those that they had."""
        for area, theme in themes.items():
            dpg.bind_item_theme(area, theme)
        for old in self._themes:
            dpg.delete_item(old)
        self._themes = list(themes.values())
