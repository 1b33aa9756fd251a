"""The panel beside the canvas: the knobs of what is selected, what is wrong with it, and what it does.

It is built anew when other things are selected; while the same are, only values change, so that a control that is
being dragged stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, log

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.inspector import KnobRow
from midistems_graph.editor.model.knob_words import shown_value
from midistems_graph.editor.view.palette import Palette
from midistems_graph.editor.view.themes import quiet_button_theme
from midistems_graph.node.definition import Knob


@dataclass(frozen=True)
class Page:
    """All that the panel shows. `key` tells pages apart that need other controls."""

    key: object
    title: str
    subtitle: str = ""
    about: str = ""
    rows: tuple[KnobRow, ...] = ()
    problems: tuple[tuple[str, bool], ...] = ()
    """Sentences, and whether each is an error (else a warning)."""
    facts: tuple[tuple[str, str], ...] = ()
    help: str = ""
    editable: bool = False
    """Whether the title can be typed in."""


@dataclass(frozen=True)
class Hands:
    """What the panel asks for: a knob set while dragged or at once, typed, reset; the end of a drag; a new title."""

    set: Callable[[str, object], None]
    type: Callable[[str, str], None]
    reset: Callable[[str], None]
    seal: Callable[[], None]
    rename: Callable[[str], None]
    browse: Callable[[str], None]


class Inspector:
    """The panel in a parent; `show` a page after every change."""

    def __init__(self, parent: int, palette: Palette, scale: float, hands: Hands) -> None:
        self.palette, self.scale, self.hands = palette, scale, hands
        self.parent = parent
        self.body = int(dpg.add_child_window(parent=parent, width=-1, height=-1))
        self._page: Page | None = None
        self._controls: dict[str, _Control] = {}
        self._quiet = quiet_button_theme(palette)

    def show(self, page: Page) -> None:
        old, self._page = self._page, page
        if old == page:
            return
        if old is None or _frame_of(old) != _frame_of(page):
            self._build(page)
        for row in page.rows:
            self._controls[row.name].show(row)

    def recolor(self, palette: Palette, scale: float) -> None:
        """Build it anew with other colours."""
        self.palette, self.scale = palette, scale
        old, self._quiet = self._quiet, quiet_button_theme(palette)
        page, self._page = self._page, None
        if page is not None:
            self.show(page)
        dpg.delete_item(old)

    @property
    def control_ids(self) -> Mapping[str, int]:
        """The main control of each knob, for tests and for keys."""
        return {name: control.main for name, control in self._controls.items()}

    def field(self, name: str) -> int:
        """The field of a knob to type in."""
        control = self._controls[name]
        return control.field or control.main

    @property
    def page(self) -> Page | None:
        """What is shown."""
        return self._page

    def _build(self, page: Page) -> None:
        p = self.palette
        dpg.delete_item(self.body, children_only=True)
        self._controls = {}
        dpg.push_container_stack(self.body)
        wrap = int(270 * self.scale)
        if page.editable:
            field = dpg.add_input_text(
                default_value=page.title, width=-1, on_enter=True, callback=lambda _, text: self.hands.rename(text)
            )
            with dpg.tooltip(field):
                dpg.add_text("the name on the canvas; Enter takes it")
        else:
            dpg.add_text(page.title, wrap=wrap)
        if page.subtitle:
            dpg.add_text(page.subtitle, color=p.faint, wrap=wrap)
        for sentence, is_error in page.problems:
            dpg.add_spacer(height=2)
            dpg.add_text(sentence, color=p.bad if is_error else p.warn, wrap=wrap)
        if page.about:
            dpg.add_spacer(height=2)
            dpg.add_text(page.about, color=p.soft, wrap=wrap)
        if page.rows:
            dpg.add_spacer(height=4)
            dpg.add_separator()
            dpg.add_spacer(height=2)
        for row in page.rows:
            self._controls[row.name] = _Control(row, self, self._quiet)
        if page.facts:
            dpg.add_spacer(height=4)
            dpg.add_separator()
            dpg.add_spacer(height=2)
            for name, words in page.facts:
                dpg.add_text(f"{name}  {words}", color=p.soft, wrap=wrap)
        if page.help:
            dpg.add_spacer(height=4)
            with dpg.collapsing_header(label="What it does"):
                dpg.add_text(page.help, color=p.soft, wrap=wrap)
        dpg.pop_container_stack()


def _frame_of(page: Page) -> object:
    rows = tuple((row.knob, row.driven_by, row.docs, row.said, row.linked) for row in page.rows)
    return page.key, page.title, page.subtitle, page.about, page.problems, page.facts, page.help, page.editable, rows


class _Control:
    """The control of one knob: a slider with a field to type in, a box to tick, a list, or a line of text."""

    def __init__(self, row: KnobRow, panel: Inspector, quiet: int) -> None:
        self.row, self.panel = row, panel
        knob, p, hands = row.knob, panel.palette, panel.hands
        name = row.name
        self.main = self.field = 0
        with dpg.group(horizontal=True):
            label = dpg.add_text(name.replace("_", " "), color=p.soft)
            self.reset = int(dpg.add_button(label="reset", small=True, callback=lambda: hands.reset(name)))
            dpg.bind_item_theme(self.reset, quiet)
        with dpg.tooltip(label):
            shown = f"default {shown_value(knob.default)}; allowed: {knob.allowed}"
            dpg.add_text(f"{row.docs}\n{shown}" if row.docs else shown, wrap=int(320 * panel.scale))
        if row.driven_by is not None:
            dpg.add_text(f"driven by {row.driven_by.source}", color=p.accent)
            return
        if row.linked:
            dpg.add_text("shared with " + ", ".join(map(str, row.linked)), color=p.faint, wrap=int(270 * panel.scale))
        if row.said:
            dpg.add_text(row.said, color=p.bad, wrap=int(270 * panel.scale))
        width = int(158 * panel.scale)
        match row.control:
            case "checkbox":
                self.main = dpg.add_checkbox(callback=lambda _, value: self._set(value))
            case "combo" | "input":
                self.main = dpg.add_combo(list(row.choices), width=-1, callback=self._typed)
            case "slider" | "drag":
                with dpg.group(horizontal=True):
                    self.main = dpg.add_slider_float(
                        width=width, max_value=1.0, format="", no_input=True, callback=lambda _, at: self._slid(at)
                    )
                    self.field = dpg.add_input_text(width=-1, on_enter=True, callback=self._typed)
                with dpg.item_handler_registry() as registry:
                    dpg.add_item_deactivated_handler(callback=lambda: hands.seal())
                dpg.bind_item_handler_registry(self.main, registry)
            case "file" | "folder":
                with dpg.group(horizontal=True):
                    self.main = dpg.add_input_text(width=-70, on_enter=True, callback=self._typed)
                    dpg.add_button(label="choose", callback=lambda: hands.browse(name))
            case _:
                self.main = dpg.add_input_text(width=-1, on_enter=True, callback=self._typed)
        dpg.add_spacer(height=2)

    def show(self, row: KnobRow) -> None:
        """Another value."""
        self.row = row
        dpg.configure_item(self.reset, show=not row.is_default and row.enabled)
        if not self.main:
            return
        knob, value = row.knob, row.value
        text = "several values" if row.mixed else shown_value(value)
        match knob.kind:
            case "bool":
                dpg.set_value(self.main, bool(value))
            case "int" | "float" if self.field and isinstance(value, int | float):
                if not dpg.is_item_active(self.main):
                    dpg.set_value(self.main, place_of(knob, float(value)))
                unit = f" {knob.range.unit}" if knob.range and knob.range.unit else ""
                dpg.set_value(self.field, text if row.mixed else text + unit)
            case _:
                dpg.set_value(self.main, text)

    def _set(self, value: object) -> None:
        self.panel.hands.set(self.row.name, value)

    def _slid(self, at: float) -> None:
        self._set(value_at(self.row.knob, at))

    def _typed(self, _: int, text: str) -> None:
        unit = self.row.knob.range.unit if self.row.knob.range else ""
        text = text.strip()
        if unit and text.endswith(unit):
            text = text[: -len(unit)].strip()
        self.panel.hands.type(self.row.name, text)


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
