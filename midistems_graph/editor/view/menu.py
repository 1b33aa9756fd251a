"""A list to choose from, with or without a line to search it: the palette of nodes, context menus, recent files.

Rows are drawn by us, so that a thousand cost no more than those that are seen. Keys come through `key`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from midistems_graph.document.boxes import fit
from midistems_graph.editor.model.plane import Point
from midistems_graph.editor.view.palette import Color, Palette, mixed
from midistems_graph.editor.view.scripts import seen
from midistems_graph.editor.view.themes import TEXT_SIZE

ROW, MOST = 26, 14
PAD = 8


@dataclass(frozen=True)
class Row:
    """A line: what it is chosen by, what is written on the left and right, its colour dot. Lines without id part."""

    id: str
    title: str
    hint: str = ""
    dot: Color | None = None
    enabled: bool = True
    note: str = ""
    """A sentence that is shown below while the line is chosen."""


Rows = Callable[[str], Sequence[Row]]


class Menu:
    """One menu at a time; `open` again replaces it."""

    def __init__(self, palette: Palette, scale: float, measure: Callable[[str, float], float]) -> None:
        self.palette, self.scale, self._measure = palette, scale, measure
        self.window = 0
        self._chosen: Callable[[str], None] = lambda _: None
        self._left: Callable[[], None] = lambda: None
        self._rows: Sequence[Row] = ()
        self._find: Rows = lambda _: ()
        self._at = self._first = 0
        self._field = self._draw = 0
        self._width = 0.0

    @property
    def rows(self) -> Sequence[Row]:
        """The lines that are listed."""
        return self._rows if self.window else ()

    @property
    def is_open(self) -> bool:
        return bool(self.window)

    def open(
        self,
        at: Point,
        rows: Rows,
        chosen: Callable[[str], None],
        *,
        search: str | None = None,
        width: float = 340,
        inside: tuple[float, float] = (1e9, 1e9),
        left: Callable[[], None] = lambda: None,
    ) -> None:
        """Open at a pixel. With `search` (a hint, maybe empty) there is a line to type in.

        `left` is called if nothing is chosen.
        """
        self.close()
        self._find, self._chosen, self._left, self._width = rows, chosen, left, width * self.scale
        self._rows, self._at, self._first = rows(""), 0, 0
        self._at = self._next(-1, 1)
        room = int((inside[1] - 80 * self.scale) / (ROW * self.scale)) if inside[1] < 1e8 else MOST
        count = min(MOST, len(self._rows), room) if search is not None else min(len(self._rows), MOST + 6)
        height = count * ROW * self.scale
        extra = (40 if search is not None else 0) * self.scale + 2 * PAD + self._note_height(search)
        self._extra = extra
        x, y = min(at[0], inside[0] - self._width - 2 * PAD), min(at[1], inside[1] - height - extra)
        with dpg.window(
            no_title_bar=True,
            no_resize=True,
            no_move=True,
            no_scrollbar=True,
            no_saved_settings=True,
            pos=[int(max(x, 0)), int(max(y, 0))],
            width=int(self._width + 2 * PAD),
            height=int(height + extra),
            min_size=[50, 20],
        ) as self.window:
            self._field = 0
            if search is not None:
                self._field = int(dpg.add_input_text(hint=search, width=-1, callback=lambda _, text: self.search(text)))
            self._draw = int(dpg.add_drawlist(int(self._width), int(height)))
            self._note = int(dpg.add_text("", wrap=int(self._width), color=self.palette.soft))
        with dpg.theme() as self._theme, dpg.theme_component(dpg.mvAll):
            dpg.add_theme_color(dpg.mvThemeCol_WindowBg, mixed(self.palette.panel, self.palette.raised, 0.35))
            dpg.add_theme_color(dpg.mvThemeCol_Border, mixed(self.palette.line, self.palette.text, 0.2))
            dpg.add_theme_style(dpg.mvStyleVar_WindowPadding, PAD, PAD)
        dpg.bind_item_theme(self.window, self._theme)
        dpg.focus_item(self._field or self.window)
        self._count = count
        self._redraw()

    def close(self) -> None:
        """Close without a choice."""
        if not self.window:
            return
        window, self.window, left = self.window, 0, self._left
        self._left = lambda: None
        dpg.delete_item(window)
        dpg.delete_item(self._theme)
        left()

    def key(self, name: str) -> bool:
        """Take a key; whether it was meant for the menu."""
        if not self.window:
            return False
        match name:
            case "Escape":
                self.close()
            case "Down" | "Up" | "PageDown" | "PageUp":
                steps = {"Down": 1, "Up": -1, "PageDown": 8, "PageUp": -8}[name]
                for _ in range(abs(steps)):
                    self._at = self._next(self._at, 1 if steps > 0 else -1)
                self._redraw()
            case "Enter":
                self._choose(self._at)
            case _:
                return bool(self._field)
        return True

    def pressed(self) -> bool:
        """The left button went down: choose what is under the pointer, or close. Whether the menu was open."""
        if not self.window:
            return False
        row = self._row_under()
        if row is not None:
            self._choose(row)
        elif not self._is_under():
            self.close()
        return True

    def moved(self) -> None:
        """The pointer moved: the line under it is the one that Enter takes."""
        row = self._row_under() if self.window else None
        if row is not None and row != self._at and self._rows[row].id and self._rows[row].enabled:
            self._at = row
            self._redraw()

    def turned(self, turn: float) -> bool:
        """The wheel turned; whether the menu is open."""
        if not self.window:
            return False
        self._first = min(max(self._first - round(turn * 3), 0), max(len(self._rows) - self._count, 0))
        self._redraw(follow=False)
        return True

    def search(self, text: str) -> None:
        """Show the lines that answer what was typed."""
        if not self.window:
            return
        self._rows, self._first = self._find(text), 0
        self._at = self._next(-1, 1)
        self._redraw()

    def _next(self, at: int, step: int) -> int:
        """The next line that can be chosen, or the same."""
        k = at + step
        while 0 <= k < len(self._rows):
            if self._rows[k].id and self._rows[k].enabled:
                return k
            k += step
        return max(at, 0)

    def _choose(self, at: int) -> None:
        if 0 <= at < len(self._rows) and self._rows[at].id and self._rows[at].enabled:
            chosen, row = self._chosen, self._rows[at].id
            self._left = lambda: None
            self.close()
            chosen(row)

    def _is_under(self) -> bool:
        x, y = dpg.get_mouse_pos(local=False)
        left, top = dpg.get_item_pos(self.window)
        width, height = dpg.get_item_width(self.window) or 0, dpg.get_item_height(self.window) or 0
        return bool(left <= x <= left + width and top <= y <= top + height)

    def _row_under(self) -> int | None:
        state = dpg.get_item_state(self._draw)
        (x, y), (left, top), (width, height) = dpg.get_mouse_pos(local=False), state["rect_min"], state["rect_size"]
        if not (left <= x < left + width and top <= y < top + height):
            return None
        row = self._first + int((y - top) // (ROW * self.scale))
        return row if row < len(self._rows) else None

    def _fit_height(self) -> None:
        """As high as there are lines, so that nothing empty hides the canvas."""
        count = max(min(self._count, len(self._rows)), 1)
        height = int(count * ROW * self.scale)
        if dpg.get_item_height(self._draw) != height:
            dpg.configure_item(self._draw, height=height)
            dpg.configure_item(self.window, height=int(height + self._extra))

    def _note_height(self, search: str | None) -> float:
        return 44 * self.scale if search is not None else 0.0

    def _redraw(self, *, follow: bool = True) -> None:
        if follow:
            self._first = min(self._first, self._at)
            self._first = max(self._first, self._at - self._count + 1, 0)
        self._fit_height()
        dpg.delete_item(self._draw, children_only=True)
        p, size, high = self.palette, TEXT_SIZE * self.scale, ROW * self.scale
        for place, row in enumerate(self._rows[self._first : self._first + self._count]):
            top, into = place * high, self._draw
            if not row.id:
                y = top + high / 2
                if row.title:
                    dpg.draw_text((4, y - size / 2), seen(row.title), size=size - 2, color=p.faint, parent=into)
                else:
                    dpg.draw_line((4, y), (self._width - 4, y), color=p.line, parent=into)
                continue
            if self._first + place == self._at:
                ground = mixed(p.raised, p.accent, 0.28)
                dpg.draw_rectangle(
                    (0, top), (self._width, top + high), fill=ground, color=ground, rounding=4, parent=into
                )
            left = 10.0 * self.scale
            if row.dot is not None:
                dpg.draw_circle((left + 2, top + high / 2), 4, fill=row.dot, color=row.dot, parent=into)
                left += 14 * self.scale
            y = top + (high - size) / 2 - 1
            color = p.text if row.enabled else p.faint
            hint = seen(fit(row.hint, size - 2, self._width * 0.5))
            wide = self._measure(hint, size - 2)
            title = seen(fit(row.title, size, self._width - left - wide - 24))
            dpg.draw_text((left, y), title, size=size, color=color, parent=into)
            dpg.draw_text((self._width - wide - 10, y + 1), hint, size=size - 2, color=p.faint, parent=into)
        if self._count < len(self._rows):
            part = self._count * high / len(self._rows)
            top = self._first * part
            x = self._width - 3
            dpg.draw_line((x, top), (x, top + part * self._count), color=p.faint, thickness=3, parent=self._draw)
        note = self._rows[self._at].note if self._at < len(self._rows) else ""
        dpg.set_value(self._note, seen(fit(note, size, 2 * self._width)))
        if self._field and not self._rows:
            dpg.set_value(self._note, "nothing is called that")
