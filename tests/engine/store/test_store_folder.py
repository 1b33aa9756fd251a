"""A store touches no folder that is not its own."""

import json
from pathlib import Path

import pytest

from midistems_graph.engine.store import DiskStore, NotAStore, default_store_folder


def test_a_folder_that_holds_other_files_is_refused_and_left_as_it_was(tmp_path):
    song = tmp_path / "song.wav"
    song.write_bytes(b"dear")
    with pytest.raises(NotAStore, match=r"midistems-store\.json"):
        DiskStore(tmp_path)
    assert list(tmp_path.iterdir()) == [song] and song.read_bytes() == b"dear"


def test_an_empty_or_new_folder_becomes_a_store(tmp_path):
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "new" / "deep"):
        DiskStore(folder).close()
        assert json.loads((folder / "midistems-store.json").read_text())["format"] == 1
        DiskStore(folder).close()


def test_a_folder_whose_making_was_interrupted_becomes_a_store(tmp_path):
    (tmp_path / "midistems-store.json").touch()
    DiskStore(tmp_path).close()


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"store": "midistems-graph", "format": 2}', '{"format": 1}'])
def test_a_marker_of_something_else_or_newer_is_refused(tmp_path, text):
    (tmp_path / "midistems-store.json").write_text(text)
    (tmp_path / "values").mkdir()
    (tmp_path / "values" / "mine.txt").touch()
    with pytest.raises(NotAStore):
        DiskStore(tmp_path)
    assert (tmp_path / "values" / "mine.txt").exists()


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotAStore):
        DiskStore(tmp_path / "file")


def test_clearing_leaves_files_that_are_not_values(tmp_path):
    with DiskStore(tmp_path / "store") as store:
        stranger = store.folder / "values" / "ab" / "notes.txt"
        stranger.parent.mkdir()
        stranger.touch()
        store.clear()
        store.verify()
        assert stranger.exists()


def test_the_folder_can_be_told_by_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("MIDISTEMS_STORE", str(tmp_path / "here"))
    assert default_store_folder() == tmp_path / "here"
    monkeypatch.delenv("MIDISTEMS_STORE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert default_store_folder().name == "store"
    assert Path.home() in default_store_folder().parents
