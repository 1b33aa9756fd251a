"""The stem mixer: a row for each stem with solo, mute, gain and level."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from midistems_graph.document.boxes import fit
from midistems_graph.document.graph import GAIN_DB
from midistems_graph.editor.audition.desk_view import Strip
from midistems_graph.editor.view.meter_items import level_color, share
from midistems_graph.editor.view.palette import Palette
from midistems_graph.editor.view.scripts import seen
from midistems_graph.editor.view.themes import chosen_button_theme, name_theme, quiet_button_theme

NAME, GAIN, METER = 92, 80, 42
FALL_DB = 20.0
"""Decibels per second by which the bars fall."""


@dataclass(frozen=True)
class MixerHands:
    """What rows ask for, by the place of the stem."""

    choose: Callable[[int], None]
    solo: Callable[[int], None]
    mute: Callable[[int], None]
    gain: Callable[[int, float], None]


@dataclass(frozen=True)
class _Row:
    name: int
    solo: int
    mute: int
    gain: int
    bar: int


class MixerRows:
    """Rows in a parent; they are made anew only when the stems are others."""

    def __init__(self, parent: int, palette: Palette, scale: float, hands: MixerHands) -> None:
        self.parent, self.palette, self.scale, self.hands = parent, palette, scale, hands
        self._quiet, self._chosen = quiet_button_theme(palette), chosen_button_theme(palette)
        looks = {"silent": palette.faint, "chosen": palette.accent, "heard": palette.text}
        self._names = {look: name_theme(palette, color, (4, 1)) for look, color in looks.items()}
        self.rows: list[_Row] = []
        self._strips: tuple[Strip, ...] = ()
        self._levels: list[float] = []
        self._at = time.monotonic()

    @property
    def themes(self) -> tuple[int, ...]:
        """To be deleted with the rows."""
        return self._quiet, self._chosen, *self._names.values()

    @property
    def is_held(self) -> bool:
        """Whether a gain is being dragged."""
        return any(dpg.is_item_active(row.gain) for row in self.rows)

    def show(self, strips: tuple[Strip, ...]) -> None:
        """Show the stems as they are now."""
        if [s.stem for s in strips] != [s.stem for s in self._strips]:
            dpg.delete_item(self.parent, children_only=True)
            self.rows = [self._row(number, strip.stem) for number, strip in enumerate(strips)]
            self._levels, self._strips = [0.0] * len(strips), ()
        before, self._strips = self._strips or (None,) * len(strips), strips
        for row, strip, old in zip(self.rows, strips, before, strict=True):
            self._show(row, strip, old)
        self._move_bars()

    def _row(self, number: int, stem: str) -> _Row:
        hands, p, scale = self.hands, self.palette, self.scale
        with dpg.group(horizontal=True, parent=self.parent, horizontal_spacing=4):
            name = int(
                dpg.add_button(
                    label=seen(fit(stem, 14, NAME - 8)), width=int(NAME * scale), callback=lambda: hands.choose(number)
                )
            )
            solo = int(dpg.add_button(label="S", width=int(20 * scale), callback=lambda: hands.solo(number)))
            mute = int(dpg.add_button(label="M", width=int(20 * scale), callback=lambda: hands.mute(number)))
            gain = int(
                dpg.add_slider_float(
                    width=int(GAIN * scale),
                    min_value=GAIN_DB[0],
                    max_value=GAIN_DB[1],
                    format="%+.1f",
                    callback=lambda _, value: hands.gain(number, float(value)),
                )
            )
            draw = dpg.add_drawlist(int(METER * scale), int(18 * scale))
            dpg.draw_rectangle((0, 6 * scale), (METER * scale, 12 * scale), fill=p.raised, color=p.raised, parent=draw)
            bar = int(dpg.draw_rectangle((0, 6 * scale), (0, 12 * scale), fill=p.good, color=p.good, parent=draw))
        return _Row(name, solo, mute, gain, bar)

    def _show(self, row: _Row, strip: Strip, old: Strip | None) -> None:
        channel = strip.channel
        if old is not None and (channel, strip.audible, strip.chosen) == (old.channel, old.audible, old.chosen):
            return
        dpg.bind_item_theme(row.solo, self._chosen if channel.solo else self._quiet)
        dpg.bind_item_theme(row.mute, self._chosen if channel.mute else self._quiet)
        look = "silent" if not strip.audible else "chosen" if strip.chosen else "heard"
        dpg.bind_item_theme(row.name, self._names[look])
        if not dpg.is_item_active(row.gain):
            dpg.set_value(row.gain, channel.gain_db)

    def _move_bars(self) -> None:
        now = time.monotonic()
        fall, self._at = 10 ** (-FALL_DB * min(now - self._at, 1.0) / 20), now
        for number, (row, strip) in enumerate(zip(self.rows, self._strips, strict=True)):
            level = max(strip.level, self._levels[number] * fall)
            if level != self._levels[number]:
                self._levels[number] = level = level if level > 1e-4 else 0.0
                color = level_color(level, self.palette)
                dpg.configure_item(
                    row.bar, pmax=(METER * self.scale * share(level), 12 * self.scale), fill=color, color=color
                )
