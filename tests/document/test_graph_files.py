from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.document.encoding import MAX_BYTES
from midistems_graph.document.files import BACKUPS, dumps, load, loads, save
from midistems_graph.document.graph import DocumentError, Graph, Node
from midistems_graph.document.identity import graph_hash
from strategies import graphs, some

HEAD = '"format": "midistems-graph", "version": 1'


def titled(title: str) -> Graph:
    return Graph(title=title).with_node("mix", Node("mix", knobs={"gain": 1.0, "name": "ä"}), at=(10, 20.5))


def refusal(content: bytes | str, name: str = "graph.json", *, folder: Path) -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DocumentError) as caught:
        load(path)
    assert str(caught.value).startswith(str(path))
    return str(caught.value).removeprefix(f"{path}: ")


@some
@given(graphs())
def test_both_encodings_keep_everything(graph: Graph) -> None:
    written = dumps(graph, "json")
    packed = dumps(loads(written, "json"), "mgraph")
    again = loads(packed, "mgraph")
    assert again == graph and graph_hash(again) == graph_hash(graph)
    assert dumps(again, "json") == written


@some
@given(graphs())
def test_json_is_for_git(graph: Graph) -> None:
    text = dumps(graph).decode()
    assert text.endswith("}\n") and "\r" not in text and "\t" not in text
    assert list(json.loads(text)) == sorted(json.loads(text))


@given(st.binary(max_size=200), st.sampled_from(["json", "mgraph"]))
def test_noise_is_refused_in_a_sentence(content: bytes, encoding: Any) -> None:
    with pytest.raises(DocumentError):
        loads(content, encoding)


@some
@given(st.data(), st.sampled_from(["json", "mgraph"]))
def test_a_file_with_a_damaged_byte_is_read_or_refused(data: st.DataObject, encoding: Any) -> None:
    content = bytearray(dumps(data.draw(graphs()), encoding))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        loads(bytes(content), encoding)
    except DocumentError as error:
        assert str(error)


@pytest.mark.parametrize("suffix", ["json", "mgraph", "JSON"])
def test_a_saved_graph_loads(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"graph.{suffix}"
    assert save(titled("one"), path) is True
    assert load(path) == titled("one")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_one_file_reads_well(tmp_path: Path) -> None:
    graph = titled("one").with_node("out", Node("io.write")).with_edge("mix.out", "out.audio[0]")
    save(graph, tmp_path / "graph.json")
    assert '\n    {"from": "mix.out", "to": "out.audio[0]"}\n' in (tmp_path / "graph.json").read_text("utf-8")


def test_a_save_that_changes_nothing_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    save(titled("one"), path)
    os.utime(path, (1, 1))
    assert save(titled("one"), path) is False
    assert path.stat().st_mtime == 1 and list(tmp_path.iterdir()) == [path]


def test_backups_are_kept_and_open(tmp_path: Path) -> None:
    path = tmp_path / "graph.mgraph"
    for i in range(BACKUPS + 3):
        save(titled(str(i)), path)
    kept = [load(tmp_path / f"graph.mgraph.bak{i + 1}").title for i in range(BACKUPS)]
    assert (load(path).title, *kept) == ("5", "4", "3", "2")
    assert len(list(tmp_path.iterdir())) == BACKUPS + 1


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("nth", range(3))
def test_a_failed_save_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, nth: int) -> None:
    path = tmp_path / "graph.json"
    for title in ("1", "2", "3", "4"):
        save(titled(title), path)
    real, calls = getattr(os, call), iter(range(100))

    def failing(*args: Any, **options: Any) -> Any:
        if next(calls) >= nth:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*args, **options)

    monkeypatch.setattr(os, call, failing)
    with pytest.raises(DocumentError, match="cannot be saved: No space left on device"):
        save(titled("5"), path)
    titles = {load(p).title for p in tmp_path.iterdir()}
    assert {"2", "3", "4"} <= titles and load(path).title in ("4", "5")
    assert not list(tmp_path.glob("*.tmp")) and not list(tmp_path.glob(".*"))


def test_a_graph_that_could_not_be_read_back_is_not_saved(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    save(titled("good"), path)
    with pytest.raises(DocumentError, match=r"not saved.*nodes.mix.knobs.gain"):
        save(titled("bad").with_knob("mix", "gain", float("nan")), path)
    assert load(path).title == "good"


def test_a_link_stays_a_link_and_permissions_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    save(titled("1"), real)
    real.chmod(0o640)
    link.symlink_to(real)
    save(titled("2"), link)
    assert link.is_symlink() and load(real).title == "2" and real.stat().st_mode & 0o777 == 0o640


def test_loading_never_writes(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text('{"format": "midistems-graph", "nodes": {"a": {"type": "mix"}}, "edges": [["a.out", "a.in"]]}')
    before = path.read_bytes()
    assert len(load(path).edges) == 1
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_byte_order_mark_is_tolerated(tmp_path: Path) -> None:
    (tmp_path / "graph.json").write_text(f"{{{HEAD}}}", encoding="utf-8-sig")
    assert load(tmp_path / "graph.json") == Graph()


def test_bad_json_names_line_and_column(tmp_path: Path) -> None:
    assert refusal(f'{{{HEAD},\n  "title": }}', folder=tmp_path).startswith("line 2, column 12: this is not JSON")


def test_a_key_that_is_there_twice_is_named_with_its_place(tmp_path: Path) -> None:
    nodes = '"nodes": {"hpss": {"type": "a"}, "hpss": {"type": "b"}}'
    assert refusal(f"{{{HEAD}, {nodes}}}", folder=tmp_path).startswith("nodes: 'hpss' is there twice")
    twice = b"\x82\xa1a\x01\xa1a\x02"
    assert "'a' is there twice" in refusal(twice, "graph.mgraph", folder=tmp_path)


def test_bad_files_are_refused_in_a_sentence(tmp_path: Path) -> None:
    assert "empty" in refusal("  \n", folder=tmp_path)
    assert "not UTF-8" in refusal(f"{{{HEAD}}}".encode("utf-16"), folder=tmp_path)
    assert "thousands of digits" in refusal(f'{{{HEAD}, "x": {"9" * 5000}}}', folder=tmp_path)
    assert "finite" in refusal(f'{{{HEAD}, "x": 1e999}}', folder=tmp_path)
    assert "finite" in refusal(f'{{{HEAD}, "x": NaN}}', folder=tmp_path)
    assert "no graph file" in refusal(f"{{{HEAD}}}", "graph.mgraph", folder=tmp_path)
    assert "no graph file" in refusal(msgpack.packb({"a": 1}) + b"more", "graph.mgraph", folder=tmp_path)
    assert "bytes cannot be kept" in refusal(msgpack.packb({"a": b"raw"}), "graph.mgraph", folder=tmp_path)
    assert "no graph file" in refusal(msgpack.packb({"a": msgpack.Timestamp(1)}), "graph.mgraph", folder=tmp_path)


def test_bombs_are_refused(tmp_path: Path) -> None:
    nested = 10 * 2**20
    assert "inside each other" in refusal("[" * nested, folder=tmp_path)
    assert "inside each other" in refusal('{"a":' * (nested // 5), folder=tmp_path)
    assert "lists and objects" in refusal("[" + "[]," * 1_100_000 + "[]]", folder=tmp_path)
    assert "not JSON" in refusal('"\\"' * 100_000, folder=tmp_path)
    assert "nested too deeply" in refusal(b"\x91" * nested, "graph.mgraph", folder=tmp_path)
    for lie in (b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff"):
        assert "no graph file" in refusal(lie, "graph.mgraph", folder=tmp_path)
    arrays = b"\x9f" + (b"\xdd\x00\x01\x86\xa0" + b"\x90" * 100_000) * 12
    assert "lists and objects" in refusal(arrays, "graph.mgraph", folder=tmp_path)
    with (tmp_path / "big.json").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(DocumentError, match="too big"):
        load(tmp_path / "big.json")


def test_paths_that_are_no_graph_files(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    said = {"folder.json": "is a folder", "none.json": "does not exist", "graph.txt": "json or .mgraph"}
    for name, words in said.items():
        with pytest.raises(DocumentError, match=words):
            load(tmp_path / name)
    with pytest.raises(DocumentError, match="does not exist"):
        save(Graph(), tmp_path / "nowhere" / "graph.json")
    with pytest.raises(DocumentError, match="null"):
        load(tmp_path / "a\0b.json")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    save(titled("1"), path)
    path.chmod(0)
    with pytest.raises(DocumentError, match="may not be read"):
        load(path)
