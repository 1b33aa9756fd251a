"""The panel beside the canvas: how what is selected stands, what is wrong with it, its knobs, and what it does.

It is built anew when other things are selected; while the same are, only values change, so that a control that is
being dragged stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from midistems_graph.document.boxes import text_width
from midistems_graph.editor.model.inspector import KnobRow
from midistems_graph.editor.view.knob_controls import Hands, KnobControl, Look
from midistems_graph.editor.view.palette import Palette, wire_color
from midistems_graph.editor.view.scripts import seen
from midistems_graph.editor.view.themes import TEXT_SIZE, name_theme

WIDTH = 262
"""What texts are wrapped to, in pixels at scale 1, where the panel has its full width."""

BESIDE = 38
"""Pixels beside them: padding and the scrollbar."""

Fact = tuple[str, str]
"""A name and what is said of it."""


@dataclass(frozen=True)
class Trouble:
    """A sentence about what is wrong: an error or a warning, and the node that a click leads to (empty: none)."""

    sentence: str
    is_error: bool
    node: str = ""


@dataclass(frozen=True)
class PortLine:
    """A port: `in` or `out`, its name, what flows there, and the colour of which kind it has."""

    side: str
    name: str
    words: str
    kind: str


@dataclass(frozen=True)
class Page:
    """All that the panel shows. `key` tells pages apart that need other controls."""

    key: object
    title: str
    subtitle: str = ""
    about: str = ""
    told: tuple[Fact, ...] = ()
    """How it stands: first under the title."""
    rows: tuple[KnobRow, ...] = ()
    problems: tuple[Trouble, ...] = ()
    ports: tuple[PortLine, ...] = ()
    facts: tuple[Fact, ...] = ()
    help: str = ""
    editable: bool = False
    """Whether the title can be typed in."""


class Inspector:
    """The panel in a parent; `show` a page after every change."""

    def __init__(self, parent: int, palette: Palette, scale: float, hands: Hands) -> None:
        self.hands, self.parent = hands, parent
        self.body = int(dpg.add_child_window(parent=parent, width=-1, height=-1))
        self._page: Page | None = None
        self._controls: dict[str, KnobControl] = {}
        self._handlers: list[int] = []
        self._troubles: list[int] = []
        self._width = 1e9
        self._look = _look(palette, scale)

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
        old, self._look = self._look, _look(palette, scale)
        page, self._page = self._page, None
        if page is not None:
            self.show(page)
        for theme in (old.named, old.changed):
            dpg.delete_item(theme)

    @property
    def control_ids(self) -> Mapping[str, int]:
        """The main control of each knob, for tests and for keys."""
        return {name: control.main for name, control in self._controls.items()}

    def field(self, name: str) -> int:
        """The field of a knob to type in."""
        control = self._controls[name]
        return control.field or control.main

    @property
    def trouble_ids(self) -> list[int]:
        """The texts of what is wrong, for tests."""
        return list(self._troubles)

    def name_of(self, name: str) -> int:
        """The name of a knob, which opens its menu."""
        return self._controls[name].name

    @property
    def page(self) -> Page | None:
        """What is shown."""
        return self._page

    @property
    def _wrap(self) -> int:
        return int(min(WIDTH * self._look.scale, self._width - BESIDE * self._look.scale))

    def place(self, width: float) -> None:
        """How wide the panel is, in pixels."""
        if width != self._width:
            self._width = width
            page, self._page = self._page, None
            if page is not None:
                self.show(page)

    def _build(self, page: Page) -> None:
        p = self._look.palette
        dpg.delete_item(self.body, children_only=True)
        for handler in self._handlers:
            dpg.delete_item(handler)
        self._controls, self._handlers, self._troubles = {}, [], []
        dpg.push_container_stack(self.body)
        self._build_head(page)
        for trouble in page.problems:
            self._build_trouble(trouble)
        if page.about:
            dpg.add_spacer(height=1)
            dpg.add_text(seen(page.about), color=p.soft, wrap=self._wrap)
        if page.rows:
            _line()
        for row in page.rows:
            self._controls[row.name] = KnobControl(row, self._look, self.hands)
        if page.ports or page.facts:
            _line()
        for port in page.ports:
            with dpg.group(horizontal=True):
                head = f"{port.side}  {port.name}"
                dpg.add_text(head, color=wire_color(port.kind, p))
                beside = text_width(head, TEXT_SIZE) * self._look.scale
                dpg.add_text(seen(port.words), color=p.faint, wrap=max(int(self._wrap - beside), 80))
        self._build_facts(page.facts)
        if page.help:
            dpg.add_spacer(height=4)
            with dpg.collapsing_header(label="What it does"):
                dpg.add_text(page.help, color=p.soft, wrap=self._wrap)
        dpg.pop_container_stack()

    def _build_head(self, page: Page) -> None:
        p = self._look.palette
        if page.editable:
            field = dpg.add_input_text(
                default_value=page.title, width=-1, on_enter=True, callback=lambda _, text: self.hands.rename(text)
            )
            with dpg.tooltip(field):
                dpg.add_text("the name on the canvas; Enter takes it")
        else:
            dpg.add_text(seen(page.title), wrap=self._wrap)
        if page.subtitle:
            dpg.add_text(page.subtitle, color=p.faint, wrap=self._wrap)
        self._build_facts(page.told)

    def _build_facts(self, facts: tuple[Fact, ...]) -> None:
        if facts:
            lines = "\n".join(seen(f"{name}  {words}") for name, words in facts)
            dpg.add_text(lines, color=self._look.palette.soft, wrap=self._wrap)

    def _build_trouble(self, trouble: Trouble) -> None:
        """A sentence that is wrong; a click on it leads to its node."""
        p = self._look.palette
        dpg.add_spacer(height=1)
        text = dpg.add_text(seen(trouble.sentence), color=p.bad if trouble.is_error else p.warn, wrap=self._wrap)
        self._troubles.append(int(text))
        if trouble.node:
            with dpg.item_handler_registry() as handler:
                dpg.add_item_clicked_handler(callback=lambda: self.hands.go(trouble.node))
            dpg.bind_item_handler_registry(text, handler)
            self._handlers.append(int(handler))
            with dpg.tooltip(text):
                dpg.add_text(f"click to see {trouble.node}")


def _line() -> None:
    dpg.add_spacer(height=3)
    dpg.add_separator()
    dpg.add_spacer(height=1)


def _look(palette: Palette, scale: float) -> Look:
    return Look(palette, scale, name_theme(palette, palette.soft), name_theme(palette, palette.accent))


def _frame_of(page: Page) -> object:
    """What needs other controls when it changes."""
    rows = tuple((row.knob, row.driven_by, row.docs, row.said, row.linked, row.published) for row in page.rows)
    head = page.key, page.title, page.subtitle, page.about, page.told, page.problems
    return *head, page.ports, page.facts, page.help, page.editable, rows
