"""A search that is begun in the place of the inspector: values that knobs are to have, and the figure that counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from midistems_graph.document.boxes import fit
from midistems_graph.editor.view.palette import Palette
from midistems_graph.editor.view.scripts import seen
from midistems_graph.editor.view.themes import TEXT_SIZE, chosen_button_theme, name_theme

NAME, BESIDE = 108, 42
"""Pixels at scale 1: of the names of knobs, and of padding and scrollbar beside texts."""

SCORES = "si_sdr (the true stems have to be known), node.figure of a node that measures; with :min where low is good"
VALUES = "A sweep tries all combinations of the values below: 60:240:4 is four from 60 to 240, 1,2,4 are these three."


@dataclass(frozen=True)
class Row:
    """A knob that can be varied: its name for the search, what people call it, what it is now and what it may be."""

    knob: str
    label: str
    now: str
    allowed: str


@dataclass(frozen=True)
class FormHands:
    """What the form asks for: a sweep (values by knob, score), a map (score), the end of either, to be closed."""

    sweep: Callable[[Mapping[str, str], str], None]
    ablate: Callable[[str], None]
    cancel: Callable[[], None]
    close: Callable[[], None]


class SearchForm:
    """The form in a parent; `open` it for some knobs and a song."""

    def __init__(self, parent: int, hands: FormHands) -> None:
        self.parent, self._hands = parent, hands
        self.is_open = False
        self.fields: dict[str, int] = {}
        self.buttons: dict[str, int] = {}
        self._themes: tuple[int, ...] = ()

    def open(self, rows: Sequence[Row], song: str, score: str, palette: Palette, scale: float, width: float) -> None:
        """Show it, so many pixels wide, with a score to begin with."""
        self.close()
        self.is_open = True
        wrap = int(width - BESIDE * scale)
        self._themes = name_theme(palette, palette.text), chosen_button_theme(palette)
        with dpg.child_window(parent=self.parent, width=-1, height=-1):
            with dpg.group(horizontal=True):
                dpg.add_text("Try settings")
                self._button("close", "Close (Esc)", self._hands.close, self._themes[0])
            dpg.add_text(seen(f"on {song}"), color=palette.faint, wrap=wrap)
            self._field("score", "score", score, SCORES, scale)
            with dpg.group(horizontal=True) as self._begin:
                self._button("sweep", "Sweep", self._sweep, self._themes[1])
                self._button("ablate", "What each node adds", lambda: self._hands.ablate(self._text("score")))
            with dpg.group(horizontal=True, show=False) as self._run:
                self._bar = dpg.add_progress_bar(width=int(wrap - 70 * scale))
                self._button("cancel", "cancel", self._hands.cancel)
            dpg.add_spacer(height=int(4 * scale))
            dpg.add_text(VALUES, color=palette.faint, wrap=wrap)
            for row in rows:
                docs = f"{row.knob}: {row.now} now; allowed: {row.allowed}"
                self._field(row.knob, row.label, "", docs, scale, hint=row.now)
            if not rows:
                dpg.add_text("Select the nodes whose knobs are to vary.", color=palette.soft, wrap=wrap)

    def close(self) -> None:
        self.is_open = False
        self.fields.clear()
        self.buttons.clear()
        dpg.delete_item(self.parent, children_only=True)
        for theme in self._themes:
            dpg.delete_item(theme)
        self._themes = ()

    def show_progress(self, done: int, of: int, *, busy: bool) -> None:
        """How many of how many runs are done, while a search is at work."""
        if self.is_open:
            dpg.configure_item(self._begin, show=not busy)
            dpg.configure_item(self._run, show=busy)
            dpg.set_value(self._bar, done / of if of else 0.0)
            dpg.configure_item(self._bar, overlay=f"{done} of {of} runs" if of else "begins")

    def _field(self, name: str, label: str, value: str, docs: str, scale: float, hint: str = "") -> None:
        with dpg.group(horizontal=True):
            shown = fit(label, TEXT_SIZE * scale * 0.9, NAME * scale)
            button = dpg.add_button(label=seen(shown), width=int(NAME * scale))
            dpg.bind_item_theme(button, self._themes[0])
            self.fields[name] = int(dpg.add_input_text(default_value=value, hint=hint, width=-1))
        with dpg.tooltip(button):
            dpg.add_text(docs, wrap=int(320 * scale))

    def _sweep(self) -> None:
        values = {knob: self._text(knob) for knob in self.fields if knob != "score"}
        self._hands.sweep({knob: text for knob, text in values.items() if text}, self._text("score"))

    def _text(self, name: str) -> str:
        return str(dpg.get_value(self.fields[name])).strip()

    def _button(self, name: str, label: str, do: Callable[[], object], theme: int = 0) -> None:
        button = self.buttons[name] = int(dpg.add_button(label=label, callback=lambda: do()))
        if theme:
            dpg.bind_item_theme(button, theme)
