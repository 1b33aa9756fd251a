"""The strip under the canvas: pictures of what is heard over time, with ruler, frequencies, playhead and loop.

The wheel zooms at the pointer (with Ctrl frequencies, with Shift it moves), the middle button moves. A click goes to
a moment, a drag makes a loop, the right button takes it away; a double click shows the whole song.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import dearpygui.dearpygui as dpg

from midistems_graph.audio.strokes import Stroke
from midistems_graph.editor.model.paint import Tool
from midistems_graph.editor.model.plane import Rect
from midistems_graph.editor.model.timeline import Timeline, moment
from midistems_graph.editor.model.views import Views
from midistems_graph.editor.pictures.axes import FrequencyAxis, note_of
from midistems_graph.editor.pictures.painting import Look
from midistems_graph.editor.pictures.wishes import Made, Wish
from midistems_graph.editor.view.palette import STEM_INKS, Palette
from midistems_graph.editor.view.panes import GUTTER, RULER, Chart, Pane, Sight, panes_of
from midistems_graph.editor.view.pointer import modifiers
from midistems_graph.editor.view.strip_bar import BAR, StripBar
from midistems_graph.editor.view.strip_items import StripItems
from midistems_graph.editor.view.strip_paint import StripPaint
from midistems_graph.editor.view.textures import Textures

LOWEST_HZ = 30.0
ZOOM = 1.25
CLICK_PIXELS = 4.0
EDGE = 5.0
"""Pixels at the upper edge by which the strip is made higher."""


@dataclass(frozen=True)
class Hands:
    """What the strip lets people do; times in seconds, its height in pixels, commands by name."""

    seek: Callable[[float], None]
    loop: Callable[[float, float], None]
    unloop: Callable[[], None]
    resize: Callable[[float], None] = lambda _: None
    do: Callable[[str], None] = lambda _: None
    choose: Callable[[Views], None] = lambda _: None
    take: Callable[[Tool], None] = lambda _: None
    paint: Callable[[Stroke], None] = lambda _: None


@dataclass
class _Drag:
    """What the pointer holds since it was pressed."""

    kind: Literal["loop", "pan", "height", "paint"]
    button: int
    x: float
    y: float
    timeline: Timeline


class Strip:
    """The strip in a parent. It shows a sight; what pictures it wants is `wishes`, which `accept` takes."""

    def __init__(self, parent: int, palette: Palette, scale: float, textures: Textures, hands: Hands) -> None:
        self.palette, self.scale, self.textures, self.hands = palette, scale, textures, hands
        self.sight, self.views = Sight(), Views()
        self.timeline, self.axis = Timeline(), FrequencyAxis(LOWEST_HZ, 22050.0)
        self.panes: tuple[Pane, ...] = ()
        self.changed = True
        """Other pictures are wanted than when this was last set to False."""
        self._area = Rect(0, 0, 100, 100)
        self._made: dict[str, Made] = {}
        self._at = 0.0
        self._drag: _Drag | None = None
        self._pointer: tuple[float, float] | None = None
        self._lit = False
        self.bar = StripBar(parent, palette, scale, hands.do, hands.choose, hands.take)
        self._below = int(dpg.add_group(parent=parent, pos=(0, int(BAR * scale))))
        self._draw = dpg.add_drawlist(100, 100, parent=self._below)
        self.items = StripItems(self._draw, palette, scale)
        self.paint = StripPaint(self.items.strokes, palette)
        with dpg.handler_registry():
            for button in (0, 1, 2):
                dpg.add_mouse_click_handler(button, callback=self._down)
                dpg.add_mouse_release_handler(button, callback=self._up)
            dpg.add_mouse_double_click_handler(0, callback=self._double)
            dpg.add_mouse_move_handler(callback=self._move)
            dpg.add_mouse_wheel_handler(callback=self._wheel)

    # What is shown

    def bind(self, seconds: float, rate: int) -> None:
        """Another song: all of it is seen."""
        self.timeline = Timeline.of(seconds, rate)
        self._look_at_all_hz(rate / 2)
        self._made.clear()
        self._rearrange()

    def look(self, sight: Sight, views: Views, tool: Tool | None = None, strokes: tuple[Stroke, ...] = ()) -> None:
        """Show something else, or in another way; with a tool the pointer paints."""
        painted = (tool, strokes) != (self.paint.tool, self.paint.strokes)
        self.paint.tool, self.paint.strokes = tool, strokes
        if (sight, views) != (self.sight, self.views):
            rescaled = views.scale != self.views.scale
            self.sight, self.views = sight, views
            if rescaled:
                self._look_at_all_hz(self.highest_hz)
            self._rearrange()
        elif painted:
            self.paint.draw(self._charts())
        self.bar.show(self.views, self.sight, tool)

    def place(self, area: Rect) -> None:
        self._area = area
        width, height = max(area.width, 1.0), max(area.height - BAR * self.scale, 1.0)
        dpg.configure_item(self._draw, width=int(width), height=int(height))
        self.bar.place(area.width)
        self._rearrange()

    def recolor(self, palette: Palette) -> None:
        self.palette = self.items.palette = self.paint.palette = palette
        self.bar.recolor(palette)
        self._rearrange()

    def mark(self, at: float, loop: tuple[float, float] | None, *, playing: bool) -> None:
        """Show where the playhead and the loop are, in seconds; while it plays the view follows."""
        if playing and self._drag is None:
            self.see(self.timeline.following(self._at, at))
        self._at = at
        drag = self._drag
        if drag is not None and drag.kind == "loop" and self._is_dragged:
            ends = drag.timeline.at(self._share(drag.x)), self._seconds
            loop = min(ends), max(ends)
        self.items.mark(self.timeline, self._width, self._height, at, loop)

    def accept(self, made: Made) -> None:
        """A picture has come."""
        pane = next((p for p in self.panes if (p.name, p.take) == (made.wish.pane, made.wish.take)), None)
        if pane is None:
            return
        self._made[pane.name] = made
        if made.picture is not None:
            self.textures.put(f"strip {pane.name}", made.picture)
        self.items.draw_pictures(self.panes, self._made, self.textures, self.timeline, self.axis, self._width)
        self._point()

    def wishes(self) -> list[Wish]:
        """The pictures that are wanted now."""
        views, width = self.views, max(int(self._width), 16)
        look = Look(
            views.scale,
            self.axis.low,
            self.axis.high,
            float(views.ceiling - views.range),
            float(views.ceiling),
            light=not self.palette.is_dark,
        )
        inks = (self.palette.accent[:3],)
        return [
            Wish(
                pane.name,
                pane.kind,
                pane.take,
                self.timeline.start,
                self.timeline.stop,
                width,
                max(int(pane.height), 8),
                look,
                "mean" if views.channel == "both" else views.channel,
                STEM_INKS if pane.kind == "stems" else inks,
                pane.other,
            )
            for pane in self.panes
        ]

    def see(self, timeline: Timeline) -> None:
        """Another stretch of the song."""
        if timeline != self.timeline:
            self.timeline = timeline
            self._redraw()

    def zoom(self, factor: float) -> None:
        """Zoom at the playhead, or in the middle if it is not seen."""
        middle = self.timeline.at(0.5)
        self.see(self.timeline.zoomed(self._at if self.timeline.shows(self._at) else middle, factor))

    def see_all(self) -> None:
        self._look_at_all_hz(self.highest_hz)
        self.timeline = self.timeline.whole()
        self._redraw()

    @property
    def highest_hz(self) -> float:
        return self.timeline.rate / 2

    @property
    def is_dragged(self) -> bool:
        return self._drag is not None

    # Drawing

    def _rearrange(self) -> None:
        """The panes are others, or elsewhere."""
        panes = panes_of(self.sight, self.views, self._height)
        kept = {(pane.name, pane.take) for pane in panes}
        for name, made in list(self._made.items()):
            if (name, made.wish.take) not in kept:
                del self._made[name]
                self.textures.drop(f"strip {name}")
        self.panes = panes
        self._redraw()

    def _redraw(self) -> None:
        self.changed = True
        self.items.draw_ruler(self.panes, self.timeline, self.axis, self._width, self._height)
        self.items.draw_pictures(self.panes, self._made, self.textures, self.timeline, self.axis, self._width)
        self.items.draw_titles(self.panes, self.sight)
        self.paint.draw(self._charts())
        self._point()

    def _look_at_all_hz(self, highest: float) -> None:
        low = LOWEST_HZ if self.views.scale == "log" else 0.0
        self.axis = FrequencyAxis(low, highest, self.views.scale)

    @property
    def _width(self) -> float:
        """Pixels of the time axis."""
        return max(self._area.width - GUTTER * self.scale, 16.0)

    @property
    def _height(self) -> float:
        return max(self._area.height - BAR * self.scale, 16.0)

    # The pointer

    def _inside(self) -> tuple[float, float]:
        """The pointer in pixels from the upper left of the drawing."""
        x, y = dpg.get_mouse_pos(local=False)
        return float(x) - self._area.left, float(y) - self._area.top - BAR * self.scale

    def _share(self, x: float) -> float:
        return min(max((x - GUTTER * self.scale) / self._width, 0.0), 1.0)

    @property
    def _seconds(self) -> float:
        return self.timeline.at(self._share(self._inside()[0]))

    @property
    def _is_over(self) -> bool:
        return bool(dpg.is_item_hovered(self._draw))

    @property
    def _is_dragged(self) -> bool:
        if self._drag is None:
            return False
        return abs(self._inside()[0] - self._drag.x) >= CLICK_PIXELS

    def _chart(self, pane: Pane) -> Chart:
        return Chart(pane, self.timeline, self.axis, GUTTER * self.scale, self._width)

    def _charts(self) -> list[Chart]:
        """The panes that show the painted sound."""
        return [self._chart(p) for p in self.panes if p.kind == "spectrogram" and p.take == self.sight.take]

    def _pane_at(self, y: float) -> Pane | None:
        return next((pane for pane in self.panes if pane.top <= y < pane.bottom), None)

    def _is_on_edge(self) -> bool:
        x, y = self._inside()
        return -BAR * self.scale <= y < EDGE - BAR * self.scale and 0 <= x < self._area.width

    def _down(self, _: int, button: int) -> None:
        if self._drag is not None:
            return
        x, y = self._inside()
        if button == 0 and self._is_on_edge():
            self._drag = _Drag("height", button, x, y, self.timeline)
        elif not self._is_over or self.sight.take is None:
            return
        elif button == 1:
            self.hands.unloop()
        elif button == 0 and self.paint.tool is not None and (chart := self._painted_at(y)) is not None:
            self._drag = _Drag("paint", button, x, y, self.timeline)
            self.paint.begin(chart, x, y)
        else:
            self._drag = _Drag("pan" if button == 2 or y < RULER else "loop", button, x, y, self.timeline)

    def _painted_at(self, y: float) -> Chart | None:
        return next((chart for chart in self._charts() if chart.pane.top <= y < chart.pane.bottom), None)

    def _move(self) -> None:
        x, y = self._inside()
        drag = self._drag
        if drag is not None and drag.kind == "paint":
            self.paint.go_on(x, y)
            self.paint.draw(self._charts())
        if drag is not None and drag.kind == "pan":
            self.see(drag.timeline.moved((drag.x - x) / self._width * drag.timeline.length))
        elif drag is not None and drag.kind == "height":
            self.hands.resize(self._area.bottom - float(dpg.get_mouse_pos(local=False)[1]))
        lit = self._is_on_edge() or (drag is not None and drag.kind == "height")
        if lit != self._lit:
            self._lit = lit
            self.bar.light_edge(lit)
        self._pointer = (x, y) if self._is_over or (drag is not None and drag.kind == "loop") else None
        self._point()

    def _up(self, _: int, button: int) -> None:
        drag, dragged = self._drag, self._is_dragged
        if drag is None or drag.button != button:
            return
        self._drag = None
        if drag.kind == "paint":
            self.paint.go_on(*self._inside())
            if (stroke := self.paint.finish()) is not None:
                self.hands.paint(stroke)
            self.paint.draw(self._charts())
        elif drag.kind == "loop" and dragged:
            first, last = sorted((drag.timeline.at(self._share(drag.x)), self._seconds))
            self.hands.loop(first, last)
        elif drag.kind == "loop" or (drag.kind == "pan" and not dragged and button == 0):
            self.hands.seek(self._seconds)

    def _double(self) -> None:
        if self._is_over and self._inside()[1] < RULER:
            self.see_all()

    def _wheel(self, _: int, turn: float) -> None:
        if not self._is_over or self.sight.take is None:
            return
        shift, ctrl, _alt = modifiers()
        x, y = self._inside()
        pane = self._pane_at(y)
        if ctrl and pane is not None and pane.has_hz:
            place = 1 - (y - pane.top) / pane.height
            self.axis = self.axis.zoomed(place, ZOOM**-turn, self.highest_hz)
            self._redraw()
        elif shift:
            self.see(self.timeline.moved(-turn * self.timeline.length / 8))
        else:
            self.see(self.timeline.zoomed(self.timeline.at(self._share(x)), ZOOM**-turn))

    def _point(self) -> None:
        """Show the value under the pointer."""
        pane = self._pane_at(self._pointer[1]) if self._pointer else None
        if pane is None or self._pointer is None or self._pointer[0] < GUTTER * self.scale:
            self.items.point(None, None, self._height)
            self.bar.read("")
            return
        x, y = self._pointer
        seconds = self.timeline.at(self._share(x))
        made, hz = self._made.get(pane.name), self.axis.hz(1 - (y - pane.top) / pane.height)
        words = [moment(seconds, self.timeline.length / self._width)]
        if pane.has_hz:
            words += [f"{hz:.0f} Hz", note_of(hz)]
        if made is not None:
            wish = made.wish
            words.append(made.value((seconds - wish.start) / (wish.stop - wish.start), hz))
        self.items.point(x, y if pane.has_hz else None, self._height)
        self.bar.read("   ".join(word for word in words if word))
