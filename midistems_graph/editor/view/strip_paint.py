"""Painting in the strip: the tool, what is drawn at the moment, and the outlines of strokes that are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log2

import dearpygui.dearpygui as dpg

from midistems_graph.audio.strokes import Stroke
from midistems_graph.editor.model.paint import Point, Tool
from midistems_graph.editor.model.stroke_edit import all_moved, stroke_at, strokes_within, with_place
from midistems_graph.editor.model.tracks import nearest_point
from midistems_graph.editor.view.palette import Color, Palette, faded
from midistems_graph.editor.view.panes import Chart

MOST_HARMONICS = 64
GRIP, MOST_HANDLES = 4.0, 60
"""Pixels around a handle; of longer paths all is moved, or single points without handles."""


class StripPaint:
    """Draws on a layer of the strip. `tool` is None while nobody paints, `chosen` are numbers of strokes in hand."""

    def __init__(self, layer: int, palette: Palette) -> None:
        self.palette, self._layer = palette, layer
        self.tool: Tool | None = None
        self.strokes: tuple[Stroke, ...] = ()
        """Those of the node whose sound is shown."""
        self.chosen: frozenset[int] = frozenset()
        self._held: _Held | None = None
        self._box: _Box | None = None
        self._points: tuple[Point, ...] = ()
        self._chart: Chart | None = None

    @property
    def is_drawing(self) -> bool:
        return self._chart is not None

    def begin(self, chart: Chart, x: float, y: float) -> None:
        self._chart, self._points = chart, ()
        self.go_on(x, y)

    def grab(self, chart: Chart, x: float, y: float, *, adds: bool) -> frozenset[int]:
        """Take hold of the stroke under the pointer (of a corner of it, if one is near) with all that are chosen, or
        begin a box; the strokes that are chosen then. `adds` leaves chosen what is chosen, but for that stroke."""
        at, corner = chart.point(x, y), self._corner_at(chart, x, y)
        reach = GRIP * chart.seconds_per_pixel, abs(chart.hz(y - GRIP) - chart.hz(y + GRIP)) / 2
        number = min(self.chosen) if corner is not None else stroke_at(self.strokes, at.seconds, at.hz, reach)
        if number is None:
            self._box = _Box(chart, at, at, self.chosen if adds else frozenset())
            self.chosen = self._box.before
            return self.chosen
        if adds:
            self.chosen = self.chosen ^ {number}
        elif number not in self.chosen:
            self.chosen = frozenset({number})
        if number in self.chosen:
            held = {k: self.strokes[k] for k in sorted(self.chosen)}
            self._held = _Held(chart, number, corner, at, held, adds=adds)
        return self.chosen

    def let_go(self) -> Mapping[int, Stroke]:
        """The strokes that were held, by number, as they are now; none if they stayed where they were."""
        held = self._held
        if held is None or all(stroke == self.strokes[number] for number, stroke in held.strokes.items()):
            return {}
        self._held = None
        return held.strokes

    def picked(self) -> frozenset[int] | None:
        """What is chosen when nothing was moved: the strokes in the box, or of several the one that was clicked."""
        held, self._held, box, self._box = self._held, None, self._box, None
        if box is not None:
            return box.before | strokes_within(self.strokes, *box.sides)
        return frozenset({held.number}) if held is not None and not held.adds else None

    def _corner_at(self, chart: Chart, x: float, y: float) -> int | None:
        """Which corner (or point of the path) of the stroke that is chosen alone is under the pointer."""
        if len(self.chosen) != 1 or min(self.chosen) >= len(self.strokes):
            return None
        corners = [chart.pixel(float(seconds), hz) for seconds, hz in self.strokes[min(self.chosen)].places]
        return nearest_point(corners, (x, y), 2 * GRIP)

    def go_on(self, x: float, y: float) -> None:
        if (held := self._held) is not None:
            self._held = replace(held, strokes=held.pulled(self.strokes, x, y))
        if self._box is not None:
            self._box = replace(self._box, to=self._box.chart.point(x, y))
        if self._chart is not None and self.tool is not None:
            self._points = self.tool.after(self._points, self._chart.point(x, y))

    def finish(self) -> Stroke | None:
        """What was drawn, None for nothing."""
        chart, points, tool = self._chart, self._points, self.tool
        self._chart, self._points = None, ()
        if chart is None or tool is None or not points:
            return None
        return tool.stroke(points, brush_size(chart, points[0], tool.size))

    def draw(self, charts: Sequence[Chart]) -> None:
        """The strokes that are there and the one that is being drawn."""
        dpg.delete_item(self._layer, children_only=True)
        p = self.palette
        for chart in charts:
            for number, stroke in enumerate(self.strokes):
                if self._held is not None:
                    stroke = self._held.strokes.get(number, stroke)
                self._outline(chart, stroke, p.accent if stroke.gain_db < 0 else p.warn)
                if number in self.chosen and self.tool is not None and self.tool.edits:
                    self._handles(chart, stroke)
        if self._box is not None:
            ends = ((point.x, point.y) for point in (self._box.at, self._box.to))
            dpg.draw_rectangle(*ends, color=p.accent, fill=faded(p.accent, 28), parent=self._layer)
        if self._chart is not None and self.tool is not None and self._points:
            self._sketch(self._chart, self.tool)

    def _handles(self, chart: Chart, stroke: Stroke) -> None:
        """The chosen stroke: what can be pulled, and its level."""
        p = self.palette
        corners = [chart.pixel(float(seconds), hz) for seconds, hz in stroke.places]
        for x, y in corners if len(corners) <= MOST_HANDLES else ():
            ends = (x - GRIP, y - GRIP), (x + GRIP, y + GRIP)
            dpg.draw_rectangle(*ends, fill=p.text, color=p.ground, parent=self._layer)
        x, y = min(corners)
        dpg.draw_text((x + 6, y + 4), f"{stroke.gain_db:+g} dB", size=12, color=p.text, parent=self._layer)

    def _sketch(self, chart: Chart, tool: Tool) -> None:
        color = self.palette.text
        stroke = tool.stroke(self._points, brush_size(chart, self._points[0], tool.size))
        if stroke is not None:
            self._outline(chart, stroke, color)
        elif len(self._points) > 1:
            line = [list(chart.clipped(point.x, point.y)) for point in self._points]
            dpg.draw_polyline(line, color=color, thickness=1.5, parent=self._layer)

    def _outline(self, chart: Chart, stroke: Stroke, color: Color) -> None:
        first, last = stroke.reach
        if last < chart.timeline.start or first > chart.timeline.stop:
            return
        places = [(float(seconds), hz) for seconds, hz in stroke.places]
        line = [list(chart.pixel(*place)) for place in places]
        match stroke.shape:
            case "rectangle":
                (x0, y0), (x1, y1) = line[0], line[-1]
                corners = (min(x0, x1), min(y0, y1)), (max(x0, x1), max(y0, y1))
                dpg.draw_rectangle(*corners, color=color, fill=faded(color, 26), parent=self._layer)
            case "lasso":
                dpg.draw_polygon([*line, line[0]], color=color, fill=faded(color, 26), parent=self._layer)
            case "brush":
                wide = max(2 * stroke.size[0] / chart.timeline.length * chart.width, 2.0)
                if len(line) == 1:
                    dpg.draw_circle(line[0], wide / 2, color=color, fill=faded(color, 50), parent=self._layer)
                else:
                    dpg.draw_polyline(line, color=faded(color, 70), thickness=wide, parent=self._layer)
                    dpg.draw_polyline(line, color=color, thickness=1.2, parent=self._layer)
            case "harmonic":
                self._harmonics(chart, places, color)

    def _harmonics(self, chart: Chart, places: Sequence[tuple[float, float]], color: Color) -> None:
        lowest = max(min(hz for _, hz in places), 1.0)
        ends = places if len(places) > 1 else [places[0], (places[0][0] + 3 * chart.seconds_per_pixel, places[0][1])]
        above = chart.bottom
        for number in range(1, MOST_HARMONICS + 1):
            if number * lowest > chart.axis.high:
                break
            line = [list(chart.pixel(seconds, number * hz)) for seconds, hz in ends]
            if above - line[0][1] > 4:  # where they lie closer, lines would be an area
                above = line[0][1]
                thick = 2.2 if number == 1 else 1.2
                dpg.draw_polyline(
                    line, color=faded(color, 255 if number == 1 else 170), thickness=thick, parent=self._layer
                )


@dataclass(frozen=True)
class _Held:
    """Strokes in hand since the pointer was `at` a place of the one with the `number`: all of them, or one corner of
    it. `strokes` are what they are now; `adds`: it was added to what was chosen."""

    chart: Chart
    number: int
    corner: int | None
    at: Point
    strokes: Mapping[int, Stroke]
    adds: bool = False

    def pulled(self, were: Sequence[Stroke], x: float, y: float) -> Mapping[int, Stroke]:
        """The strokes with the pointer elsewhere; on the axis of frequencies all of them move by as many pixels."""
        chart, to = self.chart, self.chart.point(x, y)
        if self.corner is not None:
            return {self.number: with_place(were[self.number], self.corner, to.seconds, to.hz)}
        higher = chart.axis.place(to.hz) - chart.axis.place(self.at.hz)
        before = {number: were[number] for number in self.strokes}
        return all_moved(before, to.seconds - self.at.seconds, lambda hz: chart.axis.hz(chart.axis.place(hz) + higher))


@dataclass(frozen=True)
class _Box:
    """A box that chooses strokes, drawn from one point to another; `before` is what was chosen already."""

    chart: Chart
    at: Point
    to: Point
    before: frozenset[int]

    @property
    def sides(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Moments and frequencies that it reaches from and to."""
        moments, pitches = sorted((self.at.seconds, self.to.seconds)), sorted((self.at.hz, self.to.hz))
        return (moments[0], moments[1]), (pitches[0], pitches[1])


def brush_size(chart: Chart, at: Point, pixels: int) -> tuple[float, float]:
    """Half the width of a brush of so many pixels, in seconds and in semitones around a point."""
    upper, lower = chart.hz(at.y - pixels), chart.hz(at.y + pixels)
    semitones = 6 * log2(max(upper, 1.0) / max(lower, 1.0))
    return pixels * chart.seconds_per_pixel, max(semitones, 0.05)
