"""A page that lies over the canvas and the inspector: the welcome, songs to separate, a score table. One at a time.

The bars and the keys of playback stay as they are, the strip of what is heard makes room; Escape goes back to the
canvas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.plane import Rect
from midistems_graph.editor.view.palette import Palette
from midistems_graph.editor.view.pointer import Key
from midistems_graph.editor.view.themes import flat_theme


class Page(Protocol):
    """What a sheet shows. It is built again when the window changes its size or colours."""

    name: str

    def build(self, parent: int, size: tuple[float, float], palette: Palette, scale: float) -> None:
        """Make the items, in a window that has this room in pixels."""
        ...

    def key(self, key: Key) -> bool:
        """Take a key; whether it was meant for the page."""
        ...

    def tick(self) -> bool:
        """Before every frame; whether something moves."""
        ...


class Sheet:
    """The place of a page; `turned` is called when one is opened or closed."""

    def __init__(self, palette: Palette, scale: float, turned: Callable[[], None] = lambda: None) -> None:
        self.palette, self.scale, self._turned = palette, scale, turned
        self.page: Page | None = None
        self._area = Rect(0, 0, 1, 1)
        self._window = self._theme = 0

    @property
    def name(self) -> str:
        """Which page is open; empty for none."""
        return self.page.name if self.page else ""

    def open(self, page: Page) -> None:
        self.page = page
        self._turned()
        self._rebuild()

    def close(self) -> None:
        if self.page is not None:
            self.page = None
            self._clear()
            self._turned()

    def place(self, area: Rect) -> None:
        """Where canvas and inspector lie, in pixels."""
        if area != self._area:
            self._area = area
            self._rebuild()

    def recolor(self, palette: Palette, scale: float) -> None:
        self.palette, self.scale = palette, scale
        self._rebuild()

    def key(self, key: Key) -> bool:
        """Take a key; whether it was meant for the page."""
        if self.page is None:
            return False
        if self.page.key(key):
            return True
        if key.name == "Escape" and not key.typing:
            self.close()
            return True
        return False

    def tick(self) -> bool:
        return self.page is not None and self.page.tick()

    def _clear(self) -> None:
        if self._window:
            window, self._window = self._window, 0
            dpg.delete_item(window)
            dpg.delete_item(self._theme)

    def _rebuild(self) -> None:
        self._clear()
        if self.page is None:
            return
        self._theme = flat_theme(self.palette.ground)
        self._window = int(
            dpg.add_window(
                no_title_bar=True,
                no_resize=True,
                no_move=True,
                no_scrollbar=True,
                no_scroll_with_mouse=True,
                no_saved_settings=True,
                pos=[int(self._area.left), int(self._area.top)],
                width=int(self._area.width),
                height=int(self._area.height),
                min_size=[50, 20],
            )
        )
        dpg.bind_item_theme(self._window, self._theme)
        self.page.build(self._window, (self._area.width, self._area.height), self.palette, self.scale)
