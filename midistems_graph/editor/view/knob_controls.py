"""The control of one knob in the inspector: a slider with a field to type in, a box to tick, a list, a line of text.

One line each: the name, which opens what else can be done with the knob (reset, link, publish), and the control. A
slider that is dragged with Shift goes ten times finer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log

import dearpygui.dearpygui as dpg

from midistems_graph.document.boxes import fit, text_width
from midistems_graph.editor.model.inspector import KnobRow
from midistems_graph.editor.model.knob_words import shown_value, with_unit
from midistems_graph.editor.view.palette import Palette
from midistems_graph.editor.view.themes import TEXT_SIZE
from midistems_graph.node.definition import Knob

NAME, SLIDER, FIELD = 120, 68, 56
"""Widths in pixels at scale 1; the field takes what is left, its text at least so much."""

FINE = 0.1


@dataclass(frozen=True)
class Hands:
    """What the panel asks for.

    A knob set while dragged or at once, typed, its file chosen, its menu opened; the end of a drag; a new title; to be
    shown a node.
    """

    set: Callable[[str, object], None]
    type: Callable[[str, str], None]
    browse: Callable[[str], None]
    menu: Callable[[str], None]
    seal: Callable[[], None]
    rename: Callable[[str], None]
    go: Callable[[str], None]


@dataclass(frozen=True)
class Look:
    """What controls are made with: `named` and `changed` are the themes of names of knobs at their default or not."""

    palette: Palette
    scale: float
    named: int
    changed: int


class KnobControl:
    """Made for a row; `show` another one of the same knob as it changes."""

    def __init__(self, row: KnobRow, look: Look, hands: Hands) -> None:
        self.row, self.look, self.hands = row, look, hands
        self.main = self.field = 0
        self._fine: tuple[float, float] | None = None
        p = look.palette
        with dpg.group(horizontal=True):
            width = int(NAME * look.scale)
            label = fit(row.name.replace("_", " "), TEXT_SIZE * look.scale * 0.9, width)
            self.name = int(dpg.add_button(label=label, width=width, callback=lambda: hands.menu(row.name)))
            if row.driven_by is not None:
                dpg.add_text(f"driven by {row.driven_by.source}", color=p.accent, wrap=int(270 * look.scale))
            else:
                self._make()
        with dpg.tooltip(self.name):
            dpg.add_text(_told(row), wrap=int(320 * look.scale))
        for sentence, color in (
            ("shared with " + ", ".join(map(str, row.linked)) if row.linked else "", p.faint),
            (f"published as {row.published}" if row.published else "", p.faint),
            (row.said, p.bad),
        ):
            if sentence:
                dpg.add_text(sentence, color=color, wrap=int(262 * look.scale))

    def show(self, row: KnobRow) -> None:
        """Another value."""
        self.row = row
        dpg.bind_item_theme(self.name, self.look.named if row.is_default else self.look.changed)
        if not self.main:
            return
        knob, value = row.knob, row.value
        text = "several" if row.mixed else shown_value(value)
        match knob.kind:
            case "bool":
                dpg.set_value(self.main, bool(value))
            case "int" | "float" if self.field and isinstance(value, int | float):
                if not dpg.is_item_active(self.main):
                    dpg.set_value(self.main, place_of(knob, float(value)))
                full = with_unit(knob, value)
                fits = text_width(full, TEXT_SIZE) <= FIELD
                dpg.set_value(self.field, text if row.mixed or not fits else full)
            case _:
                dpg.set_value(self.main, text)

    def _make(self) -> None:
        row, scale = self.row, self.look.scale
        match row.control:
            case "checkbox":
                self.main = dpg.add_checkbox(callback=lambda _, value: self._set(value))
            case "combo" | "input":
                self.main = dpg.add_combo(list(row.choices), width=-1, callback=self._typed)
            case "slider" | "drag":
                self.main = dpg.add_slider_float(
                    width=int(SLIDER * scale),
                    max_value=1.0,
                    format="",
                    no_input=True,
                    callback=lambda _, at: self._slid(at),
                )
                self.field = dpg.add_input_text(width=-1, on_enter=True, callback=self._typed, auto_select_all=True)
                with dpg.item_handler_registry() as registry:
                    dpg.add_item_deactivated_handler(callback=self._let_go)
                dpg.bind_item_handler_registry(self.main, registry)
            case "file" | "folder":
                self.main = dpg.add_input_text(width=int(-34 * scale), on_enter=True, callback=self._typed)
                choose = dpg.add_button(label="...", callback=lambda: self.hands.browse(row.name))
                with dpg.tooltip(choose):
                    dpg.add_text(f"choose a {row.control}")
            case _:
                self.main = dpg.add_input_text(width=-1, on_enter=True, callback=self._typed)

    def _set(self, value: object) -> None:
        self.hands.set(self.row.name, value)

    def _slid(self, at: float) -> None:
        """A slider is dragged to a place; with Shift it moves a tenth of the way from where Shift was pressed."""
        if dpg.is_key_down(dpg.mvKey_LShift) or dpg.is_key_down(dpg.mvKey_RShift):
            if self._fine is None:
                value = self.row.value
                assert isinstance(value, int | float)
                self._fine = at, place_of(self.row.knob, float(value))
            begun, place = self._fine
            at = place + (at - begun) * FINE
        else:
            self._fine = None
        self._set(value_at(self.row.knob, at))

    def _let_go(self) -> None:
        self._fine = None
        self.hands.seal()

    def _typed(self, _: int, text: str) -> None:
        unit = self.row.knob.range.unit if self.row.knob.range else ""
        text = text.strip()
        if unit and text.endswith(unit):
            text = text[: -len(unit)].strip()
        self.hands.type(self.row.name, text)


def _told(row: KnobRow) -> str:
    """What is said while the pointer is on the name."""
    shown = f"{row.name}: default {with_unit(row.knob, row.knob.default)}; allowed: {row.knob.allowed}"
    fine = "Drag with Shift for fine steps. " if row.control in ("slider", "drag") else ""
    turns = f"It turns {', '.join(map(str, row.turns))}. " if row.turns else ""
    return f"{row.docs}\n{shown}\n{turns}{fine}Click the name to reset, link or publish it.".strip()


def place_of(knob: Knob, value: float) -> float:
    """Where a value stands on its slider, 0 to 1; logarithmic where the knob says so."""
    assert knob.range is not None
    low, high = knob.range.low, knob.range.high
    value = min(max(value, low), high)
    if knob.range.scale == "log" and low > 0:
        return log(value / low) / log(high / low)
    return (value - low) / (high - low) if high > low else 0.0


def value_at(knob: Knob, at: float) -> float | int:
    """The value at a place of the slider, rounded to three digits that matter (whole for an int)."""
    assert knob.range is not None
    low, high = knob.range.low, knob.range.high
    at = min(max(at, 0.0), 1.0)
    value = low * exp(at * log(high / low)) if knob.range.scale == "log" and low > 0 else low + at * (high - low)
    if knob.kind == "int":
        return round(value)
    step = (high - low) / 1000
    rounded = float(f"{value:.3g}") if knob.range.scale == "log" else round(value / step) * step if step else value
    return min(max(float(f"{rounded:.6g}"), low), high)
