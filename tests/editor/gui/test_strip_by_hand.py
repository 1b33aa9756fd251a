"""The strip of pictures under a real mouse: zoom, move, go to, loop, pull, paint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from driver import Driver

from midistems_graph.audio.strokes import Stroke
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.takes import Take
from midistems_graph.editor.model.paint import Tool
from midistems_graph.editor.model.views import Views
from midistems_graph.editor.pictures.wishes import Made
from midistems_graph.editor.view.panes import Sight
from midistems_graph.editor.view.strip import Strip
from midistems_graph.editor.view.strip_hand import Hands
from midistems_graph.editor.view.textures import Textures

pytestmark = pytest.mark.gui

SECONDS, RATE = 100.0, 44100
TAKE = Take.of(Address("song", "out"))


@dataclass
class Bar:
    """A strip in the window, and what it asked for."""

    gui: Driver
    strip: Strip
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def at(self, share: float, place: float) -> tuple[int, int]:
        """The pixel at a share of the time axis and a place of the spectrogram's height (0 at its lower edge)."""
        area, (pane,) = self.strip.area, [pane for pane in self.strip.panes if pane.has_hz]
        top = area.bottom - self.strip.height
        x = area.right - self.strip.width + share * self.strip.width
        return round(x), round(top + pane.bottom - place * pane.height)

    def to(self, share: float, place: float = 0.5) -> None:
        self.gui.x("mousemove", *self.at(share, place))

    def drag(self, *path: tuple[float, float], button: int = 1) -> None:
        self.to(*path[0])
        self.gui.x("mousedown", button)
        for share, place in path[1:]:
            self.to(share, place)
        self.gui.x("mouseup", button)


@pytest.fixture
def bar(gui: Driver) -> Iterator[Bar]:
    bench, asked = gui.bench, []

    def ask(name: str):  # type: ignore[no-untyped-def]
        return lambda *arguments: asked.append((name, *arguments))

    hands = Hands(*map(ask, ("seek", "loop", "unloop", "resize", "do", "choose", "take", "paint", "pick", "reshape")))
    bench.show_listening(260)
    strip = Strip(bench.listening_area, bench.window.palette, bench.window.scale, Textures(), hands)
    strip.place(bench.layout.listening)
    strip.bind(SECONDS, RATE)
    strip.look(Sight(TAKE, "audio"), Views())
    gui.step(3)
    yield Bar(gui, strip, asked)
    strip.close()
    bench.show_listening(0)


def test_the_wheel_zooms_at_the_pointer_and_shift_moves(bar: Bar) -> None:
    bar.to(0.25)
    moment = bar.strip.timeline.at(0.25)
    for _ in range(5):
        bar.gui.x("click", 4)
    assert bar.strip.timeline.length == pytest.approx(SECONDS / 1.25**5)
    assert bar.strip.timeline.share(moment) == pytest.approx(0.25, abs=0.002)
    start = bar.strip.timeline.start
    bar.gui.x("keydown", "shift", "click", 5, "keyup", "shift")
    assert bar.strip.timeline.start == pytest.approx(start + bar.strip.timeline.length / 8)


def test_control_and_wheel_zoom_frequencies_at_the_pointer(bar: Bar) -> None:
    bar.to(0.5, 0.5)
    hz = bar.strip.axis.hz(0.5)
    bar.gui.x("keydown", "ctrl", "click", 4, "click", 4, "keyup", "ctrl")
    assert bar.strip.axis.high < RATE / 2 and bar.strip.axis.place(hz) == pytest.approx(0.5, abs=0.02)
    assert bar.strip.timeline.is_whole


def test_a_click_goes_there_a_drag_loops_and_the_right_button_ends_it(bar: Bar) -> None:
    bar.drag((0.5, 0.5))
    bar.drag((0.7, 0.4), (0.6, 0.5), (0.2, 0.6))
    bar.drag((0.5, 0.5), button=3)
    (seek, at), (loop, first, last), (unloop,) = bar.asked
    assert (seek, loop, unloop) == ("seek", "loop", "unloop")
    assert at == pytest.approx(50, abs=0.2) and (first, last) == pytest.approx((20, 70), abs=0.3)


def test_the_middle_button_moves_the_song(bar: Bar) -> None:
    bar.strip.see(bar.strip.timeline.zoomed(50, 0.1))
    start, length = bar.strip.timeline.start, bar.strip.timeline.length
    bar.drag((0.5, 0.5), (0.4, 0.5), (0.3, 0.5), button=2)
    assert bar.strip.timeline.start == pytest.approx(start + 0.2 * length, rel=0.01)
    assert bar.asked == []


def test_it_is_pulled_higher_by_its_edge(bar: Bar) -> None:
    area = bar.strip.area
    bar.gui.x("mousemove", round(area.left + 300), round(area.top + 1))
    bar.gui.x("mousedown", 1)
    bar.gui.x("mousemove", round(area.left + 300), round(area.top - 59))
    bar.gui.x("mouseup", 1)
    assert bar.asked[-1] == ("resize", pytest.approx(area.height + 59, abs=1))


def test_what_is_drawn_with_a_tool_is_a_stroke(bar: Bar) -> None:
    bar.strip.look(Sight(TAKE, "audio"), Views(), Tool("rectangle", -40))
    bar.gui.step(2)
    bar.drag((0.2, 0.3), (0.3, 0.5), (0.4, 0.7))
    ((name, stroke),) = bar.asked
    assert name == "paint" and isinstance(stroke, Stroke) and stroke.shape == "rectangle"
    (first, low), (last, high) = stroke.places
    assert (float(first), float(last)) == pytest.approx((20, 40), abs=0.3)
    assert (low, high) == pytest.approx((bar.strip.axis.hz(0.3), bar.strip.axis.hz(0.7)), rel=0.08)


def test_a_stroke_is_taken_hold_of_moved_and_pulled_by_a_corner(bar: Bar) -> None:
    low, high = bar.strip.axis.hz(0.4), bar.strip.axis.hz(0.6)
    stroke = Stroke.of("rectangle", -40, [(20.0, low), (40.0, high)])
    sight = Sight(TAKE, "audio")
    bar.strip.look(sight, Views(), Tool("edit"), (stroke,))
    bar.gui.step(2)
    bar.drag((0.3, 0.5), (0.4, 0.55), (0.5, 0.6))
    (picked, reshaped) = bar.asked
    assert picked == ("pick", {0}) and reshaped[0] == "reshape" and set(reshaped[1]) == {0}
    places = [(float(seconds), hz) for seconds, hz in reshaped[1][0].places]
    assert places[0] == pytest.approx((40, bar.strip.axis.hz(0.5)), rel=0.06)
    assert places[1] == pytest.approx((60, bar.strip.axis.hz(0.7)), rel=0.06)
    bar.asked.clear()
    bar.strip.look(sight, Views(), Tool("edit"), (stroke,), frozenset({0}))
    bar.drag((0.4, 0.6), (0.45, 0.7), (0.5, 0.8))
    places = [(float(seconds), hz) for seconds, hz in bar.asked[1][1][0].places]  # type: ignore[attr-defined]
    assert places[0] == pytest.approx((20, low), rel=1e-3) and places[1][0] == pytest.approx(50, abs=0.5)
    bar.asked.clear()
    bar.drag((0.8, 0.5), (0.85, 0.5))
    assert bar.asked == [("pick", frozenset())] * 2


def test_a_box_chooses_strokes_shift_adds_and_all_of_them_are_dragged(bar: Bar) -> None:
    low, high = bar.strip.axis.hz(0.4), bar.strip.axis.hz(0.6)
    strokes = tuple(Stroke.of("rectangle", -40, [(at, low), (at + 10, high)]) for at in (10.0, 40.0, 70.0))
    sight = Sight(TAKE, "audio")
    bar.strip.look(sight, Views(), Tool("edit"), strokes)
    bar.drag((0.05, 0.3), (0.3, 0.5), (0.45, 0.7))
    assert bar.asked[-1] == ("pick", {0, 1})
    bar.strip.look(sight, Views(), Tool("edit"), strokes, frozenset({0, 1}))
    bar.gui.x("keydown", "shift")
    bar.drag((0.75, 0.5))
    bar.gui.x("keyup", "shift")
    assert bar.asked[-1] == ("pick", {0, 1, 2})
    bar.strip.look(sight, Views(), Tool("edit"), strokes, frozenset({0, 1, 2}))
    bar.drag((0.45, 0.5), (0.47, 0.5), (0.5, 0.5))
    name, changed = bar.asked[-1]
    begins = [float(changed[number].places[0][0]) for number in range(3)]
    assert name == "reshape" and begins == pytest.approx([15, 45, 75], abs=0.4)


def test_a_picture_of_another_stretch_is_moved_to_where_it_belongs(bar: Bar) -> None:
    wish = next(w for w in bar.strip.wishes() if w.kind == "spectrogram")
    white = np.ones((wish.height, wish.width, 4), np.float32)
    left_half = replace(wish, start=0.0, stop=50.0)
    bar.strip.accept(Made(left_half, white, 1.0))
    bar.gui.step(3)
    assert brightness(bar, 0.25) > 250 and brightness(bar, 0.75) < 60
    bar.strip.see(bar.strip.timeline.around(30, 70))
    bar.gui.step(3)
    assert brightness(bar, 0.3) > 250 and brightness(bar, 0.7) < 60


def brightness(bar: Bar, share: float) -> float:
    """How bright a place of the spectrogram is, 0 to 255."""
    import tempfile
    from pathlib import Path

    x, y = bar.at(share, 0.31)
    with tempfile.TemporaryDirectory() as folder:
        return float(bar.gui.picture(Path(folder) / "seen.png")[y, x, :3].mean())
