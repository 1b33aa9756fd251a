"""Modifiers of quick and of slow fingers, told by frames that know no order."""

from __future__ import annotations

from midistems_graph.editor.model.held_keys import HeldKeys


def test_a_modifier_that_goes_up_in_the_frame_of_its_key_counts() -> None:
    keys = HeldKeys()
    keys.pressed("Ctrl")
    assert keys.counting(()) == {"Ctrl"}


def test_the_next_key_is_alone_when_the_modifier_goes_up_in_its_frame() -> None:
    keys = HeldKeys()
    keys.pressed("Ctrl")
    assert keys.counting({"Ctrl"}) == {"Ctrl"}
    assert keys.counting(()) == frozenset()


def test_a_modifier_that_stays_down_counts_for_every_key() -> None:
    keys = HeldKeys()
    for _ in range(3):
        keys.pressed("Ctrl")
        assert keys.counting({"Ctrl"}) == {"Ctrl"}


def test_a_key_may_be_told_before_the_modifier_that_went_down_with_it() -> None:
    keys = HeldKeys()
    assert keys.counting({"Ctrl"}) == {"Ctrl"}
    keys.pressed("Ctrl")
    assert keys.counting(()) == frozenset()


def test_a_modifier_that_is_pressed_again_counts_again() -> None:
    keys = HeldKeys()
    keys.pressed("Ctrl")
    keys.counting({"Ctrl"})
    keys.released("Ctrl")
    assert keys.counting(()) == frozenset()
    keys.pressed("Ctrl")
    keys.pressed("Shift")
    assert keys.counting({"Shift"}) == {"Ctrl", "Shift"}
