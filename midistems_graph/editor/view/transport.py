"""The bar of playback: play, where in the song, what is compared with what and through what one listens.

Every toggle is a command; those that are on have the accent colour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.commands import COMMANDS
from midistems_graph.editor.model.settings import VOLUME_DB
from midistems_graph.editor.view.marks import clock
from midistems_graph.editor.view.palette import Palette
from midistems_graph.editor.view.themes import chosen_button_theme, quiet_button_theme, tight_theme

TOGGLES = (
    ("loop", "Loop"),
    ("half_speed", "1/2"),
    ("", ""),
    ("hear_a", "A"),
    ("hear_b", "B"),
    ("difference", "A-B"),
    ("boost", "+20"),
    ("match", "LUFS"),
    ("abx", "ABX"),
    ("", ""),
    ("mid", "Mid"),
    ("side", "Side"),
    ("band_low", "<250"),
    ("band_middle", "250-4k"),
    ("band_high", ">4k"),
    ("band_own", "300-3k"),
    ("", ""),
    ("volume", ""),
    ("", ""),
    ("export_sound", "Export"),
)
"""Commands and what is written on their buttons; nothing for a line between. `volume` is a slider."""

VOLUME = 74

NEEDED = 1130.0
"""Pixels that the bar takes, at an interface scale of 1."""


@dataclass(frozen=True)
class Heard:
    """Playback at one moment, in seconds; `on` are the commands that are switched on, `figures` by command."""

    playing: bool = False
    at: float = 0.0
    total: float = 0.0
    on: frozenset[str] = frozenset()
    figure: str = ""
    band: str = ""
    """What the band of one's own is called."""
    volume: float = 0.0
    """In dB."""


class TransportBar:
    """The bar in a parent; `do` gets the names of commands, `hint` gives their keys."""

    def __init__(
        self,
        parent: int,
        palette: Palette,
        scale: float,
        do: Callable[[str], None],
        hint: Callable[[str], str],
        volume: Callable[[float], None] = lambda db: None,
    ) -> None:
        self.parent, self.palette, self.scale, self._do, self._hint = parent, palette, scale, do, hint
        self._turn = volume
        self._heard = Heard()
        self._build()

    def recolor(self, palette: Palette) -> None:
        self.palette = palette
        dpg.delete_item(self.parent, children_only=True)
        for theme in (self._quiet, self._chosen, self._tight):
            dpg.delete_item(theme)
        heard, self._heard = self._heard, Heard()
        self._build()
        self.show(heard)

    def _build(self) -> None:
        p = self.palette
        self._quiet, self._chosen = quiet_button_theme(p), chosen_button_theme(p)
        self.buttons: dict[str, int] = {}
        with dpg.group(parent=self.parent, horizontal=True, horizontal_spacing=4) as self._row:
            self.play = self._button("play", "Play", int(58 * self.scale))
            dpg.bind_item_theme(self.play, 0)
            self._button("stop", "Stop")
            self._clock = dpg.add_text("0:00.0 / 0:00.0")
            for command, label in TOGGLES:
                if command == "volume":
                    self._add_volume()
                elif command:
                    self._button(command, label)
                else:
                    dpg.add_text("|", color=p.line)
            self._figure = dpg.add_text("", color=p.soft)
        self._tight = tight_theme(self.scale)
        self._room = 0

    def _fit(self) -> None:
        """Buttons stand closer together where the window is too narrow for all of them."""
        room = int(dpg.get_item_width(self.parent) or 0)
        if room != self._room:
            self._room = room
            dpg.bind_item_theme(self._row, self._tight if room < NEEDED * self.scale else 0)

    def _add_volume(self) -> None:
        low, high = VOLUME_DB
        self.volume = int(
            dpg.add_slider_float(
                width=int(VOLUME * self.scale),
                min_value=low,
                max_value=high,
                format="%.0f dB",
                callback=lambda _, value: self._turn(float(value)),
            )
        )
        with dpg.tooltip(self.volume):
            dpg.add_text(f"How loud it is played  {self._hint('louder')}, {self._hint('quieter')}")

    def _button(self, command: str, label: str, width: int = 0) -> int:
        button = int(dpg.add_button(label=label, width=width, callback=lambda: self._do(command)))
        dpg.bind_item_theme(button, self._quiet)
        with dpg.tooltip(button):
            dpg.add_text(f"{COMMANDS[command].title}  {self._hint(command)}")
        self.buttons[command] = button
        return button

    def show(self, heard: Heard) -> None:
        """Show what changed since the last time."""
        old, self._heard = self._heard, heard
        self._fit()
        if heard.playing != old.playing:
            dpg.configure_item(self.play, label="Pause" if heard.playing else "Play")
            dpg.bind_item_theme(self.play, self._chosen if heard.playing else 0)
        for command in heard.on ^ old.on:
            dpg.bind_item_theme(self.buttons[command], self._chosen if command in heard.on else self._quiet)
        if (clock(heard.at), heard.total) != (clock(old.at), old.total):
            dpg.set_value(self._clock, f"{clock(heard.at)} / {clock(heard.total)}")
        if heard.figure != old.figure:
            dpg.set_value(self._figure, heard.figure)
        if heard.band != old.band:
            dpg.configure_item(self.buttons["band_own"], label=heard.band)
        if heard.volume != old.volume and not dpg.is_item_active(self.volume):
            dpg.set_value(self.volume, heard.volume)
