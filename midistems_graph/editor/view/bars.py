"""The bars above and below the canvas: what is open and what can be done; what happens and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from midistems_graph.document.boxes import fit, text_width
from midistems_graph.editor.model.commands import COMMANDS
from midistems_graph.editor.view.marks import spoken
from midistems_graph.editor.view.palette import Palette
from midistems_graph.editor.view.scripts import seen
from midistems_graph.editor.view.themes import TEXT_SIZE, quiet_button_theme

Command = Callable[[str], None]

RUN_WIDTH = 290
"""Pixels of the run in the status bar, with its button."""


FILE_ROOM = 11
"""Widths of letters that are kept for the name of the file."""


class TopBar:
    """The file, the way into groups, and buttons for what is done most; each names its key on hover."""

    BUTTONS = (
        ("new", "New"),
        ("open", "Open"),
        ("save", "Save"),
        ("export", "Export"),
        ("", ""),
        ("undo", "Undo"),
        ("redo", "Redo"),
        ("", ""),
        ("palette", "Add node"),
        ("layout", "Lay out"),
        ("look_at_all", "Fit"),
        ("", ""),
        ("separate", "Separate"),
        ("songs", "Songs"),
        ("", ""),
        ("settings", "Settings"),
        ("shortcuts", "All commands"),
    )
    DROPPED = ("look_at_all", "layout", "export", "songs", "redo", "undo", "palette")
    """What is left out, one after the other, where there is no room: all of it is under the last button, too."""

    def __init__(self, parent: int, palette: Palette, command: Command, hint: Callable[[str], str]) -> None:
        self.parent, self.palette, self._command, self._hint = parent, palette, command, hint
        self._enter: Callable[[int], None] = lambda _: None
        self._width = 0.0
        self._build()

    def _build(self) -> None:
        self._crumbs: tuple[str, ...] = ()
        self._theme = quiet_button_theme(self.palette)
        self.buttons: dict[str, int] = {}
        self._bars: list[int] = []
        with dpg.group(parent=self.parent, horizontal=True):
            for name, label in self.BUTTONS:
                if not name:
                    self._bars.append(int(dpg.add_text("|", color=self.palette.line)))
                    continue
                button = self.buttons[name] = int(dpg.add_button(label=label, callback=self._asker(name)))
                dpg.bind_item_theme(button, self._theme)
                with dpg.tooltip(button):
                    dpg.add_text(f"{COMMANDS[name].title}  {self._hint(name)}")
            dpg.add_spacer(width=14)
            self._path = dpg.add_group(horizontal=True)
        self.place(self._width)

    def recolor(self, palette: Palette) -> None:
        self.palette = palette
        dpg.delete_item(self.parent, children_only=True)
        dpg.delete_item(self._theme)
        self._build()

    def place(self, width: float) -> None:
        """Leave out buttons until the file has its place beside them."""
        self._width = width
        size = TEXT_SIZE * dpg.get_global_font_scale()
        wide = {name: text_width(label, size) + 1.4 * size for name, label in self.BUTTONS if name}
        needed = sum(wide.values()) + (FILE_ROOM + 1.3 * len(self._bars)) * size
        dropped = set()
        for name in self.DROPPED:
            if needed > width:
                dropped.add(name)
                needed -= wide[name]
        bars, shown = iter(self._bars), False
        for name, _ in self.BUTTONS:
            if name:
                dpg.configure_item(self.buttons[name], show=name not in dropped)
                shown = shown or name not in dropped
            else:
                dpg.configure_item(next(bars), show=shown)
                shown = False

    def _asker(self, command_id: str) -> Callable[[], None]:
        return lambda: self._command(command_id)

    def show(self, file: str, dirty: bool, crumbs: Sequence[str], enter: Callable[[int], None]) -> None:
        """The name of the file, whether it needs saving, and the way from the graph into groups."""
        shown = (f"{file}{' *' if dirty else ''}", *crumbs)
        self._enter = enter
        if shown == self._crumbs:
            return
        self._crumbs = shown
        dpg.delete_item(self._path, children_only=True)
        with dpg.group(parent=self._path, horizontal=True):
            dpg.add_text(seen(shown[0]), color=self.palette.soft)
            for depth, label in enumerate(crumbs):
                dpg.add_text("/", color=self.palette.faint)
                if depth == len(crumbs) - 1:
                    dpg.add_text(seen(label))
                else:
                    button = dpg.add_button(label=seen(label), small=True, callback=self._goer(depth))
                    dpg.bind_item_theme(button, self._theme)

    def _goer(self, depth: int) -> Callable[[], None]:
        return lambda: self._enter(depth)


@dataclass(frozen=True)
class Work:
    """How far a run is: 0 to 1, seconds left if known, what is computed; None in the status bar: nothing runs."""

    done: float
    left: float | None = None
    what: str = ""


class StatusBar:
    """One line: the last sentence, the run with a button to cancel it, the sound device."""

    def __init__(self, parent: int, palette: Palette, cancel: Callable[[], None]) -> None:
        self.parent, self.palette, self._ask_cancel = parent, palette, cancel
        self._width, self._said, self._work, self._device = 0.0, "", Work(-1), ""
        self.asked_for_sound: Callable[[], None] = lambda: None
        self._build()

    def _build(self) -> None:
        with dpg.group(parent=self.parent, horizontal=True):
            self._sentence = dpg.add_text(self._said, color=self.palette.soft)
            with dpg.tooltip(self._sentence) as self._whole:
                self._full = dpg.add_text("", wrap=int(640 * dpg.get_global_font_scale()))
        with dpg.group(parent=self.parent, horizontal=True, show=False) as self._run:
            self._bar = dpg.add_progress_bar(width=200, height=17)
            dpg.add_button(label="cancel", small=True, callback=lambda: self._ask_cancel())
        self._sound = dpg.add_text(self._device, parent=self.parent, color=self.palette.faint)
        with dpg.item_handler_registry() as clicked:
            dpg.add_item_clicked_handler(0, callback=lambda: self.asked_for_sound())
        dpg.bind_item_handler_registry(self._sound, clicked)
        self._set_places()

    def recolor(self, palette: Palette) -> None:
        self.palette = palette
        dpg.delete_item(self.parent, children_only=True)
        work, self._work = self._work, Work(-1)
        self._build()
        self.show_run(work if work.done >= 0 else None)

    def place(self, width: float) -> None:
        self._width = width
        self._set_places()

    def say(self, sentence: str, *, wrong: bool = False) -> None:
        """A sentence for the person; it stays until the next."""
        if sentence != self._said:
            self._said = sentence
            self._set_places()
        dpg.configure_item(self._sentence, color=self.palette.bad if wrong else self.palette.soft)

    @property
    def said(self) -> str:
        return self._said

    def show_run(self, work: Work | None) -> None:
        if work == self._work:
            return
        self._work = work or Work(-1)
        dpg.configure_item(self._run, show=work is not None)
        self._set_places()
        if work is not None:
            dpg.set_value(self._bar, work.done)
            left = f"{spoken(work.left)} left" if work.left is not None else f"{work.done:.0%}"
            dpg.configure_item(self._bar, overlay=f"{left} {work.what}".strip())

    def show_sound(self, words: str, *, wrong: bool = False) -> None:
        if words != self._device:
            self._device = words
            dpg.set_value(self._sound, words)
            dpg.configure_item(self._sound, color=self.palette.warn if wrong else self.palette.faint)
            self._set_places()

    def _set_places(self) -> None:
        """The sound on the right, the run beside it, the sentence in what is left."""
        if not self._width:
            return
        scale = dpg.get_global_font_scale()
        size = TEXT_SIZE * scale
        sound = self._width - 12 - text_width(self._device, size)
        run = sound - RUN_WIDTH
        dpg.configure_item(self._sound, pos=[int(sound), int(3 * scale)])
        dpg.configure_item(self._run, pos=[int(run), int(2 * scale)])
        room = (run if self._work.done >= 0 else sound) - 30
        said = " ".join(self._said.split())
        shown = fit(said, size, room)
        dpg.set_value(self._sentence, seen(shown))
        dpg.set_value(self._full, seen(said))
        dpg.configure_item(self._whole, show=shown != said)
