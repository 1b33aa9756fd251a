from __future__ import annotations

import pytest

from midistems_graph.editor.model.commands import COMMANDS
from midistems_graph.editor.model.shortcuts import DEFAULTS, ChordError, Shortcuts, chord


def test_the_keys_we_ship_are_sound_and_meet_no_other() -> None:
    assert Shortcuts().conflicts == []
    assert DEFAULTS.keys() <= COMMANDS.keys()
    assert all(chord(one) == one for chords in DEFAULTS.values() for one in chords)


def test_keys_find_their_command_unless_a_text_is_being_typed() -> None:
    keys = Shortcuts()
    assert keys.command("Z", ctrl=True) == "undo"
    assert keys.command("Z", ctrl=True, shift=True) == keys.command("Y", ctrl=True) == "redo"
    assert keys.command("Z") == "" and keys.command("Delete", typing=True) == ""


def test_a_rebound_key_counts_and_conflicts_are_told() -> None:
    keys = Shortcuts().rebound("mute", "b")
    assert keys.command("B") == "mute" and keys.command("M") == ""
    assert keys.conflicts == ["B belongs to Bypass and to Mute; give all but one another key"]
    assert keys.reset("mute") == Shortcuts() == keys.rebound("mute", "M")


def test_a_command_can_be_without_a_key() -> None:
    assert Shortcuts().rebound("mute").command("M") == ""


@pytest.mark.parametrize(("written", "meant"), [("shift+ctrl+z", "Ctrl+Shift+Z"), ("f5", "F5")])
def test_chords_are_written_in_one_way(written: str, meant: str) -> None:
    assert chord(written) == meant


@pytest.mark.parametrize("text", ["", "Super+A", "Ctrl+", "Ctrl", "ä", "F13", 3, None])
def test_what_is_no_chord_is_refused_in_a_sentence(text: object) -> None:
    with pytest.raises(ChordError, match="no"):
        chord(text)


def test_a_damaged_settings_file_loses_only_what_is_damaged() -> None:
    keys, said = Shortcuts.from_data({"mute": "Ctrl+J", "fly": "F", "bypass": ["Hyper+B"], "undo": 3})
    assert keys.changed == {"mute": ("Ctrl+J",)} and len(said) == 3
    assert Shortcuts.from_data(keys.as_data()) == (keys, [])
    assert Shortcuts.from_data("nonsense") == (Shortcuts(), [])


def test_every_command_is_on_the_help_page() -> None:
    assert len(Shortcuts().listed()) == len(COMMANDS)
    assert ("edit", "Undo", "Ctrl+Z") in Shortcuts().listed()
