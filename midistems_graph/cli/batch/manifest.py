"""The manifest of a batch, `midistems-batch.json` in the output folder: what became of every song.

It is what scripts read, and what the next run of the same batch goes by: a song that is done, and whose files and
fingerprint are as they stand here, is not opened again. It is kept while the batch goes on, replaced whole, and may be
a little behind: what it does not tell yet is found through the receipt and the store. Several runs may share it; each
puts its own songs in, under the folder's lock. The schema is `manifest.schema.json`.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from midistems_graph.engine.receipt_book import locked, write_whole

MANIFEST = "midistems-batch.json"
FORMAT = "midistems-batch"
VERSION = 1

SHARE = 20
"""A twentieth of the time at most goes into writing manifests, however many songs they name."""


@dataclass(frozen=True)
class Entry:
    """What became of a song.

    song          its file, relative to the output folder
    size, changed, fingerprint    what it was made from (nanoseconds for `changed`)
    status        `done` or `failed`
    tries         how often it was run
    settings      knobs of its own
    outputs       its files: path relative to the output folder, node, stem, level, size and time of change
    """

    song: str
    name: str
    size: int
    changed: int
    fingerprint: str
    status: str
    exit_code: int
    tries: int
    seconds: float
    settings: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[Mapping[str, Any], ...] = ()
    scores: tuple[Mapping[str, Any], ...] = ()
    problems: tuple[str, ...] = ()


class Manifest:
    """The manifest of a folder, with what this run adds to it. All methods may be called from any thread."""

    def __init__(self, folder: Path, problem: Callable[[str], object], *, read: bool = True, kept: bool = True) -> None:
        """What is there is `read`, or else unknown; one that is not `kept` is never written."""
        self.folder, self._problem, self._kept = folder, problem, kept
        self._entries = _read(folder / MANIFEST) if read else {}
        self._own: dict[str, Entry] = {}
        self._lock = threading.Lock()
        self._due = 0.0

    def finished(self, song: str, looks: object, fingerprint: str) -> Entry | None:
        """The entry of a song that is done and of which nothing has changed since, neither file nor result."""
        entry = self._entries.get(song)
        if entry is None or entry.status != "done" or entry.fingerprint != fingerprint:
            return None
        same = looks == [entry.size, entry.changed] and all(map(self._is_there, entry.outputs))
        return entry if same else None

    def _is_there(self, output: Mapping[str, Any]) -> bool:
        try:
            found = (self.folder / output["path"]).stat()
        except OSError:
            return False
        return (found.st_size, found.st_mtime_ns) == (output["bytes"], output["changed"])

    def is_done(self, song: str) -> bool:
        """Whether a song was done when the run began, as far as that is told without looking at any file."""
        entry = self._entries.get(song)
        return entry is not None and entry.status == "done"

    def put(self, entry: Entry) -> None:
        """Keep an entry, on the disk as soon as that is not too often."""
        with self._lock:
            self._own[entry.song] = entry
        if time.monotonic() >= self._due:
            self.write()

    def write(self) -> None:
        """Put everything of this run on the disk, beside what other runs put there. Says so where that fails."""
        if not self._kept or not self._own:
            return
        with self._lock:
            began = time.monotonic()
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                with locked(self.folder):
                    entries = {**_read(self.folder / MANIFEST), **self._own}
                    write_whole(self.folder / MANIFEST, _encoded(entries))
            except OSError as error:
                self._problem(f"{self.folder / MANIFEST} cannot be written: {error.strerror or error}")
            self._due = time.monotonic() + SHARE * (time.monotonic() - began)


def _read(path: Path) -> dict[str, Entry]:
    """The entries of a manifest; none of one that is damaged, because all it says is found out again."""
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        data = json.loads(path.read_bytes())
        if (data["format"], data["version"]) == (FORMAT, VERSION):
            return {row["song"]: _entry(row) for row in data["songs"]}
    return {}


def _entry(row: Mapping[str, Any]) -> Entry:
    lists = {name: tuple(map(_checked, row[name])) for name in ("outputs", "scores")}
    return Entry(**{**row, **lists, "problems": tuple(row["problems"])})


def _checked(row: Mapping[str, Any]) -> Mapping[str, Any]:
    path = str(row.get("path", "x"))
    if os.path.isabs(path) or ".." in path.split("/"):  # noqa: PTH117 - text
        raise ValueError(f"{path!r} leads out of the output folder")
    return row


def _encoded(entries: Mapping[str, Entry]) -> bytes:
    """JSON with a line for each song, in the order of their names."""
    encode = json.JSONEncoder(allow_nan=False).encode
    rows = ",\n".join(" " + encode(vars(entries[song])) for song in sorted(entries))
    return f'{{\n"format": "{FORMAT}",\n"version": {VERSION},\n"songs": [\n{rows}\n]\n}}\n'.encode()
