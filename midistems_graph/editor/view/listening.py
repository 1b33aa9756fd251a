"""The strip that shows what is heard: its waveform and spectrogram, the playhead and the loop.

A click goes there, a drag makes a loop, the right button takes it away.
"""

from __future__ import annotations

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.plane import Rect
from midistems_graph.editor.view.palette import Palette, faded, mixed
from midistems_graph.editor.view.textures import Textures

WAVE_SHARE = 0.42
"""The part of the height that the waveform takes."""


class Listening:
    """The strip in a parent. Times are parts of the song, 0 to 1."""

    def __init__(
        self,
        parent: int,
        palette: Palette,
        textures: Textures,
        seek: Callable[[float], None],
        loop: Callable[[float, float], None],
        unloop: Callable[[], None],
    ) -> None:
        self.palette, self.textures = palette, textures
        self._seek, self._loop, self._unloop = seek, loop, unloop
        self._draw = dpg.add_drawlist(100, 100, parent=parent)
        self._picture = dpg.add_draw_layer(parent=self._draw)
        self._marks = dpg.add_draw_layer(parent=self._draw)
        self._size = (100.0, 100.0)
        self._pressed: float | None = None
        self._shown: tuple[object, ...] = ()
        self._title = ""
        with dpg.handler_registry():
            dpg.add_mouse_click_handler(0, callback=self._down)
            dpg.add_mouse_release_handler(0, callback=self._up)
            dpg.add_mouse_click_handler(1, callback=self._right)

    def place(self, area: Rect) -> None:
        self._size = max(area.width, 1.0), max(area.height, 1.0)
        dpg.configure_item(self._draw, width=int(self._size[0]), height=int(self._size[1]))
        self.redraw(self._title)

    @property
    def columns(self) -> int:
        """How wide pictures are to be."""
        return max(int(self._size[0]), 16)

    @property
    def rows(self) -> tuple[int, int]:
        """How high waveform and spectrogram are to be."""
        wave = int(self._size[1] * WAVE_SHARE)
        return wave, max(int(self._size[1]) - wave - 1, 8)

    def redraw(self, title: str) -> None:
        """Show the pictures `wave` and `levels` as they are now."""
        self._title = title
        dpg.delete_item(self._picture, children_only=True)
        p, (width, height), split = self.palette, self._size, self.rows[0]
        dpg.draw_rectangle((0, 0), (width, height), fill=p.ground, color=p.ground, parent=self._picture)
        for name, top, bottom in (("wave", 0, split), ("levels", split + 1, height)):
            if tag := self.textures[name]:
                dpg.draw_image(tag, (0, top), (width, bottom), parent=self._picture)
        dpg.draw_line((0, split), (width, split), color=p.line, parent=self._picture)
        dpg.draw_line((0, 0), (width, 0), color=p.line, parent=self._picture)
        dpg.draw_text((10, 5), title, size=12, color=p.soft, parent=self._picture)

    def mark(self, at: float, loop: tuple[float, float] | None) -> None:
        """Show where the playhead and the loop are."""
        drawn = self._dragged or loop
        shown = round(at * self._size[0]), drawn, self._size, self.palette.name
        if shown == self._shown:
            return
        self._shown = shown
        dpg.delete_item(self._marks, children_only=True)
        p, (width, height) = self.palette, self._size
        if drawn:
            left, right = sorted((drawn[0] * width, drawn[1] * width))
            color = mixed(p.accent, p.ground, 0.2)
            dpg.draw_rectangle((left, 0), (right, height), fill=faded(p.accent, 34), color=color, parent=self._marks)
        x = at * width
        dpg.draw_line((x, 0), (x, height), color=p.text, thickness=1.5, parent=self._marks)

    @property
    def _dragged(self) -> tuple[float, float] | None:
        if self._pressed is None:
            return None
        now = self._under(anywhere=True)
        if now is None or abs(now - self._pressed) * self._size[0] < 4:
            return None
        return self._pressed, now

    @property
    def is_dragged(self) -> bool:
        return self._pressed is not None

    def _under(self, *, anywhere: bool = False) -> float | None:
        """Where the pointer is in the song."""
        if not anywhere and not dpg.is_item_hovered(self._draw):
            return None
        left = float(dpg.get_item_rect_min(self._draw)[0])
        return min(max((float(dpg.get_mouse_pos(local=False)[0]) - left) / self._size[0], 0.0), 1.0)

    def _down(self) -> None:
        self._pressed = self._under()

    def _up(self) -> None:
        if self._pressed is None:
            return
        pressed, dragged = self._pressed, self._dragged
        self._pressed = None
        if dragged:
            self._loop(*dragged)
        else:
            self._seek(pressed)

    def _right(self) -> None:
        if self._under() is not None:
            self._unloop()
