"""The receipt of an output folder, `midistems.json`: what was made there, from what, by which graph.

    {"format": "midistems-receipt", "version": 1,
     "graphs": {graph hash: the document},
     "songs": {song digest: {"name", "graph", "inputs", "scores", "libraries", "runs": {graph hash: trace}, "made"}},
     "outputs": {relative path: {"song", "song_name", "node", "stem", "digest", ...}}}

A file is ours and unchanged when its bytes have the digest that stands here. The receipt is shared by all runs into
the folder: each change reads it again under a lock. It is replaced whole or, where it is long, noted in a log that is
part of it (`.midistems.receipt.log`) until the run ends. It holds no absolute path. A receipt that is damaged or not
ours is set aside and said so; nothing in it is believed.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from midistems_graph.audio.files import file_digest
from midistems_graph.audio.writing import sync
from midistems_graph.engine.locks import lock, made_alone
from midistems_graph.engine.naming import temporary_name

RECEIPT = "midistems.json"
LOCK = ".midistems.lock"
MADE = ".midistems.lock.made"
LOG = ".midistems.receipt.log"
SHORT = 1 << 18
"""Bytes of a receipt that is written whole at every change."""

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

    def copy(self) -> Receipt:
        """One that does not change with this."""
        return Receipt(dict(self.graphs), dict(self.songs), dict(self.outputs))

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
        if graph_hash not in self.graphs:
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
    """The receipt of a folder, to be changed once; see `Book.updated`."""
    with Book(folder).updated(problems) as receipt:
        yield receipt


def read_receipt(folder: Path) -> tuple[Receipt, str]:
    """The receipt of a folder (an empty one if there is none), and why it cannot be believed, or nothing."""
    return Book(folder).read()


class Book:
    """The receipt of a folder, for a process that reads and changes it many times.

    A receipt of many songs is long, so changes to it are lines of a log beside it, until that is long too and both are
    written as one. What was read once is kept, and of the log only what is new is read. Whoever has read the receipt
    gets the same object again: a book belongs to one thread at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._receipt, self._reason = Receipt(), ""
        self._base: tuple[int, ...] | None = None
        self._log: tuple[int, ...] = ()
        self._at = 0

    def read(self) -> tuple[Receipt, str]:
        """The receipt as it stands on the disk (an empty one if there is none), and why it cannot be believed."""
        base, log = _identity(self._folder / RECEIPT), _identity(self._folder / LOG)
        size = log[1] if log else 0
        if base != self._base or (self._at and log[:1] != self._log[:1]) or size < self._at:
            self._receipt, self._reason = _whole(self._folder / RECEIPT)
            self._base, self._at = base, 0
        if size > self._at and not self._reason:
            self._apply()
        self._log = log
        return self._receipt, self._reason

    @contextmanager
    def updated(self, problems: list[str]) -> Iterator[Receipt]:
        """The receipt, to be changed: read under the folder's lock, on the disk when the block ends well.

        A receipt that cannot be believed is renamed to `midistems.json.damaged`, with a sentence in `problems`.
        Raises OSError when the folder cannot be written.
        """
        with locked(self._folder):
            receipt, reason = self.read()
            if reason:
                aside = _set_aside(self._folder / RECEIPT)
                (self._folder / LOG).unlink(missing_ok=True)
                problems.append(f"{RECEIPT} {reason}, so it was renamed to {aside.name} and a new one begun.")
                receipt, self._reason = Receipt(), ""
            before = receipt.copy()
            self._base = None  # until it is known that the change is on the disk
            yield receipt
            self._write(receipt, before)

    def settle(self) -> None:
        """Write receipt and log as one, if there is a log. Raises OSError."""
        if (self._folder / LOG).exists():
            with locked(self._folder):
                receipt, reason = self.read()
                if not reason:
                    self._write_whole(receipt)

    def _write(self, receipt: Receipt, before: Receipt) -> None:
        changes = _changes(before, receipt)
        base, log = _identity(self._folder / RECEIPT), _identity(self._folder / LOG)
        if not changes:
            self._receipt, self._base = receipt, base
        elif not base or base[1] < SHORT or (log and log[1] > base[1] // 2):
            self._write_whole(receipt)
        else:
            self._append(changes)
            self._receipt, self._base, self._log = receipt, base, _identity(self._folder / LOG)

    def _write_whole(self, receipt: Receipt) -> None:
        write_whole(self._folder / RECEIPT, as_bytes(receipt))
        (self._folder / LOG).unlink(missing_ok=True)
        self._receipt, self._base, self._log, self._at = receipt, _identity(self._folder / RECEIPT), (), 0

    def _append(self, changes: Mapping[str, Any]) -> None:
        line = json.dumps(changes, ensure_ascii=False, allow_nan=False).encode(errors="backslashreplace")
        raw = b"\n" + line + b"\n"  # a line that a killed run left open ends here
        with open(self._folder / LOG, "ab", opener=_no_link) as file:
            begins = file.tell()
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        if begins == self._at:  # otherwise somebody else's lines are to be read first
            self._at += len(raw)

    def _apply(self) -> None:
        """Read on in the log; a line that a killed run left half written says nothing."""
        with suppress(FileNotFoundError), open(self._folder / LOG, "rb", opener=_no_link) as file:
            file.seek(self._at)
            raw = file.read()
            raw = raw[: raw.rfind(b"\n") + 1]
            self._at += len(raw)
            for line in raw.split(b"\n"):
                with suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
                    if line:
                        _amend(self._receipt, json.loads(line, parse_constant=_finite, parse_float=_finite))


def _no_link(path: str, flags: int) -> int:
    """Opens a file, unless it is a link to another one."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _identity(path: Path) -> tuple[int, ...]:
    """Which file that is: number, size, time of change; nothing if there is none."""
    try:
        found = path.lstat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _changes(before: Receipt, after: Receipt) -> dict[str, Any]:
    """What is another now, by section and name; None for what is gone."""
    outputs = {name: entry and _present(entry) for name, entry in _different(before.outputs, after.outputs).items()}
    sections = {
        "graphs": _different(before.graphs, after.graphs),
        "songs": _different(before.songs, after.songs),
        "outputs": outputs,
    }
    return {name: section for name, section in sections.items() if section}


def _different(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    gone = {name: None for name in before if name not in after}
    new = {name: value for name, value in after.items() if value is not before.get(name)}
    return gone | {name: value for name, value in new.items() if value != before.get(name)}


def _amend(receipt: Receipt, changes: Mapping[str, Any]) -> None:
    """Carry out a line of the log; raises what `_decoded` raises."""
    found = {
        "graphs": dict(changes.get("graphs", {})),
        "songs": {n: None if song is None else _song(song) for n, song in changes.get("songs", {}).items()},
        "outputs": {_checked(n): None if e is None else _entry(e) for n, e in changes.get("outputs", {}).items()},
    }
    for section, values in found.items():
        table = getattr(receipt, section)
        for name, value in values.items():
            if value is None:
                table.pop(name, None)
            else:
                table[name] = value


def _whole(path: Path) -> tuple[Receipt, str]:
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
    songs = {digest: _song(song) for digest, song in data["songs"].items()}
    outputs = {_checked(path): _entry(entry) for path, entry in data["outputs"].items()}
    return Receipt(dict(data["graphs"]), songs, outputs)


def _song(data: Mapping[str, Any]) -> dict[str, Any]:
    song = dict(data)
    if not isinstance(song["graph"], str):
        raise TypeError("a song's graph is not named by its hash")
    if not isinstance(song.get("runs", {}), dict):
        raise TypeError("a song's runs are no table")
    return song


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

    Where the file system has no locks, a file that only one can make takes its place.
    """
    path = folder / LOCK
    while True:
        handle = os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o666)
        real = lock(handle, wait=True)
        with suppress(FileNotFoundError):
            if not real or os.path.samestat(os.fstat(handle), path.stat()):
                break
        os.close(handle)  # its last holder took it away meanwhile
    try:
        with nullcontext() if real else made_alone(folder / MADE):
            yield
    finally:
        if sys.platform == "win32":  # there an open file cannot be removed
            os.close(handle)
            with suppress(OSError):
                path.unlink()
        else:
            path.unlink(missing_ok=True)
            os.close(handle)
