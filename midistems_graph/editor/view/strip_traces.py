"""Curves and tables in the strip: lanes for each unit with their axis, a pitch over a spectrogram, scores by row."""

from __future__ import annotations

from collections.abc import Iterable

import dearpygui.dearpygui as dpg
import numpy as np

from midistems_graph.document.boxes import fit, text_width
from midistems_graph.editor.pictures.axes import FrequencyAxis
from midistems_graph.editor.pictures.traces import PITCH, Lane, Traces, figure, segments
from midistems_graph.editor.view.palette import CLEAR, STEM_INKS, Color, Palette, faded
from midistems_graph.editor.view.panes import Pane

DOTS = 40
"""Rows up to which each figure has a dot."""


class StripTraces:
    """Draws on a layer of the strip; `left` and `width` in pixels are the axis of time, or of rows."""

    def __init__(self, layer: int, palette: Palette, small: float) -> None:
        self._layer, self._palette, self._small = layer, palette, small

    def draw(self, pane: Pane, traces: Traces, left: float, width: float) -> None:
        """Fill a pane with lanes above each other, one for each unit, or with a table."""
        if traces.is_table:
            self._table(pane, traces, left, width)
            return
        lanes = traces.lanes
        foot = self._small + 6 if traces.labels else 0.0
        each = (pane.height - foot) / max(len(lanes), 1)
        for row, lane in enumerate(lanes):
            self._lane(traces, lane, pane.top + row * each, each, left, width)
        if traces.labels:
            self._labels(traces, pane.bottom - self._small - 4, left, width)

    def draw_over(self, pane: Pane, traces: Traces, axis: FrequencyAxis, left: float, width: float) -> None:
        """Pitches over a spectrogram, on its own axis of frequencies."""
        for number, unit in enumerate(traces.units):
            if unit != PITCH:
                continue
            for places, values in segments(traces.places, traces.values[number]):
                heights = [(1 - axis.place(float(hz))) * pane.height for hz in values]
                line = [
                    [left + place * width, pane.top + min(max(height, 0.0), pane.height)]
                    for place, height in zip(places, heights, strict=True)
                ]
                self._line(line, (0, 0, 0, 150), 4.0)
                self._line(line, (255, 255, 255, 235), 1.8)

    def _lane(self, traces: Traces, lane: Lane, top: float, height: float, left: float, width: float) -> None:
        p, small, into = self._palette, self._small, self._layer
        right, span = left + width, lane.high - lane.low
        dpg.draw_line((left, top + height - 1), (right, top + height - 1), color=p.line, parent=into)
        for value, y in ((lane.most, top + 1), (lane.least, top + height - small - 2)):
            dpg.draw_text((4, y), fit(figure(value, 3), small, left - 6), size=small, color=p.soft, parent=into)
        x = left + 8
        for number in lane.numbers:
            ink = _ink(number)
            for places, values in segments(traces.places, traces.values[number]):
                heights = top + (1 - (values - lane.low) / span) * height
                line = [[left + a * width, float(b)] for a, b in zip(places, heights, strict=True)]
                self._line(line, ink, 1.7)
                if traces.labels and len(traces.labels) <= DOTS:
                    for at in line:
                        dpg.draw_circle(at, 3, fill=ink, color=(0, 0, 0, 0), parent=into)
            name = f"{traces.names[number]} {lane.unit}".rstrip()
            wide = text_width(name, small)
            corners = (x - 3, top + 2), (x + wide + 3, top + small + 5)
            dpg.draw_rectangle(*corners, fill=faded(p.ground, 190), color=CLEAR, rounding=3, parent=into)
            dpg.draw_text((x, top + 3), name, size=small, color=ink, parent=into)
            x += wide + 16

    def _line(self, points: list[list[float]], color: Color, thickness: float) -> None:
        if len(points) > 1:
            dpg.draw_polyline(points, color=color, thickness=thickness, parent=self._layer)
        elif points:
            dpg.draw_circle(points[0], thickness, fill=color, color=(0, 0, 0, 0), parent=self._layer)

    def _labels(self, traces: Traces, y: float, left: float, width: float) -> None:
        """The names of rows below, as many as fit."""
        step = max(1, int(np.ceil(len(traces.labels) * 5 * self._small / max(width, 1.0))))
        for number in range(0, len(traces.labels), step):
            at = left + float(traces.places[number]) * width - self._small / 3
            dpg.draw_text(
                (at, y), traces.labels[number], size=self._small, color=self._palette.soft, parent=self._layer
            )

    def _table(self, pane: Pane, traces: Traces, left: float, width: float) -> None:
        p, small = self._palette, self._small
        high, column = small + 7, min(width / (len(traces.names) + 1.5), 15 * small)
        heads = [f"{name} {unit}".rstrip() for name, unit in zip(traces.names, traces.units, strict=True)]
        self._row(["", *heads], pane.top + 4, left, column, p.soft)
        for row, label in enumerate(traces.labels):
            y = pane.top + 4 + (row + 1) * high
            if y + high > pane.bottom and row < len(traces.labels) - 1:
                dpg.draw_text((left + 8, y), "…", size=small, color=p.faint, parent=self._layer)
                return
            figures = [figure(float(value)) if np.isfinite(value) else "-" for value in traces.values[:, row]]
            dpg.draw_line((left, y - 3), (left + width, y - 3), color=faded(p.text, 18), parent=self._layer)
            self._row([label, *figures], y, left, column, p.text)

    def _row(self, words: Iterable[str], y: float, left: float, column: float, color: Color) -> None:
        for number, word in enumerate(words):
            x = left + 8 + (number + 0.5 * (number > 0)) * column
            room = (1.5 if number == 0 else 1) * column - 10
            shown = fit(word, self._small, room)
            dpg.draw_text((x, y), shown, size=self._small, color=color, parent=self._layer)


def _ink(number: int) -> Color:
    red, green, blue = STEM_INKS[number % len(STEM_INKS)]
    return red, green, blue, 255
