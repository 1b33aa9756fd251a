"""What is drawn in the strip: pictures, ruler, frequencies, titles, playhead, loop and the cross under the pointer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import dearpygui.dearpygui as dpg

from midistems_graph.document.boxes import text_width
from midistems_graph.editor.model.timeline import Timeline
from midistems_graph.editor.pictures.axes import FrequencyAxis
from midistems_graph.editor.pictures.wishes import Made
from midistems_graph.editor.view.palette import STEM_INKS, Color, Palette, faded, mixed
from midistems_graph.editor.view.panes import GUTTER, RULER, Pane, Sight
from midistems_graph.editor.view.scripts import seen
from midistems_graph.editor.view.strip_traces import StripTraces
from midistems_graph.editor.view.textures import Textures
from midistems_graph.editor.view.themes import TEXT_SIZE

SMALL = 12
NOTHING = "click an edge: its waveform and spectrogram are shown here"


class StripItems:
    """Layers of a drawlist, each drawn anew only when it changes."""

    def __init__(self, drawlist: int | str, palette: Palette, scale: float) -> None:
        self.palette, self.scale = palette, scale
        layers = [int(dpg.add_draw_layer(parent=drawlist)) for _ in range(7)]
        self._pictures, self._ruler, self._traces, self._titles, self.strokes, self._marks, self._cross = layers
        self._marked: tuple[object, ...] = ()

    @property
    def left(self) -> float:
        """Where the time axis begins."""
        return GUTTER * self.scale

    @property
    def ruler(self) -> float:
        """How high the ruler is."""
        return round(RULER * self.scale)

    @property
    def small(self) -> float:
        """The size of labels."""
        return SMALL * self.scale

    def draw_pictures(
        self,
        panes: Sequence[Pane],
        made: Mapping[str, Made],
        textures: Textures,
        timeline: Timeline,
        axis: FrequencyAxis,
        width: float,
    ) -> None:
        """The pictures that are there; one of another stretch is moved and stretched to where it belongs."""
        p, layer = self.palette, self._pictures
        for drawn in (layer, self._traces):
            dpg.delete_item(drawn, children_only=True)
        right = self.left + width
        for pane in panes:
            ground = (self.left, pane.top), (right, pane.bottom)
            dpg.draw_rectangle(*ground, fill=p.ground, color=p.ground, parent=layer)
            there = made.get(pane.name)
            if there is None:
                continue
            if tag := textures[f"strip {pane.name}"]:
                self._draw_image(tag, pane, there, timeline, axis, width)
            if pane.kind == "waveform" and there.envelope is not None:
                lanes = len(there.envelope.low)
                for lane in range(lanes):
                    y = pane.top + pane.height * (lane + 0.5) / lanes
                    dpg.draw_line((self.left, y), (right, y), color=faded(p.text, 30), parent=layer)
            if there.curves is not None:
                self._draw_legend(pane, there.curves.names)
            traces = StripTraces(self._traces, p, self.small)
            if there.traces is not None:
                traces.draw(pane, there.traces, self.left, width)
            curves = made.get("a traces") if pane.kind == "spectrogram" else None
            if curves is not None and curves.traces is not None and _fits(curves, timeline):
                traces.draw_over(pane, curves.traces, axis, self.left, width)
            if there.sentence:
                at = self.left + 10, pane.top + pane.height / 2 - self.small / 2
                dpg.draw_text(at, there.sentence, size=self.small, color=p.soft, parent=layer)

    def _draw_legend(self, pane: Pane, names: Sequence[str]) -> None:
        """The names of curves in their colours."""
        x = self.left + 8
        for number, name in enumerate(names):
            color = (*STEM_INKS[number % len(STEM_INKS)], 255)
            y = pane.bottom - self.small - 5
            dpg.draw_text((x, y), seen(name), size=self.small, color=color, parent=self._pictures)
            x += wide(name, self.small) + 14

    def _draw_image(
        self, tag: int, pane: Pane, made: Made, timeline: Timeline, axis: FrequencyAxis, width: float
    ) -> None:
        wish = made.wish
        start, stop = max(wish.start, timeline.start), min(wish.stop, timeline.stop)
        if start >= stop:
            return
        length = wish.stop - wish.start
        left, right = (self.left + timeline.share(moment) * width for moment in (start, stop))
        u0, u1 = (start - wish.start) / length, (stop - wish.start) / length
        top, bottom, v0, v1 = pane.top, pane.bottom, 0.0, 1.0
        look = wish.look
        if pane.has_hz and (look.lowest_hz, look.highest_hz) != (axis.low, axis.high) and look.scale == axis.scale:
            old = FrequencyAxis(look.lowest_hz, look.highest_hz, look.scale)
            low, high = max(old.low, axis.low), min(old.high, axis.high)
            if low >= high:
                return
            top, bottom = (pane.top + pane.height * (1 - axis.place(hz)) for hz in (high, low))
            v0, v1 = 1 - old.place(high), 1 - old.place(low)
        dpg.draw_image(tag, (left, top), (right, bottom), uv_min=(u0, v0), uv_max=(u1, v1), parent=self._pictures)

    def draw_ruler(
        self, panes: Sequence[Pane], timeline: Timeline, axis: FrequencyAxis, width: float, height: float
    ) -> None:
        """Times above and frequencies beside the panes."""
        p, layer = self.palette, self._ruler
        dpg.delete_item(layer, children_only=True)
        dpg.draw_rectangle((0, 0), (self.left + width, self.ruler), fill=p.panel, color=p.panel, parent=layer)
        dpg.draw_rectangle((0, 0), (self.left - 1, height), fill=p.panel, color=p.panel, parent=layer)
        if not panes:
            return
        for tick in timeline.ticks(width) if any(pane.timed for pane in panes) else ():
            x = self.left + timeline.share(tick.seconds) * width
            top = 3 if tick.label else self.ruler - 5
            color = mixed(p.line, p.text, 0.25)
            dpg.draw_line((x, top), (x, self.ruler), color=color, parent=layer)
            if tick.label and x < self.left + width - 40:
                dpg.draw_text((x + 4, 1), tick.label, size=self.small, color=p.soft, parent=layer)
        lowest = min((pane.height for pane in panes if pane.has_hz), default=0.0)
        ticks = axis.ticks(lowest) if lowest else []  # the same beside all panes
        for pane in panes:
            dpg.draw_line((0, pane.top - 1), (self.left + width, pane.top - 1), color=p.line, parent=layer)
            if pane.has_hz:
                for hz, label in ticks:
                    y = pane.top + pane.height * (1 - axis.place(hz))
                    dpg.draw_line((self.left - 5, y), (self.left, y), color=mixed(p.line, p.text, 0.25), parent=layer)
                    x = self.left - 8 - wide(label, self.small)
                    dpg.draw_text((x, y - 7), label, size=self.small, color=p.soft, parent=layer)

    def draw_titles(self, panes: Sequence[Pane], sight: Sight) -> None:
        """What each pane shows, where that is not plain."""
        p, layer = self.palette, self._titles
        dpg.delete_item(layer, children_only=True)
        if sight.take is None:
            at = (self.left + self.small, self.ruler + 12)
            dpg.draw_text(at, NOTHING, size=self.small + 1, color=p.faint, parent=layer)
        for pane in panes:
            if pane.title:
                heard = pane.take == sight.take and pane.other is None
                color = p.accent if heard else p.text
                self._plate(layer, pane.title, (self.left + 6, pane.top + 4), color)

    def _plate(self, layer: int, text: str, at: tuple[float, float], color: Color) -> None:
        """A few words on a ground of their own, readable on any picture."""
        x, y = at
        end = x + wide(text, self.small) + 10 * self.scale, y + self.small + 5
        dpg.draw_rectangle(at, end, fill=faded(self.palette.panel, 215), color=(0, 0, 0, 0), rounding=3, parent=layer)
        dpg.draw_text((x + 5 * self.scale, y + 2), seen(text), size=self.small, color=color, parent=layer)

    def mark(
        self, timeline: Timeline, width: float, height: float, at: float, loop: tuple[float, float] | None
    ) -> None:
        """The playhead and the loop."""
        x = self.left + round(timeline.share(at) * width)
        ends = loop and tuple(self.left + timeline.share(end) * width for end in loop)
        marked = x if timeline.shows(at) else None, ends, width, height, self.palette.name
        if marked == self._marked:
            return
        self._marked = marked
        p, layer = self.palette, self._marks
        dpg.delete_item(layer, children_only=True)
        right = self.left + width
        if ends and ends[1] > self.left and ends[0] < right:
            low, high = max(ends[0], self.left), min(ends[1], right)
            dpg.draw_rectangle((low, 0), (high, self.ruler), fill=faded(p.accent, 80), color=(0, 0, 0, 0), parent=layer)
            for a, b in ((self.left, low), (high, right)):  # what is not looped steps back
                dpg.draw_rectangle(
                    (a, self.ruler), (b, height), fill=faded(p.panel, 110), color=(0, 0, 0, 0), parent=layer
                )
            for end in ends:
                if self.left <= end <= right:
                    dpg.draw_line((end, 0), (end, height), color=p.accent, thickness=1.5, parent=layer)
        if marked[0] is not None:
            dpg.draw_line((x, 0), (x, height), color=p.ground, thickness=3, parent=layer)
            dpg.draw_line((x, 0), (x, height), color=p.text, thickness=1.4, parent=layer)
            dpg.draw_triangle((x - 5, 0), (x + 5, 0), (x, 7), fill=p.text, color=p.text, parent=layer)

    def point(self, x: float | None, y: float | None, height: float, words: str = "") -> None:
        """A thin cross under the pointer, and a few words in the lower corner; nothing without x."""
        dpg.delete_item(self._cross, children_only=True)
        if x is None:
            return
        color = faded(self.palette.text, 110)
        dpg.draw_line((x, 0), (x, height), color=color, parent=self._cross)
        if y is not None:
            dpg.draw_line((self.left, y), (self.left + 8, y), color=color, parent=self._cross)
            dpg.draw_line((x - 9, y), (x + 9, y), color=color, parent=self._cross)
        if words:
            self._plate(self._cross, words, (self.left + 6, height - self.small - 9), self.palette.text)


def _fits(made: Made, timeline: Timeline) -> bool:
    """Whether curves are of the stretch that is seen; others come soon."""
    return (made.wish.start, made.wish.stop) == (timeline.start, timeline.stop)


def wide(text: str, size: float) -> float:
    """Pixels that a text takes; about right before the first frame is drawn."""
    measured = None
    with suppress(SystemError):
        measured = dpg.get_text_size(text)
    if not measured:
        return text_width(text, size)
    return float(measured[0]) * size / TEXT_SIZE
