"""The receipt of an output folder, `midistems.json`: what was made there, from what, by which graph.

    {"format": "midistems-receipt", "version": 1,
     "graphs": {graph hash: the document},
     "songs": {song digest: {"name", "graph", "inputs", "scores", "libraries", "runs": {graph hash: trace}, "made"}},
     "outputs": {relative path: {"song", "song_name", "node", "stem", "digest", ...}}}

A file is ours and unchanged when its bytes have the digest that stands here. The receipt is shared by all runs into
the folder: each change reads it again under a lock, and it is replaced whole. It holds no absolute path. A receipt
that is damaged or not ours is set aside and said so; nothing in it is believed.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from midistems_graph.audio.files import file_digest
from midistems_graph.audio.writing import sync
from midistems_graph.engine.locks import lock
from midistems_graph.engine.naming import temporary_name

RECEIPT = "midistems.json"
LOCK = ".midistems.lock"
FORMAT = "midistems-receipt"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One output file.

    song, song_name, node, stem    whose it is
    digest, bytes                  blake3 (64 hex digits) and length of its content
    key                            what its writer wrote; empty until the writer had written everything
    template                       the name template of the run, if it had one of its own
    graph                          hash of the graph that made it; empty until its song was finished
    figures                        what its writer measured: peak, loudness
    """

    song: str
    song_name: str
    node: str
    stem: str
    digest: str
    bytes: int
    key: str = ""
    template: str = ""
    graph: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


_NAMES = tuple(each.name for each in fields(Entry))
_TEXTS = tuple(name for name in _NAMES if name not in ("bytes", "figures"))
_NOWHERE_ELSE = frozenset("\\:\0")


@dataclass
class Receipt:
    """What a receipt holds, to be read and changed. Paths of outputs are relative, with `/`."""

    graphs: dict[str, Any] = field(default_factory=dict)
    songs: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[str, Entry] = field(default_factory=dict)

    def add_song(
        self,
        digest: str,
        name: str,
        *,
        graph: Mapping[str, Any],
        graph_hash: str,
        inputs: Mapping[str, str],
        scores: Mapping[str, Any],
        libraries: Mapping[str, str],
        trace: Mapping[str, Any] | None = None,
    ) -> None:
        """Record a finished song; graphs that no song or output names any more are dropped, and their runs."""
        old = self.songs.get(digest, {})
        runs = {**old.get("runs", {}), **({graph_hash: _plain(trace)} if trace else {})}
        named = {graph_hash, *(entry.graph for entry in self.outputs.values() if entry.song == digest)}
        kept = {name: run for name, run in runs.items() if name in named}
        song = {
            "name": name,
            "graph": graph_hash,
            "inputs": dict(inputs),
            "scores": _plain(scores),
            "libraries": dict(libraries),
            **({"runs": kept} if kept else {}),
        }
        if {**song, "made": old.get("made")} != old:
            self.songs[digest] = {**song, "made": datetime.now(UTC).isoformat(timespec="seconds")}
        self.graphs[graph_hash] = _plain(graph)
        used = {song.get("graph") for song in self.songs.values()} | {entry.graph for entry in self.outputs.values()}
        self.graphs = {name: data for name, data in self.graphs.items() if name in used}


class Unreceipted(Exception):
    """No receipt tells of a file; one sentence for the user."""


def graph_of_output(file: Path) -> Mapping[str, Any]:
    """The graph document that made an output file, as the receipt in its folder or in one above says.

    A file that was renamed is known by its content, one that was changed by its name. Raises Unreceipted.
    """
    if not file.is_file():
        raise Unreceipted(f"there is no file {file}; name one that a run wrote")
    whole = Path(os.path.realpath(file))
    digest = ""
    for folder in whole.parents:
        if not (folder / RECEIPT).is_file():
            continue
        receipt, reason = read_receipt(folder)
        if reason:
            raise Unreceipted(f"{folder / RECEIPT} {reason}; look for a copy of it")
        entry = receipt.outputs.get(whole.relative_to(folder).as_posix())
        if entry is None:
            digest = digest or file_digest(whole)
            entry = next((one for one in receipt.outputs.values() if one.digest == digest), None)
        if entry is not None and entry.graph in receipt.graphs:
            graph: Mapping[str, Any] = receipt.graphs[entry.graph]
            return graph
    raise Unreceipted(f"no receipt ({RECEIPT}) beside {file.name} or above it tells of it; was it moved away?")


@contextmanager
def updated(folder: Path, problems: list[str]) -> Iterator[Receipt]:
    """The receipt of a folder, to be changed: read under the folder's lock, written when the block ends well.

    A receipt that cannot be believed is renamed to `midistems.json.damaged`, with a sentence in `problems`.
    Raises OSError when the folder cannot be written.
    """
    with locked(folder):
        receipt, reason = read_receipt(folder)
        if reason:
            aside = _set_aside(folder / RECEIPT)
            problems.append(f"{RECEIPT} {reason}, so it was renamed to {aside.name} and a new one begun.")
        yield receipt
        raw = as_bytes(receipt)
        if raw != _there(folder / RECEIPT):
            write_whole(folder / RECEIPT, raw)


def _there(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else as_bytes(Receipt())


def read_receipt(folder: Path) -> tuple[Receipt, str]:
    """The receipt of a folder (an empty one if there is none), and why it cannot be believed, or nothing."""
    path = folder / RECEIPT
    try:
        if path.is_symlink():
            return Receipt(), "is a link to another file"
        return from_bytes(path.read_bytes()), ""
    except FileNotFoundError:
        return Receipt(), ""
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Receipt(), "is damaged, or not a receipt of this version"


def from_bytes(raw: bytes) -> Receipt:
    """A receipt from its bytes; ValueError, TypeError, KeyError or AttributeError for anything else."""
    data = json.loads(raw, parse_constant=_finite, parse_float=_finite)
    if data["format"] != FORMAT or data["version"] != VERSION:
        raise ValueError("not a receipt of this version")
    songs = {digest: dict(song) for digest, song in data["songs"].items()}
    if not all(isinstance(song["graph"], str) for song in songs.values()):
        raise TypeError("a song's graph is not named by its hash")
    if not all(isinstance(song.get("runs", {}), dict) for song in songs.values()):
        raise TypeError("a song's runs are no table")
    outputs = {_checked(path): _entry(entry) for path, entry in data["outputs"].items()}
    return Receipt(dict(data["graphs"]), songs, outputs)


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is no number in JSON")
    return number


def _checked(text: str) -> str:
    """A relative path that stays in its folder on every system."""
    if not set(text.split("/")).isdisjoint(("", ".", "..")) or not _NOWHERE_ELSE.isdisjoint(text):
        raise ValueError(f"{text!r} is no output's path")
    return text


def _entry(data: Mapping[str, Any]) -> Entry:
    entry = Entry(**{name: data[name] for name in _NAMES if name in data})
    if not all(isinstance(getattr(entry, name), str) for name in _TEXTS) or type(entry.bytes) is not int:
        raise TypeError("an output's entry has a value of another type")
    return replace(entry, figures={name: float(value) for name, value in entry.figures.items()})


def as_bytes(receipt: Receipt) -> bytes:
    """Sorted JSON that can be read and diffed: graphs in full, one line per song and per output."""
    outputs = {path: _present(entry) for path, entry in receipt.outputs.items()}
    sections = [
        f'"graphs": {json.dumps(receipt.graphs, ensure_ascii=False, allow_nan=False, indent=1, sort_keys=True)}',
        f'"songs": {_lines(receipt.songs)}',
        f'"outputs": {_lines(outputs)}',
    ]
    head = f'{{\n"format": "{FORMAT}",\n"version": {VERSION},\n'
    # A file name that is no valid text holds lone surrogates; so encoded they are JSON's own escapes.
    return (head + ",\n".join(sections) + "\n}\n").encode(errors="backslashreplace")


def _present(entry: Entry) -> dict[str, Any]:
    data = {name: getattr(entry, name) for name in _NAMES}
    data["figures"] = _plain(entry.figures)
    return {name: value for name, value in data.items() if value or name not in ("template", "figures")}


def _lines(table: Mapping[str, Mapping[str, Any]]) -> str:
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    lines = [f" {encode(name)}: {encode(table[name])}" for name in sorted(table)]
    return "{\n" + ",\n".join(lines) + "\n}" if lines else "{}"


def _plain(data: Any) -> Any:
    """Data as JSON holds it; figures that are not finite become text."""
    if isinstance(data, Mapping):
        return {str(name): _plain(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(value) for value in data]
    return str(data) if isinstance(data, float) and not math.isfinite(data) else data


def _set_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.damaged")
    number = 2
    while os.path.lexists(aside):
        aside = path.with_name(f"{path.name}.damaged-{number}")
        number += 1
    return path.rename(aside)


def write_whole(path: Path, raw: bytes) -> None:
    """Replace a file of an output folder; whoever reads it sees the old one or the new one. Raises OSError."""
    part = path.with_name(temporary_name("json"))
    try:
        part.write_bytes(raw)
        sync(part)
        part.replace(path)
        sync(path.parent)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds a folder against other processes and threads; the lock ends with its process, so it is never stale.

    Where the file system has no locks, runs into one folder at the same time are on their own.
    """
    path = folder / LOCK
    while True:
        handle = os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o666)
        lock(handle, wait=True)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), path.stat()):
                break
        os.close(handle)  # its last holder took it away meanwhile
    try:
        yield
    finally:
        if sys.platform == "win32":  # there an open file cannot be removed
            os.close(handle)
            with suppress(OSError):
                path.unlink()
        else:
            path.unlink(missing_ok=True)
            os.close(handle)
