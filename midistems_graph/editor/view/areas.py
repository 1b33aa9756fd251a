"""The parts of the window as Dear PyGui items: made, placed, and painted in the colours of a palette."""

from __future__ import annotations

from collections.abc import Mapping

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.plane import Rect


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
