"""Strokes that are there are found, moved, pulled, made louder and taken away; each change is one step."""

from __future__ import annotations

from fractions import Fraction

import pytest
from canvas import LIBRARY, Hand

from midistems_graph.audio.strokes import Stroke
from midistems_graph.document.graph import Address
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.model.paint import add_stroke, strokes_of
from midistems_graph.editor.model.stroke_edit import (
    all_moved,
    change_strokes,
    moved,
    remove_strokes,
    stroke_at,
    strokes_within,
    with_gain,
    with_place,
)

AREA = Stroke.parse("rectangle -40 1,200 2,900")
BRUSH = Stroke.parse("brush -12 0.05,2 1,300 2,500")
HARMONIC = Stroke.parse("harmonic -24 10 3,110 4,112")
NEAR = (0.01, 5.0)


def test_the_stroke_that_was_drawn_last_is_found_first() -> None:
    strokes = (AREA, BRUSH, HARMONIC)
    assert stroke_at(strokes, 1.5, 395, NEAR) == 1
    assert stroke_at(strokes, 1.5, 800, NEAR) == 0
    assert stroke_at(strokes, 3.5, 5 * 111, NEAR) == 2
    assert stroke_at(strokes, 3.5, 5.5 * 111, NEAR) is None
    assert stroke_at(strokes, 2.0 + 0.009, 800, NEAR) == 0 and stroke_at(strokes, 2.1, 800, NEAR) is None


def test_a_stroke_moves_in_time_and_pitch_and_never_before_the_song() -> None:
    later = moved(BRUSH, 0.5, lambda hz: 2 * hz)
    assert later.places == ((Fraction(3, 2), 600.0), (Fraction(5, 2), 1000.0)) and later.size == BRUSH.size
    assert moved(AREA, -7, lambda hz: hz).places == ((Fraction(0), 200.0), (Fraction(1), 900.0))


def test_several_strokes_move_together_and_none_begins_before_the_song() -> None:
    together = all_moved({0: AREA, 2: HARMONIC}, -3, lambda hz: hz)
    assert [float(together[k].places[0][0]) for k in (0, 2)] == [0, 2]
    assert all_moved({}, 1, lambda hz: hz) == {}


def test_a_box_finds_the_strokes_that_it_meets() -> None:
    strokes = (AREA, BRUSH, HARMONIC)
    assert strokes_within(strokes, (0.5, 1.2), (100, 250)) == {0}
    assert strokes_within(strokes, (0, 5), (100, 450)) == {0, 1, 2}
    assert strokes_within(strokes, (2.2, 2.9), (0, 9000)) == frozenset()
    assert strokes_within(strokes, (3, 4), (540, 560)) == {2}, "its fifth harmonic goes from 550 to 560 Hz"
    assert strokes_within(strokes, (3, 4), (565, 655)) == frozenset()


def test_several_strokes_are_changed_and_deleted_in_one_step() -> None:
    hand = Hand("song=io.load; a=filter.gain", "song.out -> a.signal")
    editor, port = hand.editor, Address.parse("song.out")
    for stroke in (AREA, BRUSH, HARMONIC):
        edit, port = add_stroke(editor.state, LIBRARY, editor.insight, port, stroke)
        editor.apply(edit)
    editor.apply(change_strokes(editor.state, LIBRARY, port, {0: with_gain(AREA, 6), 2: with_gain(HARMONIC, 6)}))
    assert [Stroke.parse(text).gain_db for text in strokes_of(editor.state, port)] == [6, -12, 6]
    editor.apply(remove_strokes(editor.state, LIBRARY, port, {0, 2}))
    assert strokes_of(editor.state, port) == (str(BRUSH),)
    assert editor.undo() == "delete 2 strokes" and editor.undo() == "change 2 strokes"


def test_a_corner_is_pulled_alone_and_a_level_stays_within_its_range() -> None:
    assert with_place(AREA, 1, 2.5, 1000).places == (AREA.places[0], (Fraction(5, 2), 1000.0))
    assert with_gain(AREA, -300).gain_db == -120 and with_gain(AREA, 6).places == AREA.places


def test_changes_are_steps_of_the_history_and_leave_other_strokes_alone() -> None:
    hand = Hand("song=io.load; a=filter.gain", "song.out -> a.signal")
    editor, port = hand.editor, Address.parse("song.out")
    for stroke in (AREA, BRUSH):
        edit, port = add_stroke(editor.state, LIBRARY, editor.insight, port, stroke)
        editor.apply(edit)
    editor.apply(change_strokes(editor.state, LIBRARY, port, {0: with_gain(AREA, 6)}))
    assert strokes_of(editor.state, port) == ("rectangle 6 1,200 2,900", str(BRUSH))
    editor.apply(remove_strokes(editor.state, LIBRARY, port, {0}))
    assert strokes_of(editor.state, port) == (str(BRUSH),)
    with pytest.raises(Refused, match="no such stroke"):
        remove_strokes(editor.state, LIBRARY, port, {1})
    assert editor.undo() == "delete rectangle" and editor.undo() == "change rectangle"
    assert strokes_of(editor.state, port) == (str(AREA), str(BRUSH))
