"""The receipt of an output folder, `midistems.json`: what was made there, from what, by which graph.

    {"format": "midistems-receipt", "version": 1,
     "graphs": {graph hash: the document},
     "songs": {song digest: {"name", "graph", "inputs", "scores", "libraries", "runs": {graph hash: trace}, "made"}},
     "outputs": {relative path: {"song", "song_name", "node", "stem", "digest", ...}}}

A file is ours and unchanged when its bytes have the digest that stands here. It holds no absolute path. How it is
kept on the disk: `receipt_book`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any

RECEIPT = "midistems.json"
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


def changes(before: Receipt, after: Receipt) -> dict[str, Any]:
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


def amend(receipt: Receipt, line: bytes) -> None:
    """Carry out what `changes` gave, as JSON; raises what `from_bytes` raises."""
    told = json.loads(line, parse_constant=_finite, parse_float=_finite)
    found = {
        "graphs": dict(told.get("graphs", {})),
        "songs": {n: None if song is None else _song(song) for n, song in told.get("songs", {}).items()},
        "outputs": {_checked(n): None if e is None else _entry(e) for n, e in told.get("outputs", {}).items()},
    }
    for section, values in found.items():
        table = getattr(receipt, section)
        for name, value in values.items():
            if value is None:
                table.pop(name, None)
            else:
                table[name] = value


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
