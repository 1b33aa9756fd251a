"""A field on the canvas to type a name, a title or a note in."""

from __future__ import annotations

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.plane import Point


class TextBox:
    """One field at a time. Enter (in notes: a click elsewhere) takes the text, Escape leaves it as it was."""

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.window = self._field = 0
        self._taken: Callable[[str], object] = lambda _: None

    @property
    def is_open(self) -> bool:
        return bool(self.window)

    def open(self, at: Point, width: float, text: str, taken: Callable[[str], object], lines: int = 1) -> None:
        self.cancel()
        self._taken, self._before = taken, text
        height = 24 * self.scale if lines == 1 else (lines + 1) * 20 * self.scale
        with dpg.window(
            no_title_bar=True,
            no_resize=True,
            no_move=True,
            no_scrollbar=True,
            no_saved_settings=True,
            pos=[int(at[0]), int(at[1])],
            width=int(width),
            height=int(height + 10),
            min_size=[60, 20],
        ) as self.window:
            self._field = int(
                dpg.add_input_text(
                    default_value=text,
                    width=-1,
                    height=int(height),
                    multiline=lines > 1,
                    on_enter=lines == 1,
                    auto_select_all=lines == 1,
                    callback=self._entered if lines == 1 else None,
                )
            )
        with dpg.theme() as self._theme, dpg.theme_component(dpg.mvAll):
            dpg.add_theme_style(dpg.mvStyleVar_WindowPadding, 4, 4)
        dpg.bind_item_theme(self.window, self._theme)
        dpg.focus_item(self._field)

    def finish(self) -> None:
        """Take what was typed."""
        if self.window:
            text, taken = dpg.get_value(self._field), self._taken
            self.cancel()
            if text != self._before:
                taken(text)

    def cancel(self) -> None:
        if self.window:
            window, self.window = self.window, 0
            dpg.delete_item(window)
            dpg.delete_item(self._theme)

    def _entered(self) -> None:
        self.finish()
