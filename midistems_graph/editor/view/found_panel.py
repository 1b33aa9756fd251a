"""What a search found, in the place of the inspector: the points of a sweep, or what every node adds.

A point is a dot over quality and cost and a line in the list below; a click on either takes its knobs. What a node adds
is a line, too, and a tag on the canvas; a click leads to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import dearpygui.dearpygui as dpg

from midistems_graph.document.boxes import fit, text_width
from midistems_graph.editor.model.plane import Point as Place
from midistems_graph.editor.model.tracks import nearest_point
from midistems_graph.editor.runs.found_search import Contribution, Found, Point
from midistems_graph.editor.view.marks import spoken
from midistems_graph.editor.view.palette import CLEAR, Palette, mixed
from midistems_graph.editor.view.signs import Badge, badge_color
from midistems_graph.editor.view.themes import FIGURE, TEXT_SIZE, add_columns, name_theme

HEIGHT, MARGIN, SMALL, DOT = 170.0, 26.0, 12.0, 4.5
"""Pixels at scale 1: of the drawing, around it, of its letters, and the radius of a point."""

BESIDE = 42
"""Pixels of padding and scrollbar beside texts."""

MOST = 60
"""Lines of the list; of larger sweeps the best points are listed, and all are drawn."""

SLIGHT = 0.05
"""What adds less than this neither helps nor hurts: tables round it to nothing."""


@dataclass(frozen=True)
class FoundHands:
    """What the panel asks for: the knobs of a point, a node to be shown, to be closed."""

    take: Callable[[Point], None]
    go: Callable[[str], None]
    close: Callable[[], None]


def badge_of(one: Contribution) -> Badge:
    """The tag of a node."""
    if math.isnan(one.adds):
        return Badge("no figure")
    if abs(one.adds) < SLIGHT:
        return Badge(f"{round(one.adds, 2) + 0.0:.2f}")
    return Badge(f"{one.adds:+.2f}", one.adds > 0)


class FoundPanel:
    """The panel in a parent; `open` it with a search."""

    def __init__(self, parent: int, hands: FoundHands) -> None:
        self.parent, self._hands = parent, hands
        self.found: Found | None = None
        self.lines: dict[str, int] = {}
        self._taken = 0
        self._spots: dict[int, Place] = {}
        self._themes: tuple[int, ...] = ()
        self._draw = self._handlers = 0

    @property
    def is_open(self) -> bool:
        return self.found is not None

    def open(self, found: Found, palette: Palette, scale: float, width: float) -> None:
        """Show a search, so many pixels wide."""
        self.close()
        self.found, self._palette, self._scale = found, palette, scale
        self._width = width - BESIDE * scale
        self._themes = name_theme(palette, palette.text), name_theme(palette, palette.accent)
        with dpg.child_window(parent=self.parent, width=-1, height=-1):
            with dpg.group(horizontal=True):
                dpg.add_text("Sweep" if found.is_sweep else "What each node adds")
                self.lines["close"] = int(dpg.add_button(label="Close (Esc)", callback=lambda: self._hands.close()))
                dpg.bind_item_theme(self.lines["close"], self._themes[0])
            songs = ", ".join(found.songs[:3]) + (f" and {len(found.songs) - 3} more" if len(found.songs) > 3 else "")
            dpg.add_text(f"{found.folder.name}: {songs}", color=palette.faint, wrap=int(self._width))
            if found.is_sweep:
                self._build_sweep(found)
            else:
                self._build_map(found)

    def close(self) -> None:
        self.found, self._taken = None, 0
        self.lines.clear()
        self._spots.clear()
        dpg.delete_item(self.parent, children_only=True)
        for item in (*self._themes, *((self._handlers,) if self._handlers else ())):
            dpg.delete_item(item)
        self._themes, self._draw, self._handlers = (), 0, 0

    def show_taken(self, number: int) -> None:
        """Which point's knobs the graph has now; 0 for none."""
        if self.found is None or number == self._taken:
            return
        before, self._taken = self._taken, number
        for one, theme in ((before, self._themes[0]), (number, self._themes[1])):
            if f"point {one}" in self.lines:
                dpg.bind_item_theme(self.lines[f"point {one}"], theme)
        self._plot(self.found)

    def spot(self, number: int) -> Place:
        """Where a point is drawn on the window, for tests."""
        x, y = self._spots[number]
        left, top = dpg.get_item_rect_min(self._draw)
        return left + x, top + y

    # A sweep

    def _build_sweep(self, found: Found) -> None:
        self._draw = int(dpg.add_drawlist(int(self._width), int(HEIGHT * self._scale)))
        with dpg.handler_registry() as handlers:
            dpg.add_mouse_click_handler(0, callback=self._clicked)
        self._handlers = int(handlers)
        self._plot(found)
        dpg.add_text(
            "A click takes the knobs of a point. Blue ones are beaten by no other.",
            color=self._palette.soft,
            wrap=int(self._width),
        )
        with self._table((", ".join(_knob(name) for name in found.points[0].settings), found.goals[0].name, "cost")):
            for point in _ranked(found)[:MOST]:
                words = ",  ".join(map(_short, point.settings.values()))
                cost = point.problem or spoken(point.values[-1])
                take = partial(self._hands.take, point)
                self._line(f"point {point.number}", words, _figure(point.values[0]), cost, take)

    def _plot(self, found: Found) -> None:
        """Points over cost and the first goal."""
        p, s, wide, high = self._palette, self._scale, self._width, HEIGHT * self._scale
        margin, small = MARGIN * s, SMALL * s
        dpg.delete_item(self._draw, children_only=True)
        there = [point for point in found.points if not any(map(math.isnan, point.values))]
        if not there:
            return
        across, up = [point.values[-1] for point in there], [point.values[0] for point in there]
        left, right, top, bottom = margin * 1.6, wide - margin * 0.6, margin * 0.8, high - margin
        for y in (top, bottom):
            dpg.draw_line((left, y), (right, y), color=p.line, parent=self._draw)
        dpg.draw_text((0, top - small / 2), _figure(max(up)), size=small, color=p.soft, parent=self._draw)
        dpg.draw_text((0, bottom - small / 2), _figure(min(up)), size=small, color=p.soft, parent=self._draw)
        dpg.draw_text((left, bottom + 6 * s), spoken(min(across)), size=small, color=p.soft, parent=self._draw)
        end = spoken(max(across))
        at = right - text_width(end, small), bottom + 6 * s
        dpg.draw_text(at, end, size=small, color=p.soft, parent=self._draw)
        name = f"{found.goals[0].name}{', low is good' if found.goals[0].low else ''}, over what it costs"
        dpg.draw_text((left, top - small - 4 * s), name, size=small, color=p.faint, parent=self._draw)
        inset = 8 * s
        for point in sorted(there, key=lambda point: (point.best, point.number == self._taken)):
            x = left + inset + _share(point.values[-1], across) * (right - left - 2 * inset)
            y = bottom - inset - _share(point.values[0], up) * (bottom - top - 2 * inset)
            self._spots[point.number] = x, y
            color = p.accent if point.best else mixed(p.faint, p.ground, 0.3)
            dpg.draw_circle((x, y), DOT * s, fill=color, color=CLEAR, parent=self._draw)
            if point.number == self._taken:
                dpg.draw_circle((x, y), (DOT + 3) * s, color=p.text, thickness=1.5 * s, parent=self._draw)

    def _clicked(self) -> None:
        if self.found is None or not dpg.is_item_hovered(self._draw):
            return
        x, y = dpg.get_mouse_pos(local=False)
        left, top = dpg.get_item_rect_min(self._draw)
        numbers = sorted(self._spots)
        near = nearest_point([self._spots[number] for number in numbers], (x - left, y - top), 14 * self._scale)
        if near is not None:
            self._hands.take(self.found.points[numbers[near] - 1])

    # An ablation map

    def _build_map(self, found: Found) -> None:
        p = self._palette
        dpg.add_text(
            f"{found.goals[0].name} with the node and without it. Green: it helps. Red: the result is better without.",
            color=p.soft,
            wrap=int(self._width),
        )
        ranked = sorted(found.contributions, key=lambda one: (math.isnan(one.adds), -one.adds))
        with self._table(("node", "adds", "cost")):
            for one in ranked:
                badge, cost = badge_of(one), spoken(max(one.seconds, 0.0))
                line = self._line(one.node, one.node, badge.words, cost, partial(self._hands.go, one.node))
                with dpg.tooltip(line):
                    words = f"{one.how}: {one.problem or badge.words}"
                    dpg.add_text(words, color=badge_color(badge, p), wrap=int(320 * self._scale))

    @contextmanager
    def _table(self, heads: Sequence[str]) -> Iterator[None]:
        with dpg.table(header_row=True, policy=dpg.mvTable_SizingFixedFit):
            size, (first, *figures) = TEXT_SIZE * self._scale, heads
            first = fit(first, size, self._width - (FIGURE + 12) * len(figures) * self._scale)
            add_columns((first, *figures), self._scale, {first: 1})
            yield

    def _line(self, name: str, words: str, value: str, cost: str, do: Callable[[], object]) -> int:
        """A row: words to click, and two figures."""
        room = self._width - 2 * (FIGURE + 12) * self._scale
        with dpg.table_row():
            label = fit(words, TEXT_SIZE * self._scale, room)
            button = int(dpg.add_button(label=label, width=-1, callback=lambda: do()))
            dpg.bind_item_theme(button, self._themes[0])
            for figure in (value, cost):
                dpg.add_text(fit(figure, TEXT_SIZE * self._scale, (FIGURE + 4) * self._scale), color=self._palette.soft)
        self.lines[name] = button
        return button


def _ranked(found: Found) -> list[Point]:
    """The points with the best value of the first goal first."""
    goal = found.goals[0]

    def rank(point: Point) -> tuple[bool, float]:
        value = point.values[0]
        return math.isnan(value), value if goal.low else -value

    return sorted(found.points, key=rank)


def _knob(name: str) -> str:
    """A knob without its node, as people read it."""
    return name.rpartition(".")[2].replace("_", " ")


def _short(value: str) -> str:
    """A setting with four digits at most, if it is a number."""
    try:
        return f"{float(value):.4g}"
    except ValueError:
        return value


def _share(value: float, among: Sequence[float]) -> float:
    low, high = min(among), max(among)
    return (value - low) / (high - low) if high > low else 0.5


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"
