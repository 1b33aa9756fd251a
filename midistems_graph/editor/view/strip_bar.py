"""The line above the strip's pictures: the value under the pointer, what one paints with, and how things are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import dearpygui.dearpygui as dpg

from midistems_graph.document.boxes import fit
from midistems_graph.editor.model.paint import Tool, tools
from midistems_graph.editor.model.views import Views, choices
from midistems_graph.editor.view.palette import Palette
from midistems_graph.editor.view.panes import Sight
from midistems_graph.editor.view.themes import TEXT_SIZE, chosen_button_theme, compact_theme

BAR = 28.0
"""Height of the line in pixels."""

_WIDTHS = {"shows": 92, "scale": 62, "channel": 58, "ceiling": 66, "range": 62}
_PAINT_WIDTHS = {"shape": 80, "gain_db": 66, "size": 52}
_HINTS = {
    "shape": "what is drawn (Shift+P), or edit what is there (Alt+P)",
    "gain_db": "how much softer or louder, also the chosen strokes (Alt+G)",
    "size": "how wide brush and harmonics are (Alt+W)",
    "shows": "what is shown (Shift+V)",
    "scale": "scale of frequencies (Alt+S)",
    "channel": "channel (Alt+C)",
    "ceiling": "the brightest level (Alt+PageUp, Alt+PageDown)",
    "range": "from the brightest level to the darkest (Alt+R)",
}


class StripBar:
    """The line in a parent; `do` gets the names of commands, `choose` other choices, `take` other tools."""

    def __init__(
        self,
        parent: int,
        palette: Palette,
        scale: float,
        do: Callable[[str], None],
        choose: Callable[[Views], None],
        take: Callable[[Tool], None],
    ) -> None:
        self.palette, self.scale, self._do, self._choose, self._take = palette, scale, do, choose, take
        self._views, self._sight = Views(), Sight()
        self._tool: Tool | None = None
        self._width = self._room = 0.0
        self.has_room = True
        """Whether the value under the pointer fits into the line."""
        self._edge = int(dpg.add_drawlist(10, 3, parent=parent, pos=(0, 0)))
        self._value = int(dpg.add_text("", parent=parent, pos=(12, 5)))
        self.controls: dict[str, int] = {}
        with dpg.group(parent=parent, horizontal=True, horizontal_spacing=4) as self._switches:
            self.controls["paint"] = self._button("Paint", "paint on the spectrogram (P)", "paint")
            self.controls["compare"] = self._button("A | B", "two edges above each other (Alt+D)", "views_compare")
        with dpg.group(parent=parent, horizontal=True, horizontal_spacing=4) as self._choices:
            for name in _WIDTHS:
                self.controls[name] = self._combo(name, _WIDTHS[name], choices(name), self._chose)
        with dpg.group(parent=parent, horizontal=True, horizontal_spacing=4) as self._tools:
            for name in _PAINT_WIDTHS:
                self.controls[name] = self._combo(name, _PAINT_WIDTHS[name], tools(name), self._took)
        with dpg.group(parent=parent, horizontal=True, horizontal_spacing=4) as self._sizes:
            self.controls["all"] = self._button("All", "the whole song (Shift+Home)", "views_all")
            self.controls["large"] = self._button("Large", "larger or smaller (V)", "views_large")
        self.recolor(palette, scale)
        self.show(self._views, self._sight, None, force=True)

    def recolor(self, palette: Palette, scale: float) -> None:
        self.palette, self.scale = palette, scale
        for name, width in {**_WIDTHS, **_PAINT_WIDTHS}.items():
            dpg.configure_item(self.controls[name], width=int(width * scale))
        self._chosen = chosen_button_theme(palette)
        for group in (self._switches, self._choices, self._tools, self._sizes):
            dpg.bind_item_theme(group, compact_theme(self.scale))
        dpg.configure_item(self._value, color=palette.soft)
        self.light_edge(False)
        self.show(self._views, self._sight, self._tool, force=True)

    def place(self, width: float) -> None:
        """The value begins at the left side, the controls end at the right one; tools take the place of choices."""
        self._width = width
        scale = self.scale
        right = width - 90 * scale
        middle = right - (sum(_WIDTHS.values()) + 4 * len(_WIDTHS)) * scale
        left = middle - 104 * scale
        places = {self._sizes: right, self._choices: middle, self._tools: middle, self._switches: left}
        for group, at in places.items():
            dpg.configure_item(group, pos=(int(max(at, 8.0)), 5))
        self.has_room, self._room = left > 240 * scale, left - 24 * scale
        dpg.configure_item(self._value, show=self.has_room)
        dpg.configure_item(self._edge, width=max(int(width), 1))
        self.light_edge(False)

    def show(self, views: Views, sight: Sight, tool: Tool | None, *, force: bool = False) -> None:
        if (views, sight, tool) == (self._views, self._sight, self._tool) and not force:
            return
        self._views, self._sight, self._tool = views, sight, tool
        dpg.bind_item_theme(self.controls["paint"], self._chosen if tool else 0)
        dpg.configure_item(self._choices, show=tool is None)
        dpg.configure_item(self._tools, show=tool is not None)
        for name in _PAINT_WIDTHS if tool is not None else ():
            dpg.set_value(self.controls[name], _word(name, getattr(tool, name)))
        for name in _WIDTHS:
            dpg.set_value(self.controls[name], _word(name, getattr(views, name)))
        dpg.bind_item_theme(self.controls["compare"], self._chosen if sight.pair else 0)

    def read(self, value: str) -> None:
        """The value under the pointer."""
        dpg.set_value(self._value, fit(value, TEXT_SIZE * self.scale, self._room))

    def light_edge(self, lit: bool) -> None:
        """Show that the strip can be pulled higher."""
        p = self.palette
        dpg.delete_item(self._edge, children_only=True)
        color, thick = (p.accent, 3.0) if lit else (p.line, 1.0)
        dpg.draw_line((0, 0.5), (self._width, 0.5), color=color, thickness=thick, parent=self._edge)

    def _chose(self, name: str, value: object) -> None:
        self._choose(replace(self._views, **{name: value}))  # type: ignore[arg-type]

    def _took(self, name: str, value: object) -> None:
        self._take(replace(self._tool or Tool(), **{name: value}))  # type: ignore[arg-type]

    def _combo(self, name: str, width: int, values: Sequence[object], chosen: Callable[[str, object], None]) -> int:
        words = {_word(name, value): value for value in values}
        combo = int(
            dpg.add_combo(
                list(words),
                width=int(width * self.scale),
                no_arrow_button=True,
                callback=lambda _, word: chosen(name, words[word]),
            )
        )
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
        case "gain_db":
            return f"{value:+d} dB"
        case "size":
            return f"{value} px"
        case "shows" if value == "both":
            return "wave + spec"
        case "shows" if value == "levels":
            return "stem levels"
    return str(value)
