"""The session's journal: unsaved work beside the file, offered again after a crash, and who has the file open.

The autosave of `song.json` is `.song.json.autosave` beside it (`.mgraph` likewise); that of a document
without a file lies in the user's state folder. It never touches the file. A lock beside it names the process
that has the file open, so that two windows notice each other; it binds nobody.
"""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path

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

    def open(self) -> str:
        """Say that the file is open here; a sentence if another window has it open, else nothing."""
        other = self.other_window()
        if not other:
            self._lock()
        self._seen = self._stamp()
        return other

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
        if not self.other_window():
            self._lock()
        self._seen = self._stamp()

    def close(self) -> None:
        """The window closes in peace: neither autosave nor lock stays."""
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

    def other_window(self) -> str:
        """A sentence if a living process other than this window has the file open."""
        if self.file is None:
            return ""
        data = read_json(self._lock_file)
        pid = data.get("pid")
        if data.get("token") == self.token or not isinstance(pid, int) or not _alive(pid):
            return ""
        return f"{self.file.name} is open in another window (process {pid}); what is saved last stays"

    @property
    def autosave(self) -> Path:
        if self.file is None:
            return self.folder / "unsaved" / f"{os.getpid()}-{self.token}.autosave"
        return autosave_of(self.file)

    @property
    def _lock_file(self) -> Path:
        assert self.file is not None
        return self.file.with_name(f".{self.file.name}.lock")

    def _lock(self) -> None:
        if self.file is not None:
            write_json(self._lock_file, {"pid": os.getpid(), "token": self.token})

    def _unlock(self) -> None:
        if self.file is not None and read_json(self._lock_file).get("token") == self.token:
            self._lock_file.unlink(missing_ok=True)

    def _stamp(self) -> tuple[int, int] | None:
        try:
            stat = self.file.stat() if self.file else None
        except OSError:
            return None
        return (stat.st_mtime_ns, stat.st_size) if stat else None


def autosave_of(file: Path) -> Path:
    """Where unsaved work on a file is kept."""
    return file.with_name(f".{file.name}.autosave")


def recover(file: Path, saved: Graph | None = None) -> Recovered | None:
    """Unsaved work on a file that a crash left behind; none if it says what the file (`saved`) says.

    An autosave that cannot be read is left where it is, for people to look at.
    """
    found = _read(autosave_of(file), file)
    return None if found is None or found.graph == saved else found


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
