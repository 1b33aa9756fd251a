"""The session's journal: unsaved work beside the file, offered again after a crash, and who has the file open.

The autosave of `song.json` is `.song.json.autosave` beside it (`.mgraph` likewise); that of a document
without a file lies in the user's state folder. It never touches the file. What a crash left is set aside under
another name, so that new autosaves do not lie over it, until somebody takes it up or throws it away. A list beside
the file names the windows that have it open, so that they notice each other; it binds nobody.
"""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from midistems_graph.document.encoding import MAX_BYTES
from midistems_graph.document.files import dumps, loads
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.editor.model.settings_file import read_json, state_folder, write_bytes, write_json

EVERY = 10.0
"""Seconds between autosaves, at least."""


@dataclass(frozen=True)
class Recovered:
    """Work that was not saved: the document, where it would be saved to, and when it was written (epoch seconds)."""

    graph: Graph
    file: Path | None
    autosave: Path
    written: float


@dataclass
class Journal:
    """The journal of one window for one document. `file` is None until it was saved somewhere."""

    file: Path | None = None
    folder: Path = field(default_factory=state_folder)
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    _written: Graph | None = field(default=None, repr=False)
    _at: float = field(default=float("-inf"), repr=False)
    _seen: tuple[int, int] | None = field(default=None, repr=False)
    _known: set[str] = field(default_factory=set, repr=False)

    def open(self) -> str:
        """Say that the file is open here; a sentence if another window has it open, else nothing."""
        self._lock()
        self._seen = self._stamp()
        return self.noticed()

    def keep(self, graph: Graph, now: float, *, at_once: bool = False) -> bool:
        """Write unsaved work beside the file, not more often than every few seconds; whether it was written."""
        if graph is self._written or (now - self._at < EVERY and not at_once):
            return False
        try:
            content = dumps(graph)
        except DocumentError:
            return False
        if not write_bytes(self.autosave, content):
            return False
        self._written, self._at = graph, now
        return True

    def saved(self, file: Path) -> None:
        """The document is in a file now: the autosave goes, the lock follows."""
        self.autosave.unlink(missing_ok=True)
        if file != self.file:
            self._unlock()
            self.file = file
        self._written = None
        self._lock()
        self._seen = self._stamp()

    def close(self) -> None:
        """The window closes in peace: neither autosave nor lock stays."""
        if self._written is not None:
            self.autosave.unlink(missing_ok=True)
        self._unlock()

    def changed_outside(self) -> str:
        """A sentence if the file is not what it was when it was opened or saved here; said once per change."""
        stamp = self._stamp()
        if self.file is None or stamp == self._seen:
            return ""
        self._seen = stamp
        if stamp is None:
            return f"{self.file.name} is gone from its folder; save to keep what is here"
        return f"{self.file.name} was changed by another program; open it again, or save to put this in its place"

    def noticed(self) -> str:
        """A sentence if a window that was not noticed before has the file open too; said once for each."""
        others = {window["token"]: window["pid"] for window in self._windows() if window["token"] != self.token}
        new = [pid for token, pid in others.items() if token not in self._known]
        self._known |= others.keys()
        if not new or self.file is None:
            return ""
        return f"{self.file.name} is open in another window too (process {new[0]}); what is saved last stays"

    @property
    def autosave(self) -> Path:
        if self.file is None:
            return self.folder / "unsaved" / f"{os.getpid()}-{self.token}.autosave"
        return autosave_of(self.file)

    @property
    def _lock_file(self) -> Path:
        assert self.file is not None
        return self.file.with_name(f".{self.file.name}.lock")

    def _windows(self) -> list[dict[str, Any]]:
        return [] if self.file is None else _windows_of(self._lock_file)

    def _lock(self) -> None:
        if self.file is not None:
            others = [window for window in self._windows() if window["token"] != self.token]
            write_json(self._lock_file, {"windows": [*others, {"pid": os.getpid(), "token": self.token}]})

    def _unlock(self) -> None:
        if self.file is None:
            return
        others = [window for window in self._windows() if window["token"] != self.token]
        if others:
            write_json(self._lock_file, {"windows": others})
        else:
            self._lock_file.unlink(missing_ok=True)

    def _stamp(self) -> tuple[int, int] | None:
        try:
            stat = self.file.stat() if self.file else None
        except OSError:
            return None
        return (stat.st_mtime_ns, stat.st_size) if stat else None


def is_open_elsewhere(folder: Path) -> bool:
    """Whether another living process has a graph file of a folder open."""
    found = (window for path in folder.glob(".*.lock") for window in _windows_of(path))
    return any(window["pid"] != os.getpid() for window in found)


def _windows_of(lock_file: Path) -> list[dict[str, Any]]:
    """The windows of living processes that have a file open."""
    listed = read_json(lock_file).get("windows")
    found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    usable = (one for one in found if isinstance(one.get("token"), str) and isinstance(one.get("pid"), int))
    return [one for one in usable if _alive(one["pid"])]


def autosave_of(file: Path) -> Path:
    """Where unsaved work on a file is kept."""
    return file.with_name(f".{file.name}.autosave")


def _left_of(file: Path) -> Path:
    """Where unsaved work of a window that died is kept once it was found."""
    return file.with_name(f".{file.name}.left.autosave")


def recover(file: Path, saved: Graph | None = None) -> Recovered | None:
    """Unsaved work on a file that a crash left behind, the last; none if it says what the file (`saved`) says.

    An autosave that cannot be read is left where it is, for people to look at.
    """
    found = [one for path in (autosave_of(file), _left_of(file)) if (one := _read(path, file)) is not None]
    last = max(found, key=lambda one: one.written, default=None)
    return None if last is None or last.graph == saved else last


def set_aside(found: Recovered) -> Recovered:
    """Put it where no autosave lies over it; it is still offered when the file is opened the next time."""
    if found.file is None:
        return found
    place = _left_of(found.file)
    with suppress(OSError):
        found.autosave.replace(place)
        return replace(found, autosave=place)
    return found


def recover_unsaved(folder: Path | None = None) -> list[Recovered]:
    """Documents that had no file yet when their window died, the last first."""
    unsaved = (folder or state_folder()) / "unsaved"
    paths = [p for p in unsaved.glob("*.autosave") if not _alive(_pid(p))] if unsaved.is_dir() else []
    found = [one for path in paths if (one := _read(path, None)) is not None]
    return sorted(found, key=lambda one: one.written, reverse=True)


def discard(recovered: Recovered) -> None:
    """Nobody wants it."""
    recovered.autosave.unlink(missing_ok=True)


def _read(path: Path, file: Path | None) -> Recovered | None:
    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
        return Recovered(loads(content), file, path, path.stat().st_mtime)
    except (OSError, DocumentError):
        return None


def _pid(path: Path) -> int:
    number = path.name.partition("-")[0]
    return int(number) if number.isdecimal() else 0


def _alive(pid: int) -> bool:
    """Whether a process of this number exists on this machine."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        import ctypes

        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, pid)
        if handle:
            ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
