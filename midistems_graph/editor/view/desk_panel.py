"""The panel beside the views: what is heard and how loud, and below it A, B and the stem mixer, or the blind test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from midistems_graph.document.boxes import fit, text_width
from midistems_graph.editor.audition.desk_view import BlindTest, DeskView
from midistems_graph.editor.audition.meters import DARK, Levels
from midistems_graph.editor.model.commands import COMMANDS
from midistems_graph.editor.view.meter_items import MeterItems, decibels
from midistems_graph.editor.view.mixer_rows import MixerHands, MixerRows
from midistems_graph.editor.view.palette import Palette
from midistems_graph.editor.view.scripts import seen
from midistems_graph.editor.view.themes import chosen_button_theme, dense_theme, quiet_button_theme

WIDTH, TEXT = 272, 14
NOTHING = "click an edge to hear it"
NO_DESK = DeskView()


@dataclass(frozen=True)
class PanelView:
    """What the panel shows. `title` is what is heard, `note` how it was made audible, `badge` a warning about it;
    `levels` is None where they would give away what is hidden."""

    desk: DeskView = NO_DESK
    title: str = ""
    note: str = ""
    badge: str = ""
    levels: Levels | None = DARK
    held: float = 0.0
    """The largest true peak since the edge was chosen, linear."""
    kept: tuple[tuple[int, bool], ...] = ()
    """The numbers of edges that are kept, and whether each is heard."""


class DeskPanel:
    """The panel in a parent; `do` gets the names of commands, `hint` gives their keys."""

    def __init__(
        self,
        parent: int,
        palette: Palette,
        scale: float,
        hands: MixerHands,
        do: Callable[[str], None],
        hint: Callable[[str], str],
    ) -> None:
        self.parent, self.palette, self.scale = parent, palette, scale
        self._hands, self._do, self._hint = hands, do, hint
        self._shown = PanelView()
        self._build()

    def recolor(self, palette: Palette) -> None:
        self.palette = palette
        dpg.delete_item(self.parent, children_only=True)
        for theme in (self._quiet, self._chosen, self._dense, *self.mixer.themes):
            dpg.delete_item(theme)
        shown, self._shown = self._shown, PanelView()
        self._build()
        self.show(shown)

    def show(self, view: PanelView) -> None:
        """Show what changed since the last time."""
        old, self._shown = self._shown, view
        if (view.title, view.note, view.badge) != (old.title, old.note, old.badge):
            self._show_title(view)
        self._meter.show(view.levels)
        if (view.held, view.levels is None) != (old.held, old.levels is None):
            self._show_peak(view)
        if view.kept != old.kept:
            self._show_kept(dict(view.kept))
        desk = view.desk
        pages = {"pair": not desk.blind and len(desk.edges) == 2, "mixer": bool(desk.strips), "blind": bool(desk.blind)}
        for name, group in self._pages.items():
            dpg.configure_item(group, show=pages[name])
        self.mixer.show(desk.strips)
        if desk.blind is not None and (desk.blind, desk.heard) != (old.desk.blind, old.desk.heard):
            self._show_test(desk.blind)
        if (desk.edges, desk.heard, desk.gains) != (old.desk.edges, old.desk.heard, old.desk.gains):
            self._show_pair(desk)

    def _build(self) -> None:
        p = self.palette
        self._quiet, self._chosen = quiet_button_theme(p), chosen_button_theme(p)
        with dpg.group(parent=self.parent) as root:
            with dpg.group(horizontal=True):
                self._title = dpg.add_text(NOTHING)
                self._badge = dpg.add_text("", color=p.warn, show=False)
                self._note = dpg.add_text("", color=p.faint, show=False)
            with dpg.group(horizontal=True):
                self._meter = MeterItems((WIDTH - 84) * self.scale, p, self.scale)
                self._peak = dpg.add_text("")
                with dpg.tooltip(self._peak):
                    dpg.add_text("the largest true peak since this edge is heard")
            self._long_note = dpg.add_text("", color=p.faint, wrap=int(WIDTH * self.scale), show=False)
            with dpg.group(horizontal=True, horizontal_spacing=2, show=False) as self._kept:
                dpg.add_text("kept ", color=p.faint)
                self.slots = {k: self._button(f"hear_{k}", str(k)) for k in (*range(1, 10), 0)}
            with dpg.child_window(border=False):
                self._pages = {name: int(dpg.add_group()) for name in ("blind", "mixer", "pair")}
        self._dense = dense_theme()
        dpg.bind_item_theme(root, self._dense)
        self._pair = {letter: dpg.add_text("", parent=self._pages["pair"]) for letter in "AB"}
        self.mixer = MixerRows(self._pages["mixer"], p, self.scale, self._hands)
        self._build_test()
        self._show_pair(self._shown.desk)

    def _show_title(self, view: PanelView) -> None:
        """What is heard, then a warning, then what was done to hear it: beside them, or below if it is long."""
        beside = text_width(view.note, TEXT) + text_width(view.badge, TEXT) <= WIDTH * 0.5
        title = fit(view.title or NOTHING, TEXT, WIDTH * 0.5 if view.badge or (view.note and beside) else WIDTH)
        notes = (view.note, "") if beside else ("", view.note)
        for item, words in zip(
            (self._title, self._badge, self._note, self._long_note), (title, view.badge, *notes), strict=True
        ):
            dpg.set_value(item, seen(words))
            dpg.configure_item(item, show=bool(words))

    def _show_peak(self, view: PanelView) -> None:
        p = self.palette
        words = "" if view.levels is None or view.held <= 0 else f"{decibels(view.held)} dBTP"
        color = p.bad if view.held > 1 else p.warn if view.held > 0.891 else p.soft
        dpg.set_value(self._peak, words)
        dpg.configure_item(self._peak, color=color)

    def _show_kept(self, kept: dict[int, bool]) -> None:
        dpg.configure_item(self._kept, show=bool(kept))
        for number, button in self.slots.items():
            dpg.configure_item(button, show=number in kept)
            dpg.bind_item_theme(button, self._chosen if kept.get(number) else self._quiet)

    # A and B

    def _show_pair(self, desk: DeskView) -> None:
        p = self.palette
        for letter, item in self._pair.items():
            edge = desk.edges.get(letter, "")  # type: ignore[call-overload]
            gain = None if desk.heard == "difference" else (desk.gains or {}).get(letter)  # type: ignore[call-overload]
            words = f"{letter}   {edge}" + (f"   {gain:+.1f} dB" if gain and round(gain, 1) else "")
            dpg.set_value(item, seen(fit(words, TEXT, WIDTH)) if edge else "")
            heard = desk.heard in (letter, "difference")
            dpg.configure_item(item, color=p.accent if heard else p.faint)

    # The blind test

    def _build_test(self) -> None:
        p = self.palette
        self.test_buttons: dict[str, int] = {}
        rows = (
            (("hear_a", "A"), ("hear_b", "B"), ("hear_x", "X"), ("abx", "End the test")),
            (("answer_a", "X is A"), ("answer_b", "X is B")),
        )
        self._dots = dpg.add_drawlist(int(WIDTH * self.scale), int(14 * self.scale), parent=self._pages["blind"])
        for row in rows:
            with dpg.group(horizontal=True, parent=self._pages["blind"]) as self._answers:
                for command, label in row:
                    self.test_buttons[command] = self._button(command, label)
        self._count = dpg.add_text("", color=p.soft, parent=self._answers)
        self._verdict = dpg.add_text("", parent=self._pages["blind"], wrap=int(WIDTH * self.scale))

    def _button(self, command: str, label: str) -> int:
        button = int(dpg.add_button(label=label, callback=lambda: self._do(command)))
        with dpg.tooltip(button):
            dpg.add_text(f"{COMMANDS[command].title}  {self._hint(command)}")
        return button

    def _show_test(self, test: BlindTest) -> None:
        p = self.palette
        for command, heard in (("hear_a", "A"), ("hear_b", "B"), ("hear_x", "X")):
            dpg.bind_item_theme(self.test_buttons[command], self._chosen if test.plays == heard else 0)
        over = len(test.answers) >= test.planned
        dpg.configure_item(self.test_buttons["hear_x"], show=not over)
        dpg.configure_item(self._answers, show=not over)
        dpg.set_value(self._count, f"trial {len(test.answers) + 1} of {test.planned}")
        dpg.set_value(self._verdict, test.verdict)
        dpg.delete_item(self._dots, children_only=True)
        for number in range(test.planned):
            right = test.answers[number] if number < len(test.answers) else None
            color = p.soft if number < len(test.answers) else p.line
            color = color if right is None else p.good if right else p.bad
            filled = color if number < len(test.answers) else (0, 0, 0, 0)
            at = ((5 + number * 16) * self.scale, 7 * self.scale)
            dpg.draw_circle(at, 4 * self.scale, fill=filled, color=color, parent=self._dots)
