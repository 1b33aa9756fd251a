"""The strip under the canvas: pictures of what is heard over time, with ruler, frequencies, playhead and loop."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from midistems_graph.audio.strokes import Stroke
from midistems_graph.editor.model.paint import Tool
from midistems_graph.editor.model.plane import Rect
from midistems_graph.editor.model.timeline import Timeline
from midistems_graph.editor.model.views import Views
from midistems_graph.editor.pictures.axes import FrequencyAxis
from midistems_graph.editor.pictures.painting import Look
from midistems_graph.editor.pictures.wishes import Made, Wish
from midistems_graph.editor.view.palette import STEM_INKS, Palette
from midistems_graph.editor.view.panes import Chart, Pane, Sight, panes_of
from midistems_graph.editor.view.strip_bar import BAR, StripBar
from midistems_graph.editor.view.strip_hand import Hands, StripHand
from midistems_graph.editor.view.strip_items import StripItems
from midistems_graph.editor.view.strip_paint import StripPaint
from midistems_graph.editor.view.textures import Textures

LOWEST_HZ = 30.0


class Strip:
    """The strip in a parent. It shows a sight; what pictures it wants is `wishes`, which `accept` takes."""

    def __init__(self, parent: int, palette: Palette, scale: float, textures: Textures, hands: Hands) -> None:
        self.palette, self.scale, self.textures, self.hands = palette, scale, textures, hands
        self._parent = parent
        self.sight, self.views = Sight(), Views()
        self.timeline, self.axis = Timeline(), FrequencyAxis(LOWEST_HZ, 22050.0)
        self.panes: tuple[Pane, ...] = ()
        self.changed = True
        """Other pictures are wanted than when this was last set to False."""
        self.area = Rect(0, 0, 100, 100)
        self.made: dict[str, Made] = {}
        self._at = 0.0
        self.bar = StripBar(parent, palette, scale, hands.do, hands.choose, hands.take)
        self._below = int(dpg.add_group(parent=parent, pos=(0, int(BAR * scale))))
        self._draw = dpg.add_drawlist(100, 100, parent=self._below)
        self.items = StripItems(self._draw, palette, scale)
        self.paint = StripPaint(self.items.strokes, palette)
        self.hand = StripHand(self, self._draw)

    def close(self) -> None:
        """Take all of it out of the window."""
        self.hand.close()
        dpg.delete_item(self._parent, children_only=True)

    # What is shown

    def bind(self, seconds: float, rate: int) -> None:
        """Another song: all of it is seen."""
        self.timeline = Timeline.of(seconds, rate)
        self._look_at_all_hz(rate / 2)
        self.made.clear()
        self._rearrange()

    def look(
        self,
        sight: Sight,
        views: Views,
        tool: Tool | None = None,
        strokes: tuple[Stroke, ...] = (),
        chosen: frozenset[int] = frozenset(),
    ) -> None:
        """Show something else, or in another way; with a tool the pointer paints, or changes the chosen strokes."""
        paint = self.paint
        painted = (tool, strokes, chosen) != (paint.tool, paint.strokes, paint.chosen)
        paint.tool, paint.strokes, paint.chosen = tool, strokes, chosen
        if (sight, views) != (self.sight, self.views):
            rescaled = views.scale != self.views.scale
            self.sight, self.views = sight, views
            if rescaled:
                self._look_at_all_hz(self.highest_hz)
            self._rearrange()
        elif painted:
            self.paint.draw(self.charts())
        self.bar.show(self.views, self.sight, tool)

    def place(self, area: Rect) -> None:
        self.area = area
        width, height = max(area.width, 1.0), max(area.height - BAR * self.scale, 1.0)
        dpg.configure_item(self._draw, width=int(width), height=int(height))
        dpg.configure_item(self._below, pos=(0, int(BAR * self.scale)))
        self.bar.place(area.width)
        self._rearrange()

    def recolor(self, palette: Palette, scale: float) -> None:
        self.scale = self.items.scale = scale
        self.palette = self.items.palette = self.paint.palette = palette
        self.bar.recolor(palette, scale)
        self.place(self.area)

    def mark(self, at: float, loop: tuple[float, float] | None, *, playing: bool) -> None:
        """Show where the playhead and the loop are, in seconds; while it plays the view follows."""
        if playing and not self.hand.is_busy:
            self.see(self.timeline.following(self._at, at))
        self._at = at
        timed = not self.panes or any(pane.timed for pane in self.panes)
        there = (at, self.hand.loop or loop) if timed else (-1.0, None)
        self.items.mark(self.timeline, self.width, self.height, *there)

    def accept(self, made: Made) -> None:
        """A picture has come."""
        pane = next((p for p in self.panes if (p.name, p.take) == (made.wish.pane, made.wish.take)), None)
        if pane is None:
            return
        self.made[pane.name] = made
        if made.picture is not None:
            self.textures.put(f"strip {pane.name}", made.picture)
        self.items.draw_pictures(self.panes, self.made, self.textures, self.timeline, self.axis, self.width)
        self.hand.read()

    def wishes(self) -> list[Wish]:
        """The pictures that are wanted now."""
        views, width = self.views, max(int(self.width), 16)
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

    def see_hz(self, axis: FrequencyAxis) -> None:
        """Another range of frequencies."""
        self.axis = axis
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
        return self.hand.is_busy

    # Drawing

    def _rearrange(self) -> None:
        """The panes are others, or elsewhere."""
        panes = panes_of(self.sight, self.views, self.height, self.items.ruler)
        kept = {(pane.name, pane.take) for pane in panes}
        for name, made in list(self.made.items()):
            if (name, made.wish.take) not in kept:
                del self.made[name]
                self.textures.drop(f"strip {name}")
        self.panes = panes
        self._redraw()

    def _redraw(self) -> None:
        self.changed = True
        self.items.draw_ruler(self.panes, self.timeline, self.axis, self.width, self.height)
        self.items.draw_pictures(self.panes, self.made, self.textures, self.timeline, self.axis, self.width)
        self.items.draw_titles(self.panes, self.sight)
        self.paint.draw(self.charts())
        self.hand.read()

    def _look_at_all_hz(self, highest: float) -> None:
        low = LOWEST_HZ if self.views.scale == "log" else 0.0
        self.axis = FrequencyAxis(low, highest, self.views.scale)

    @property
    def width(self) -> float:
        """Pixels of the time axis."""
        return max(self.area.width - self.items.left, 16.0)

    @property
    def height(self) -> float:
        return max(self.area.height - BAR * self.scale, 16.0)

    def charts(self) -> list[Chart]:
        """The panes that show the sound that can be painted."""
        painted = [p for p in self.panes if p.kind == "spectrogram" and p.take == self.sight.take]
        return [Chart(pane, self.timeline, self.axis, self.items.left, self.width) for pane in painted]
