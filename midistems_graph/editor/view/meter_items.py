"""Level meters: bars that are moved, not drawn anew."""

from __future__ import annotations

from math import log10

import dearpygui.dearpygui as dpg

from midistems_graph.editor.audition.meters import Levels
from midistems_graph.editor.view.palette import Palette

METER_DB = 60.0
BAR = 5


class MeterItems:
    """Two bars, left and right: mean power as the body, the largest sample as a thin end, true peak as a tick."""

    def __init__(self, width: float, palette: Palette, scale: float) -> None:
        self.width, self.palette = width, palette
        self._bar, self._step = BAR * scale, (BAR + 2) * scale
        self._shown: Levels | None = None
        self._rows: list[tuple[int, int, int]] = []
        draw = dpg.add_drawlist(int(width), int(18 * scale))
        for row in range(2):
            top = 3 + row * self._step
            dpg.draw_rectangle(
                (0, top), (width, top + self._bar), fill=palette.raised, color=palette.raised, parent=draw
            )
            peak = int(
                dpg.draw_rectangle((0, top), (0, top + self._bar), fill=palette.line, color=palette.line, parent=draw)
            )
            body = int(
                dpg.draw_rectangle((0, top), (0, top + self._bar), fill=palette.good, color=palette.good, parent=draw)
            )
            tick = int(dpg.draw_line((0, top), (0, top + self._bar), color=palette.soft, thickness=2, parent=draw))
            self._rows.append((peak, body, tick))

    def show(self, levels: Levels | None) -> None:
        """Show levels; None leaves the meter dark."""
        if levels == self._shown:
            return
        self._shown = levels
        for row, (peak, body, tick) in enumerate(self._rows):
            top = 3 + row * self._step
            size, mean, true = (levels.peak[row], levels.rms[row], levels.true_peak[row]) if levels else (0.0, 0.0, 0.0)
            color = level_color(size, self.palette)
            dpg.configure_item(peak, pmax=(self.width * share(size), top + self._bar))
            dpg.configure_item(body, pmax=(self.width * share(mean), top + self._bar), fill=color, color=color)
            x = self.width * share(true)
            shade = self.palette.bad if true > 1 else self.palette.soft
            dpg.configure_item(tick, p1=(x, top), p2=(x, top + self._bar), color=shade, show=x > 1)


def share(level: float) -> float:
    """How much of a meter a linear level fills: -60 to 0 dB."""
    return min(max(1 + 20 * log10(max(level, 1e-9)) / METER_DB, 0.0), 1.0)


def level_color(level: float, palette: Palette) -> tuple[int, int, int, int]:
    return palette.bad if level >= 1 else palette.warn if level > 0.7 else palette.good


def decibels(level: float) -> str:
    """A linear level in dB, with a sign: -0.3."""
    return f"{20 * log10(max(level, 1e-9)):+.1f}"
