"""The pointer in the strip: what it holds, what that does, and what is read under it.

The wheel zooms at the pointer (with Ctrl frequencies, with Shift it moves), the middle button moves. A click goes to
a moment, a drag makes a loop (with Alt it scrubs), the right button takes it away; a double click on the ruler shows
the whole song. With a tool in hand the left button paints on the spectrogram of what is heard, or takes hold of
strokes that are there: of a corner or point of one, or of all that are chosen (Shift adds, a box chooses several).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import dearpygui.dearpygui as dpg

from midistems_graph.audio.strokes import Stroke
from midistems_graph.editor.model.paint import Tool
from midistems_graph.editor.model.plane import Rect
from midistems_graph.editor.model.timeline import Timeline, moment
from midistems_graph.editor.model.views import Views
from midistems_graph.editor.pictures.axes import FrequencyAxis, note_of
from midistems_graph.editor.pictures.wishes import Made
from midistems_graph.editor.view.panes import Chart, Pane, Sight
from midistems_graph.editor.view.pointer import modifiers
from midistems_graph.editor.view.strip_bar import BAR, StripBar
from midistems_graph.editor.view.strip_items import StripItems
from midistems_graph.editor.view.strip_paint import StripPaint

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
    pick: Callable[[frozenset[int]], None] = lambda _: None
    reshape: Callable[[Mapping[int, Stroke]], None] = lambda _: None
    scrub: Callable[[float], None] = lambda _: None
    release: Callable[[], None] = lambda: None


class Held(Protocol):
    """What the pointer needs of a strip."""

    hands: Hands
    items: StripItems
    bar: StripBar
    paint: StripPaint
    sight: Sight
    timeline: Timeline
    axis: FrequencyAxis
    area: Rect
    scale: float

    @property
    def panes(self) -> tuple[Pane, ...]: ...
    @property
    def made(self) -> Mapping[str, Made]: ...
    @property
    def width(self) -> float: ...
    @property
    def height(self) -> float: ...
    def charts(self) -> list[Chart]: ...
    def see(self, timeline: Timeline) -> None: ...
    def see_all(self) -> None: ...
    def see_hz(self, axis: FrequencyAxis) -> None: ...


@dataclass
class _Drag:
    """What the pointer holds since it was pressed."""

    kind: Literal["loop", "pan", "height", "paint", "scrub"]
    button: int
    x: float
    y: float
    timeline: Timeline


class StripHand:
    """Listens to the mouse over a drawlist of a strip."""

    def __init__(self, strip: Held, drawlist: int | str) -> None:
        self._strip, self._draw = strip, drawlist
        self._drag: _Drag | None = None
        self._pointer: tuple[float, float] | None = None
        self._lit = False
        with dpg.handler_registry() as self._handlers:
            for button in (0, 1, 2):
                dpg.add_mouse_click_handler(button, callback=self._down)
                dpg.add_mouse_release_handler(button, callback=self._up)
            dpg.add_mouse_double_click_handler(0, callback=self._double)
            dpg.add_mouse_move_handler(callback=self._move)
            dpg.add_mouse_wheel_handler(callback=self._wheel)

    def close(self) -> None:
        dpg.delete_item(self._handlers)

    @property
    def is_busy(self) -> bool:
        return self._drag is not None

    @property
    def loop(self) -> tuple[float, float] | None:
        """The loop that is being dragged."""
        drag = self._drag
        if drag is None or drag.kind != "loop" or not self._is_dragged:
            return None
        ends = drag.timeline.at(self._share(drag.x)), self._seconds
        return min(ends), max(ends)

    def read(self) -> None:
        """Show the value under the pointer."""
        strip = self._strip
        pane = next((p for p in strip.panes if p.top <= self._pointer[1] < p.bottom), None) if self._pointer else None
        if pane is None or self._pointer is None or self._pointer[0] < strip.items.left:
            strip.items.point(None, None, strip.height)
            strip.bar.read("")
            return
        x, y = self._pointer
        seconds = strip.timeline.at(self._share(x))
        made, hz = strip.made.get(pane.name), strip.axis.hz(1 - (y - pane.top) / pane.height)
        words = [moment(seconds, strip.timeline.length / strip.width)] if pane.timed else []
        if pane.has_hz:
            words += [f"{hz:.0f} Hz", note_of(hz)]
        if made is not None:
            wish = made.wish
            words.append(made.value((seconds - wish.start) / (wish.stop - wish.start), hz))
        read = "   ".join(word for word in words if word)
        strip.bar.read(read)
        strip.items.point(x, y if pane.has_hz else None, strip.height, "" if strip.bar.has_room else read)

    # Where the pointer is

    def _inside(self) -> tuple[float, float]:
        """The pointer in pixels from the upper left of the drawing."""
        x, y = dpg.get_mouse_pos(local=False)
        area = self._strip.area
        return float(x) - area.left, float(y) - area.top - BAR * self._strip.scale

    def _share(self, x: float) -> float:
        return min(max((x - self._strip.items.left) / self._strip.width, 0.0), 1.0)

    @property
    def _seconds(self) -> float:
        return self._strip.timeline.at(self._share(self._inside()[0]))

    @property
    def _is_over(self) -> bool:
        return bool(dpg.is_item_hovered(self._draw))

    @property
    def _is_dragged(self) -> bool:
        return self._drag is not None and abs(self._inside()[0] - self._drag.x) >= CLICK_PIXELS

    @property
    def _is_on_edge(self) -> bool:
        x, y = self._inside()
        y += BAR * self._strip.scale
        return 0 <= y < EDGE and 0 <= x < self._strip.area.width

    def _painted_at(self, y: float) -> Chart | None:
        return next((chart for chart in self._strip.charts() if chart.pane.top <= y < chart.pane.bottom), None)

    # What it does

    def _down(self, _: int, button: int) -> None:
        strip = self._strip
        if self._drag is not None:
            return
        x, y = self._inside()
        if button == 0 and self._is_on_edge:
            self._drag = _Drag("height", button, x, y, strip.timeline)
        elif not self._is_over or strip.sight.take is None:
            return
        elif button == 1:
            strip.hands.unloop()
        elif button == 0 and modifiers()[2]:
            self._drag = _Drag("scrub", button, x, y, strip.timeline)
            strip.hands.scrub(self._seconds)
        elif button == 0 and strip.paint.tool is not None and (chart := self._painted_at(y)) is not None:
            self._drag = _Drag("paint", button, x, y, strip.timeline)
            if strip.paint.tool.edits:
                strip.hands.pick(strip.paint.grab(chart, x, y, adds=modifiers()[0]))
            else:
                strip.paint.begin(chart, x, y)
        else:
            self._drag = _Drag("pan" if button == 2 or y < strip.items.ruler else "loop", button, x, y, strip.timeline)

    def _move(self) -> None:
        strip = self._strip
        x, y = self._inside()
        drag = self._drag
        if drag is not None and drag.kind == "paint":
            strip.paint.go_on(x, y)
            strip.paint.draw(strip.charts())
        if drag is not None and drag.kind == "scrub":
            strip.hands.scrub(self._seconds)
        elif drag is not None and drag.kind == "pan":
            strip.see(drag.timeline.moved((drag.x - x) / strip.width * drag.timeline.length))
        elif drag is not None and drag.kind == "height":
            strip.hands.resize(strip.area.bottom - float(dpg.get_mouse_pos(local=False)[1]))
        lit = self._is_on_edge or (drag is not None and drag.kind == "height")
        if lit != self._lit:
            self._lit = lit
            strip.bar.light_edge(lit)
        self._pointer = (x, y) if self._is_over or (drag is not None and drag.kind == "loop") else None
        self.read()

    def _up(self, _: int, button: int) -> None:
        strip = self._strip
        drag, dragged = self._drag, self._is_dragged
        if drag is None or drag.button != button:
            return
        self._drag = None
        if drag.kind == "scrub":
            strip.hands.release()
        elif drag.kind == "paint":
            strip.paint.go_on(*self._inside())
            if held := strip.paint.let_go():
                strip.hands.reshape(held)
            elif (picked := strip.paint.picked()) is not None:
                strip.hands.pick(picked)
            elif (stroke := strip.paint.finish()) is not None:
                strip.hands.paint(stroke)
            strip.paint.draw(strip.charts())
        elif drag.kind == "loop" and dragged:
            first, last = sorted((drag.timeline.at(self._share(drag.x)), self._seconds))
            strip.hands.loop(first, last)
        elif drag.kind == "loop" or (drag.kind == "pan" and not dragged and button == 0):
            strip.hands.seek(self._seconds)

    def _double(self) -> None:
        strip = self._strip
        if self._is_over and self._inside()[1] < strip.items.ruler:
            strip.see_all()

    def _wheel(self, _: int, turn: float) -> None:
        strip = self._strip
        if not self._is_over or strip.sight.take is None:
            return
        shift, ctrl, _alt = modifiers()
        x, y = self._inside()
        pane = next((p for p in strip.panes if p.top <= y < p.bottom), None)
        if ctrl and pane is not None and pane.has_hz:
            place = 1 - (y - pane.top) / pane.height
            strip.see_hz(strip.axis.zoomed(place, ZOOM**-turn, strip.timeline.rate / 2))
        elif shift:
            strip.see(strip.timeline.moved(-turn * strip.timeline.length / 8))
        else:
            strip.see(strip.timeline.zoomed(strip.timeline.at(self._share(x)), ZOOM**-turn))
