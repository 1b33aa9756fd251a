"""The strip on the item tree, without a display: what it wants, what it takes, and that nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import dearpygui.dearpygui as dpg
import numpy as np
import pytest

from midistems_graph.audio.strokes import Stroke
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.takes import Take
from midistems_graph.editor.model.paint import Tool
from midistems_graph.editor.model.plane import Rect
from midistems_graph.editor.model.views import Views
from midistems_graph.editor.pictures.wishes import Made
from midistems_graph.editor.view.palette import DARK, LIGHT
from midistems_graph.editor.view.panes import GUTTER, Sight
from midistems_graph.editor.view.strip import Strip
from midistems_graph.editor.view.strip_hand import Hands
from midistems_graph.editor.view.textures import AFTER, Textures

A, B = Take.of(Address("a", "out")), Take.of(Address("b", "out"))


@pytest.fixture
def strip() -> Iterator[Strip]:
    dpg.create_context()
    with dpg.window() as window:
        pass
    made = Strip(int(window), DARK, 1.0, Textures(), Hands(lambda _: None, lambda a, b: None, lambda: None))
    made.place(Rect(0, 300, 1000, 560))
    made.bind(60.0, 44100)
    made.look(Sight(A, "audio"), Views())
    yield made
    dpg.destroy_context()


def hang(strip: Strip) -> None:
    """Give the strip all that it wants, and let some frames pass."""
    for wish in strip.wishes():
        strip.accept(Made(wish, np.zeros((wish.height, wish.width, 4), np.float32), 1.0))
    for _ in range(AFTER + 2):
        strip.textures.tick()


def count(item: int) -> int:
    return sum(1 + count(child) for slot in dpg.get_item_children(item).values() for child in slot)


def test_it_wants_a_picture_for_every_pane_of_what_is_seen(strip: Strip) -> None:
    wave, spectrogram = strip.wishes()
    assert (wave.kind, spectrogram.kind) == ("waveform", "spectrogram")
    assert {(w.start, w.stop, w.width) for w in strip.wishes()} == {(0.0, 60.0, round(1000 - GUTTER))}
    strip.changed = False
    strip.see(strip.timeline.zoomed(30, 0.5))
    assert strip.changed and strip.wishes()[0].start == pytest.approx(15)
    strip.look(Sight(A, "audio"), Views(scale="mel", channel="side", ceiling=-20, range=60))
    look = strip.wishes()[1].look
    assert (look.scale, look.floor_db, look.ceiling_db, look.light) == ("mel", -80, -20, False)
    assert strip.wishes()[1].channel == "side"
    strip.recolor(LIGHT, 1.0)
    assert strip.wishes()[1].look.light


def test_textures_and_items_stay_as_many_whatever_is_shown(strip: Strip) -> None:
    hang(strip)
    textures, items = len(strip.textures), count(strip._parent)
    for number in range(30):
        strip.see(strip.timeline.whole().zoomed(30, 0.9**number))
        strip.look(Sight(A, "audio", (A, B) if number % 2 else None), Views(shows="both" if number % 3 else "waveform"))
        hang(strip)
    strip.look(Sight(A, "audio"), Views())
    strip.see_all()
    hang(strip)
    assert len(strip.textures) == textures == 2
    assert count(strip._parent) == items


def test_a_picture_of_what_is_no_longer_shown_is_not_taken(strip: Strip) -> None:
    late = strip.wishes()
    strip.look(Sight(B, "audio"), Views())
    strip.accept(Made(late[0], np.zeros((late[0].height, late[0].width, 4), np.float32), 1.0))
    assert not strip.made and len(strip.textures) == 0
    assert not strip.textures["strip a waveform"]


def test_strokes_are_outlined_where_their_sound_is_shown(strip: Strip) -> None:
    def outlines() -> int:
        return count(strip.items.strokes)

    stroke = Stroke.parse("rectangle -40 10,200 20,900")
    strip.look(Sight(A, "audio"), Views(), Tool(), (stroke, replace(stroke, gain_db=6.0)))
    assert outlines() == 2
    strip.see(strip.timeline.around(40, 50))
    assert outlines() == 0
    strip.see_all()
    strip.look(Sight(A, "mask"), Views(), None, ())
    assert outlines() == 0


def test_the_bar_shows_choices_or_tools_in_one_place(strip: Strip) -> None:
    bar = strip.bar
    assert dpg.get_value(bar.controls["scale"]) == "log" and dpg.get_value(bar.controls["range"]) == "80 dB"
    places = dpg.get_item_pos(bar._choices), dpg.get_item_pos(bar._tools)
    assert places[0] == places[1]
    strip.look(Sight(A, "audio"), Views(), Tool("lasso", -60, 24))
    assert not dpg.is_item_shown(bar._choices) and dpg.is_item_shown(bar._tools)
    words = [dpg.get_value(bar.controls[name]) for name in ("shape", "gain_db", "size")]
    assert words == ["lasso", "-60 dB", "24 px"]
