"""A store touches no folder that is not its own."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from midistems_graph.engine.store import DiskStore, NotAStore, StoreError, default_store_folder, index
from midistems_graph.engine.store import folder as module


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


# Disks on a network

OPEN_ELSEWHERE = """
import sys
from midistems_graph.engine.store import DiskStore, folder
folder._this_machine = lambda: "another"
with DiskStore(sys.argv[1]):
    print("open", flush=True)
    sys.stdin.readline()
"""


def test_a_store_that_another_machine_has_open_is_refused_until_it_has_ended(tmp_path):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", OPEN_ELSEWHERE, str(tmp_path / "store")], **pipes) as other:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(StoreError, match=r"another machine is using the store .*--cache-dir"):
            DiskStore(tmp_path / "store")
        other.communicate("\n", timeout=60)
    assert other.returncode == 0  # it went on undisturbed
    DiskStore(tmp_path / "store").close()


def test_a_store_may_be_closed_elsewhere_while_it_is_opened(tmp_path, monkeypatch):
    other, is_held = DiskStore(tmp_path / "store"), module._is_held

    def closed_just_then(lock):
        held = is_held(lock)
        other.close()
        return held

    monkeypatch.setattr(module, "_is_held", closed_just_then)
    DiskStore(tmp_path / "store").close()
    assert not any((tmp_path / "store" / "tmp").iterdir())


def test_a_limit_that_cannot_be_kept_leaves_nothing_behind(tmp_path, monkeypatch):
    with DiskStore(tmp_path / "store") as store:
        before = sorted(store.folder.iterdir())
        monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("no room")))
        with pytest.raises(OSError, match="no room"):
            store.set_limit(1 << 30)
        assert sorted(store.folder.iterdir()) == before


def test_a_disk_without_locks_holds_no_store(tmp_path, monkeypatch):
    monkeypatch.setattr("midistems_graph.engine.store.folder.lock", lambda _, *, wait: False)
    with pytest.raises(StoreError, match=r"cannot be locked.*--cache-dir"):
        DiskStore(tmp_path / "store")


def test_a_disk_that_cannot_hold_an_index_holds_no_store_and_no_rubbish(tmp_path, monkeypatch):
    class Unmapped(sqlite3.Connection):
        def execute(self, sql, *rest):
            if "WAL" in sql:
                raise sqlite3.OperationalError("disk I/O error")
            return super().execute(sql, *rest)

    monkeypatch.setattr(index.sqlite3, "connect", lambda path, **words: Unmapped(path, **words))
    with pytest.raises(StoreError, match="disk I/O error"):
        DiskStore(tmp_path)
    assert not list(tmp_path.glob("index*"))


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
