"""A sentence beside the pointer, above everything, that takes no input."""

from __future__ import annotations

import textwrap

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.plane import Point
from midistems_graph.editor.view.canvas import Canvas
from midistems_graph.editor.view.palette import Color, mixed
from midistems_graph.editor.view.scripts import seen
from midistems_graph.editor.view.themes import TEXT_SIZE

COLUMNS = 52
LINE = TEXT_SIZE + 5


class Tooltip:
    """Draws on the window itself; `show` again moves it."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._layer = dpg.add_viewport_drawlist(front=True)
        self._shown: tuple[str, Point, Color] | None = None

    def show(self, sentence: str, at: Point, color: Color, inside: tuple[float, float]) -> None:
        """Show a sentence near a pixel, kept inside of a window of a size."""
        if self._shown == (sentence, at, color):
            return
        self.hide()
        self._shown = sentence, at, color
        p = self._canvas.palette
        lines = textwrap.wrap(sentence, COLUMNS) or [""]
        width = max(self._canvas.measure(line, TEXT_SIZE) for line in lines) + 20
        height = len(lines) * LINE + 12
        x = min(at[0] + 18, inside[0] - width - 6)
        y = at[1] + 20 if at[1] + 20 + height < inside[1] else at[1] - height - 12
        ground = mixed(p.panel, p.raised, 0.6)
        dpg.draw_rectangle(
            (x, y),
            (x + width, y + height),
            fill=ground,
            color=mixed(ground, color, 0.7),
            rounding=5,
            parent=self._layer,
        )
        for row, line in enumerate(lines):
            dpg.draw_text((x + 10, y + 6 + row * LINE), seen(line), size=TEXT_SIZE, color=color, parent=self._layer)

    @property
    def shown(self) -> str:
        """The sentence that is shown, empty if none is."""
        return self._shown[0] if self._shown else ""

    def hide(self) -> None:
        if self._shown is not None:
            self._shown = None
            dpg.delete_item(self._layer, children_only=True)
