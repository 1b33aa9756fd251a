from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from midistems_graph.editor.model.recent import MOST, Recent
from midistems_graph.editor.model.settings import Settings
from midistems_graph.editor.model.shortcuts import Shortcuts


def test_settings_come_back_as_they_were_saved(tmp_path: Path) -> None:
    chosen = Settings("light", 1.5, (1600, 900), "USB", 1024, False, ("io.load",), Shortcuts().rebound("mute", "J"))
    chosen = replace(chosen, volume_db=-12.0, band=(60.0, 250.0))
    assert chosen.save(tmp_path) and Settings.load(tmp_path) == (chosen, [])
    assert [p.name for p in tmp_path.iterdir()] == ["settings.json"]


def test_missing_or_damaged_settings_are_the_usual_ones(tmp_path: Path) -> None:
    assert Settings.load(tmp_path) == (Settings(), [])
    (tmp_path / "settings.json").write_text("{[")
    assert Settings.load(tmp_path) == (Settings(), [])


def test_only_what_cannot_be_used_is_lost_and_said() -> None:
    data = {"theme": "pink", "ui_scale": 99, "window": [1, 2], "block": True, "device": "USB", "unknown": 1}
    data |= {"volume_db": 20, "band": [300, 20]}
    found, said = Settings.from_data(data)
    assert found == replace(Settings(), device="USB") and len(said) == 6


def test_a_used_node_type_comes_first_and_once() -> None:
    settings = Settings().with_recent_type("a").with_recent_type("b").with_recent_type("a")
    assert settings.recent_types == ("a", "b")


def test_recent_files_are_kept_in_order_and_shown_while_they_are_there(tmp_path: Path) -> None:
    recent = Recent()
    for i in range(MOST + 5):
        recent = recent.with_graph(tmp_path / f"{i}.json")
    recent = recent.with_graph(tmp_path / "7.json").with_song(tmp_path / "Пісня.wav")
    (tmp_path / "7.json").touch()
    assert recent.save(tmp_path / "state") and Recent.load(tmp_path / "state") == recent
    assert len(recent.graphs) == MOST and recent.graphs[0] == tmp_path / "7.json"
    assert recent.there == Recent((tmp_path / "7.json",), ())


def test_what_a_song_is_heard_with_is_remembered_with_it_and_forgotten_with_it(tmp_path: Path) -> None:
    song, dry = tmp_path / "song.wav", tmp_path / "dry.wav"
    dry.touch()
    recent = Recent().with_song(song, {"dry": dry, "gone": tmp_path / "gone.wav"})
    assert recent.save(tmp_path / "state") and Recent.load(tmp_path / "state") == recent
    assert recent.inputs_of(song) == {"dry": dry} and recent.inputs_of(dry) == {}
    assert not recent.with_song(song).inputs
    for i in range(MOST):
        recent = recent.with_song(tmp_path / f"{i}.wav")
    assert not recent.inputs


def test_a_damaged_list_of_recent_files_is_empty(tmp_path: Path) -> None:
    (tmp_path / "recent.json").write_text('{"graphs": [1, "", "a\\u0000b"], "songs": "x", "inputs": {"s": 1, "": {}}}')
    assert Recent.load(tmp_path) == Recent()
