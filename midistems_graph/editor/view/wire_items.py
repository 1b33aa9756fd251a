"""An edge on the canvas: a curve in the colour of what flows, thicker when it is meant, and the stems it carries."""

from __future__ import annotations

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from midistems_graph.document.colors import style_of
from midistems_graph.editor.model.plane import Rect
from midistems_graph.editor.model.scene_items import Wire
from midistems_graph.editor.model.shape import SMALL_SIZE
from midistems_graph.editor.view.camera import Measure
from midistems_graph.editor.view.decoration import WHOLE
from midistems_graph.editor.view.palette import Color, Palette, faded, mixed, wire_color
from midistems_graph.editor.view.scripts import seen

FAR, PIECE, PIECES = 2.6, 20.0, (5, 9)
"""World units per pixel from which on a curve has straight pieces of so many pixels, and the least and most of them.

Near by Dear PyGui chooses.
"""

LEAST = 0.6
"""How far thin lines may shrink with the zoom."""


DOT = 4.0
"""Radius of the points that an edge is led through."""

PLACES = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82)
"""Where along an edge its words may stand, the best first."""

Free = Callable[[Rect, str], bool]
"""Whether no card, and no words of another edge, lie on a part of the canvas."""


class WireItem:
    """The items of one edge. `scale` is that of the canvas, for lines are whole pixels wide. Words stand where it is
    `free`."""

    def __init__(self, wire: Wire, palette: Palette, measure: Measure, free: Free, layer: int | str) -> None:
        self.wire, self.palette, self.measure, self._free = wire, palette, measure, free
        self.chosen = self.hovered = self.playing = self.shown = False
        self.scale = 1.0
        self.words = ""
        self.words_rect: Rect | None = None
        """Where the words are."""
        self._named = False
        self.root = dpg.add_draw_node(parent=layer, show=False)
        self._label = 0
        self._glow: int = 0
        self.curves: list[int] = []
        self._line = int(dpg.add_draw_node(parent=self.root))
        self._draw()

    def redraw(self, wire: Wire) -> None:
        """The edge runs elsewhere or carries another kind of value."""
        before, self.wire = self.wire, wire
        if len(wire.track.pieces) == len(self.curves) == 1:
            p1, p2, p3, p4 = wire.track.pieces[0]
            dpg.configure_item(self.curves[0], p1=p1, p2=p2, p3=p3, p4=p4)
        else:
            self._draw()
        if (before.kind, before.quiet) != (wire.kind, wire.quiet):
            self._paint()
        self._draw_glow()
        self.settle()

    def _draw(self) -> None:
        """The curves, and a dot where they meet."""
        dpg.delete_item(self._line, children_only=True)
        color, width, segments = self._color, self._width, self._pieces
        self.curves = [
            int(dpg.draw_bezier_cubic(*piece, color=color, thickness=width, segments=segments, parent=self._line))
            for piece in self.wire.track.pieces
        ]
        for point in self.wire.track.points:
            dpg.draw_circle(point, DOT, color=color, fill=color, segments=12, parent=self._line)

    def _paint(self) -> None:
        if self.wire.track.points:
            self._draw()
        else:
            dpg.configure_item(self.curves[0], color=self._color, thickness=self._width, segments=self._pieces)

    def _draw_glow(self) -> None:
        """What shows that it is heard, behind the curves."""
        if self._glow:
            dpg.delete_item(self._glow)
            self._glow = 0
        if self.playing:
            self._glow = int(dpg.add_draw_node(parent=self.root, before=self._line))
            for piece in self.wire.track.pieces:
                dpg.draw_bezier_cubic(*piece, color=self._glowing, thickness=14, parent=self._glow)

    def delete(self) -> None:
        dpg.delete_item(self.root)

    def show(self, shown: bool) -> None:
        if shown != self.shown:
            self.shown = shown
            dpg.configure_item(self.root, show=shown)

    def look(self, *, chosen: bool, hovered: bool, playing: bool) -> None:
        """Whether it is selected, under the pointer, and heard."""
        if (chosen, hovered, playing) == (self.chosen, self.hovered, self.playing):
            return
        heard = playing != self.playing
        self.chosen, self.hovered, self.playing = chosen, hovered, playing
        self._paint()
        if heard:
            self._draw_glow()

    def fit(self, scale: float) -> None:
        """The canvas shows so many world units per pixel."""
        if scale != self.scale:
            self.scale = scale
            self._paint()

    def set_words(self, words: str, shown: bool) -> None:
        """What is written on it: the stems that it carries, its level."""
        if words != self.words:
            self.words = words
            if self._label:
                dpg.delete_item(self._label)
                self._label = 0
        self._named = shown
        self.settle()

    def settle(self) -> None:
        """Put the words where no card hides them; without such a place they are not shown."""
        self.words_rect = rect = self._spot() if self._named and self.words else None
        if rect is not None:
            self._label = self._label or self._drawn_label()
            dpg.apply_transform(self._label, dpg.create_translation_matrix([rect.left + 6, rect.center[1]]))
        if self._label:
            dpg.configure_item(self._label, show=rect is not None)

    def _spot(self) -> Rect | None:
        track, width = self.wire.track, self.measure(self.words, SMALL_SIZE)
        if width + 24 >= abs(track.end[0] - track.start[0]):
            return None
        for place in PLACES:
            x, y = track.at(place)
            rect = Rect(x - width / 2 - 6, y - 9, x + width / 2 + 6, y + 9)
            if self._free(rect, self.wire.id):
                return rect
        return None

    def _drawn_label(self) -> int:
        label, width = int(dpg.add_draw_node(parent=self.root)), self.measure(self.words, SMALL_SIZE)
        ground, color = faded(self.palette.ground, 215), mixed(self._color, self.palette.text, 0.45)
        dpg.draw_rectangle((-4, -7), (width + 4, 7), fill=ground, color=ground, rounding=3, parent=label)
        dpg.draw_text((0, -6), seen(self.words), size=SMALL_SIZE, color=color, parent=label)
        return label

    @property
    def _color(self) -> Color:
        color = wire_color(self.wire.kind, self.palette, self.wire.quiet)
        if self.chosen:
            return mixed(color, self.palette.text, 0.65)
        return mixed(color, self.palette.text, 0.25) if self.hovered else color

    @property
    def _glowing(self) -> Color:
        return faded(self.palette.accent, 70)

    @property
    def _pieces(self) -> int:
        """Straight pieces of each curve, 0 for as many as Dear PyGui thinks right."""
        if self.scale < FAR:
            return 0
        (x0, y0), (x1, y1) = self.wire.track.start, self.wire.track.end
        wanted, (least, most) = round((abs(x1 - x0) + abs(y1 - y0)) / self.scale / PIECE), PIECES
        return min(max(wanted, least), most)

    @property
    def _width(self) -> float:
        width = style_of(self.wire.kind).width + (1.5 if self.chosen else 1.0 if self.hovered or self.playing else 0.0)
        return max(round(width * max(1 / self.scale, LEAST)), 1) * WHOLE * self.scale
