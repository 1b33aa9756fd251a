"""The receipt: whole or not there, shared by runs, never believed when it is not ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.audio.files import file_digest
from midistems_graph.engine import locks
from midistems_graph.engine import receipt_book as module
from midistems_graph.engine.locks import made_alone
from midistems_graph.engine.receipt import RECEIPT, Entry, Receipt
from midistems_graph.engine.receipt_book import LOG, Book, read_receipt, updated

posix = pytest.mark.skipif(os.name != "posix", reason="fcntl is POSIX's")

ENTRY = Entry(song="s1", song_name="Demo", node="save", stem="vocals", digest="d1", bytes=3)


def add_song(receipt: Receipt, digest: str, graph_hash: str = "g1", scores: Any = None) -> None:
    receipt.add_song(
        digest, "Demo", graph={"nodes": {}}, graph_hash=graph_hash, inputs={}, scores=scores or {}, libraries={}
    )


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    problems: list[str] = []
    with updated(tmp_path, problems) as receipt:
        receipt.outputs["Demo/Bj\u00f6rk\udc80.wav"] = ENTRY
        receipt.add_song(
            "s1",
            "Demo \udcff",
            graph={"nodes": {"a": {"knobs": {"x": 0.1, "y": [1, True, None]}}}},
            graph_hash="g1",
            inputs={"song": "i1"},
            scores={"vocals": {"si_sdr": 7.25, "null": float("-inf")}},
            libraries={"numpy": "2.0"},
        )
    assert read_receipt(tmp_path) == (receipt, "") and not problems
    assert receipt.songs["s1"]["scores"] == {"vocals": {"si_sdr": 7.25, "null": "-inf"}}
    assert {path.name for path in tmp_path.iterdir()} == {RECEIPT}
    data = json.loads((tmp_path / RECEIPT).read_bytes())
    assert (data["format"], data["version"]) == ("midistems-receipt", 1)


def test_one_output_is_one_line(tmp_path: Path) -> None:
    with updated(tmp_path, []) as receipt:
        receipt.outputs = {"b.wav": ENTRY, "a.wav": ENTRY}
    lines = [line for line in (tmp_path / RECEIPT).read_text().splitlines() if ".wav" in line]
    assert [line.split(":")[0] for line in lines] == [' "a.wav"', ' "b.wav"']


def test_no_change_leaves_the_file_untouched(tmp_path: Path) -> None:
    for _ in range(2):
        with updated(tmp_path, []) as receipt:
            add_song(receipt, "s1")
            receipt.songs["s1"]["made"] = "2020-01-01T00:00:00+00:00"
    inode = (tmp_path / RECEIPT).stat().st_ino
    with updated(tmp_path, []) as receipt:
        add_song(receipt, "s1")
    assert (tmp_path / RECEIPT).stat().st_ino == inode
    assert receipt.songs["s1"]["made"].startswith("2020")


def test_nothing_to_tell_makes_no_file_and_the_last_entry_can_go(tmp_path: Path) -> None:
    with updated(tmp_path, []):
        pass
    assert not any(tmp_path.iterdir())
    with updated(tmp_path, []) as receipt:
        receipt.outputs["a.wav"] = ENTRY
    with updated(tmp_path, []) as receipt:
        del receipt.outputs["a.wav"]
    assert read_receipt(tmp_path) == (Receipt(), "") and (tmp_path / RECEIPT).exists()


def test_graphs_that_nothing_names_are_dropped(tmp_path: Path) -> None:
    receipt = Receipt()
    add_song(receipt, "s1", "g1")
    add_song(receipt, "s2", "g1")
    add_song(receipt, "s1", "g2")
    assert set(receipt.graphs) == {"g1", "g2"}
    add_song(receipt, "s2", "g2")
    assert set(receipt.graphs) == {"g2"}


def valid() -> dict[str, Any]:
    entry = {"song": "s", "song_name": "n", "node": "v", "stem": "x", "digest": "d", "bytes": 1, "key": "", "graph": ""}
    return {"format": "midistems-receipt", "version": 1, "graphs": {}, "songs": {}, "outputs": {"a.wav": entry}}


def changed(where: str, value: object) -> str:
    data: Any = valid()
    *path, last = where.split("/")
    inner = data
    for name in path:
        inner = inner[name]
    inner[last] = value
    return json.dumps(data)


def with_path(path: str) -> str:
    return changed("outputs", {path: valid()["outputs"]["a.wav"]})


DAMAGED = [
    *("", "{", "[]", "null", "\udcff", '{"format": "midistems-receipt"}', "[" * 100_000, json.dumps(valid())[:-20]),
    *(changed("format", "other"), changed("version", 2), changed("graphs", 1), changed("outputs", [])),
    *(changed("songs", {"s": {"graph": []}}), changed("songs", {"s": "x"}), changed("graphs", {"g": float("nan")})),
    *(changed("outputs/a.wav/bytes", "1"), changed("outputs/a.wav/digest", None), changed("outputs/a.wav", {})),
    *(changed("outputs/a.wav/figures", []), changed("outputs/a.wav/figures", {"peak": "loud"})),
    *map(with_path, ["/etc/passwd", "../a.wav", "a/../b.wav", "a//b", "C:\\a.wav", "c:a.wav", "\0"]),
    json.dumps(valid()).replace('"bytes": 1', '"bytes": 1e999'),
]


def test_the_receipt_that_the_damaged_ones_start_from_is_sound(tmp_path: Path) -> None:
    (tmp_path / RECEIPT).write_text(json.dumps(valid()))
    receipt, reason = read_receipt(tmp_path)
    assert list(receipt.outputs) == ["a.wav"] and not reason


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_what_is_damaged_or_foreign_is_set_aside_and_said(tmp_path: Path, text: str) -> None:
    raw = text.encode(errors="surrogateescape")
    (tmp_path / RECEIPT).write_bytes(raw)
    (tmp_path / f"{RECEIPT}.damaged").write_text("an older one")
    problems: list[str] = []
    with updated(tmp_path, problems) as receipt:
        assert receipt == Receipt()
        receipt.outputs["a.wav"] = ENTRY
    assert (tmp_path / f"{RECEIPT}.damaged-2").read_bytes() == raw
    assert (tmp_path / f"{RECEIPT}.damaged").read_text() == "an older one"
    assert len(problems) == 1 and "midistems.json.damaged-2" in problems[0]
    assert list(read_receipt(tmp_path)[0].outputs) == ["a.wav"]


def test_a_link_or_a_folder_in_its_place_is_not_believed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text(json.dumps(valid()))
    out = tmp_path / "out"
    out.mkdir()
    for place in (lambda path: path.symlink_to(elsewhere), Path.mkdir):
        place(out / RECEIPT)
        problems: list[str] = []
        with updated(out, problems) as receipt:
            assert receipt == Receipt()
            receipt.outputs["b.wav"] = ENTRY
        assert problems and (out / RECEIPT).is_file()
        (out / RECEIPT).unlink()
    assert json.loads(elsewhere.read_text()) == valid()


def test_a_full_disk_keeps_the_old_receipt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with updated(tmp_path, []) as receipt:
        receipt.outputs["a.wav"] = ENTRY

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "sync", full)
    with pytest.raises(OSError), updated(tmp_path, []) as receipt:
        receipt.outputs["b.wav"] = ENTRY
    assert list(read_receipt(tmp_path)[0].outputs) == ["a.wav"]
    assert {path.name for path in tmp_path.iterdir()} == {RECEIPT}


NO_LOCKS = """
import errno, fcntl
def flock(*_):
    raise OSError(errno.ENOLCK, "no locks available")
fcntl.flock = flock
"""
"""What a network file system without locks says."""


@pytest.mark.parametrize("first", ["", pytest.param(NO_LOCKS, marks=posix)], ids=["locks", "no locks"])
def test_processes_lose_none_of_each_others_entries(tmp_path: Path, first: str) -> None:
    code = (
        first
        + """
import sys
from pathlib import Path
from midistems_graph.engine import receipt_book as receipt
from midistems_graph.engine.receipt import Entry
from midistems_graph.engine.receipt_book import updated
receipt.SHORT = 2000
for i in range(40):
    with updated(Path(sys.argv[1]), []) as receipt:
        receipt.outputs[f"{sys.argv[2]}-{i}.wav"] = Entry("s", "n", "v", "x", "d", 1)
"""
    )
    runs = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in ("a", "b", "c")]
    assert [run.wait(60) for run in runs] == [0, 0, 0]
    assert len(read_receipt(tmp_path)[0].outputs) == 120
    Book(tmp_path).settle()
    assert len(read_receipt(tmp_path)[0].outputs) == 120
    assert {path.name for path in tmp_path.iterdir()} == {RECEIPT}


def test_a_killed_holder_of_the_lock_blocks_nobody(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from midistems_graph.engine.receipt_book import updated
with updated(Path(sys.argv[1]), []):
    os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode != 0
    assert (tmp_path / module.LOCK).exists()
    with updated(tmp_path, []) as receipt:
        receipt.outputs["a.wav"] = ENTRY
    assert {path.name for path in tmp_path.iterdir()} == {RECEIPT}


def test_a_lock_file_that_was_left_behind_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "STALE", 0.1)
    (tmp_path / "made").write_bytes(b"of one that died")
    with made_alone(tmp_path / "made"):
        assert [path.name for path in tmp_path.iterdir()] == ["made"]
    assert not list(tmp_path.iterdir())


CHANGE = st.tuples(st.booleans(), st.sampled_from("abcde"), st.one_of(st.none(), st.integers(0, 9)))


@given(st.lists(CHANGE, max_size=30), st.sampled_from([0, 300, 1 << 18]), st.data())
def test_a_receipt_with_a_log_is_what_it_would_be_without(
    changes: list[tuple[bool, str, int | None]], short: int, data: st.DataObject
) -> None:
    with TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        folder, expected = Path(place), dict[str, Entry]()
        patch.setattr(module, "SHORT", short)
        books = Book(folder), Book(folder)
        for first, name, number in changes:
            with books[not first].updated([]) as receipt:
                if number is None:
                    receipt.outputs.pop(name, None)
                    expected.pop(name, None)
                else:
                    receipt.outputs[name] = expected[name] = replace(ENTRY, bytes=number)
            if (folder / LOG).exists() and data.draw(st.booleans()):  # a killed run's
                with (folder / LOG).open("ab") as file:
                    file.write(b'{"outputs": {"a": nu')
            assert books[first].read()[0].outputs == read_receipt(folder)[0].outputs == expected
        books[0].settle()
        assert not (folder / LOG).exists() and read_receipt(folder)[0].outputs == expected


@posix
def test_a_log_that_is_a_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHORT", 0)
    (tmp_path / "out").mkdir()
    with updated(tmp_path / "out", []) as receipt:
        receipt.outputs["a.wav"] = ENTRY
    (tmp_path / "elsewhere").write_bytes(b"")
    (tmp_path / "out" / LOG).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError), updated(tmp_path / "out", []) as receipt:
        receipt.outputs["b.wav"] = ENTRY
    assert (tmp_path / "elsewhere").read_bytes() == b""


def test_the_digest_of_a_file_is_blake3_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    assert file_digest(tmp_path / "a") == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
