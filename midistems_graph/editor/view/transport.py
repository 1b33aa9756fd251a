"""The bar of playback: play, where in the song, loop, what is heard and how loud; ten kept edges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log10

import dearpygui.dearpygui as dpg

from midistems_graph.editor.view.marks import clock
from midistems_graph.editor.view.palette import Palette
from midistems_graph.editor.view.themes import chosen_button_theme, quiet_button_theme

METER_WIDTH, METER_DB = 150.0, 60.0
NOTHING = "click an edge to hear it"


@dataclass(frozen=True)
class Heard:
    """Playback at one moment; seconds, and peaks of both sides as linear values."""

    playing: bool = False
    at: float = 0.0
    total: float = 0.0
    looping: bool = False
    name: str = ""
    note: str = ""
    peaks: tuple[float, float] = (0.0, 0.0)
    kept: tuple[int, ...] = ()
    slot: int | None = None


class TransportBar:
    """The bar in a parent; `do` gets the names of commands."""

    def __init__(self, parent: int, palette: Palette, do: Callable[[str], None]) -> None:
        self.parent, self.palette, self._do = parent, palette, do
        self._heard = Heard()
        self._build()

    def recolor(self, palette: Palette) -> None:
        self.palette = palette
        dpg.delete_item(self.parent, children_only=True)
        heard, self._heard = self._heard, Heard()
        self._build()
        self.show(heard)

    def _build(self) -> None:
        p = self.palette
        self._quiet, self._chosen = quiet_button_theme(p), chosen_button_theme(p)
        with dpg.group(parent=self.parent, horizontal=True):
            self.play = int(dpg.add_button(label="Play", width=64, callback=lambda: self._do("play")))
            stop = dpg.add_button(label="Stop", callback=lambda: self._do("stop"))
            self._loop = int(dpg.add_button(label="Loop", callback=lambda: self._do("loop")))
            for button in (stop, self._loop):
                dpg.bind_item_theme(button, self._quiet)
            self._clock = dpg.add_text("0:00.0 / 0:00.0")
            dpg.add_spacer(width=8)
            self._slots: list[int] = []
            for number in (*range(1, 10), 0):
                button = int(dpg.add_button(label=str(number), width=22, callback=self._hearer(number), show=False))
                dpg.bind_item_theme(button, self._quiet)
                self._slots.append(button)
            self._meter = dpg.add_drawlist(int(METER_WIDTH), 22)
            self._name = dpg.add_text(NOTHING, color=p.soft)
            self._note = dpg.add_text("", color=p.faint)
        self._draw_meter((0.0, 0.0))

    def _hearer(self, number: int) -> Callable[[], None]:
        return lambda: self._do(f"hear_{number}")

    def show(self, heard: Heard) -> None:
        """Show what changed since the last time."""
        old, self._heard = self._heard, heard
        if heard.playing != old.playing:
            dpg.configure_item(self.play, label="Pause" if heard.playing else "Play")
            dpg.bind_item_theme(self.play, self._chosen if heard.playing else 0)
        if heard.looping != old.looping:
            dpg.bind_item_theme(self._loop, self._chosen if heard.looping else self._quiet)
        if (heard.at, heard.total) != (old.at, old.total):
            dpg.set_value(self._clock, f"{clock(heard.at)} / {clock(heard.total)}")
        if heard.name != old.name:
            dpg.set_value(self._name, heard.name or NOTHING)
        if heard.note != old.note:
            dpg.set_value(self._note, heard.note)
        if (heard.kept, heard.slot) != (old.kept, old.slot):
            for number, button in zip((*range(1, 10), 0), self._slots, strict=True):
                dpg.configure_item(button, show=number in heard.kept)
                dpg.bind_item_theme(button, self._chosen if number == heard.slot else self._quiet)
        if heard.peaks != old.peaks:
            self._draw_meter(heard.peaks)

    def _draw_meter(self, peaks: tuple[float, float]) -> None:
        p = self.palette
        dpg.delete_item(self._meter, children_only=True)
        for row, peak in enumerate(peaks):
            top = 5 + row * 7
            share = min(max(1 + 20 * log10(max(peak, 1e-9)) / METER_DB, 0.0), 1.0)
            color = p.bad if peak >= 1 else p.warn if peak > 0.7 else p.good
            for end, fill in ((METER_WIDTH, p.raised), (METER_WIDTH * share, color)):
                dpg.draw_rectangle((0, top), (end, top + 5), fill=fill, color=fill, parent=self._meter)
