"""The line above the strip's pictures: what is shown, the value under the pointer, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.views import Views, choices
from midistems_graph.editor.view.palette import Palette
from midistems_graph.editor.view.panes import Sight
from midistems_graph.editor.view.themes import chosen_button_theme, compact_theme

BAR = 28.0
"""Height of the line in pixels."""

_WIDTHS = {"shows": 92, "scale": 62, "channel": 58, "ceiling": 66, "range": 62}
_HINTS = {
    "shows": "what is shown (Shift+V)",
    "scale": "scale of frequencies (Alt+S)",
    "channel": "channel (Alt+C)",
    "ceiling": "the brightest level (Alt+PageUp, Alt+PageDown)",
    "range": "from the brightest level to the darkest (Alt+R)",
}


class StripBar:
    """The line in a parent; `do` gets the names of commands, `choose` other choices."""

    def __init__(
        self,
        parent: int,
        palette: Palette,
        scale: float,
        do: Callable[[str], None],
        choose: Callable[[Views], None],
    ) -> None:
        self.palette, self.scale, self._do, self._choose = palette, scale, do, choose
        self._views, self._sight = Views(), Sight()
        self._width = 0.0
        self._edge = int(dpg.add_drawlist(10, 3, parent=parent, pos=(0, 0)))
        self._title = int(dpg.add_text("", parent=parent, pos=(12, 5)))
        self._value = int(dpg.add_text("", parent=parent, pos=(300, 5)))
        self.controls: dict[str, int] = {}
        with dpg.group(parent=parent, horizontal=True, horizontal_spacing=4) as self._group:
            self.paint_area = int(dpg.add_group(horizontal=True, horizontal_spacing=4))
            self.controls["compare"] = self._button("A | B", "two edges side by side (Alt+D)", "views_compare")
            for name in _WIDTHS:
                self.controls[name] = self._combo(name)
            self.controls["all"] = self._button("All", "the whole song (Shift+Home)", "views_all")
            self.controls["large"] = self._button("Large", "larger or smaller (V)", "views_large")
        self.recolor(palette)
        self.show(self._views, self._sight, force=True)

    def recolor(self, palette: Palette) -> None:
        self.palette = palette
        self._chosen = chosen_button_theme(palette)
        dpg.bind_item_theme(self._group, compact_theme(self.scale))
        dpg.configure_item(self._title, color=palette.text)
        dpg.configure_item(self._value, color=palette.soft)
        self.light_edge(False)
        self.show(self._views, self._sight, force=True)

    def place(self, width: float) -> None:
        """The controls end at the right side; the value stands left of them, so that it never moves."""
        self._width = width
        controls = (sum(_WIDTHS.values()) + 4 * 9 + 118) * self.scale
        left = max(width - controls, 8.0)
        dpg.configure_item(self._group, pos=(int(left), 5))
        dpg.configure_item(self._value, pos=(int(max(left - 330 * self.scale, 150)), 5), show=left > 560)
        dpg.configure_item(self._edge, width=max(int(width), 1))
        self.light_edge(False)

    def show(self, views: Views, sight: Sight, *, force: bool = False) -> None:
        if (views, sight) == (self._views, self._sight) and not force:
            return
        self._views, self._sight = views, sight
        for name in _WIDTHS:
            dpg.set_value(self.controls[name], _word(name, getattr(views, name)))
        dpg.bind_item_theme(self.controls["compare"], self._chosen if sight.comparing else 0)
        title = sight.take.name if sight.take else ""
        dpg.set_value(self._title, title if len(title) <= 40 else title[:39] + "…")

    def read(self, value: str) -> None:
        """The value under the pointer."""
        dpg.set_value(self._value, value)

    def light_edge(self, lit: bool) -> None:
        """Show that the strip can be pulled higher."""
        p = self.palette
        dpg.delete_item(self._edge, children_only=True)
        color, thick = (p.accent, 3.0) if lit else (p.line, 1.0)
        dpg.draw_line((0, 0.5), (self._width, 0.5), color=color, thickness=thick, parent=self._edge)

    def _combo(self, name: str) -> int:
        words = {_word(name, value): value for value in choices(name)}

        def chosen(_: int, word: str) -> None:
            self._choose(replace(self._views, **{name: words[word]}))

        width = int(_WIDTHS[name] * self.scale)
        combo = int(dpg.add_combo(list(words), width=width, no_arrow_button=True, callback=chosen))
        with dpg.tooltip(combo, delay=0.5):
            dpg.add_text(_HINTS[name])
        return combo

    def _button(self, label: str, hint: str, command: str) -> int:
        button = int(dpg.add_button(label=label, callback=lambda: self._do(command)))
        with dpg.tooltip(button, delay=0.5):
            dpg.add_text(hint)
        return button


def _word(name: str, value: object) -> str:
    """A choice as it is written."""
    match name:
        case "ceiling" | "range":
            return f"{value} dB"
        case "shows" if value == "both":
            return "wave + spec"
        case "shows" if value == "levels":
            return "stem levels"
    return str(value)
