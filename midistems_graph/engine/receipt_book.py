"""The receipt of an output folder on the disk: read and changed under a lock, by all runs into the folder.

It is replaced whole or, where it is long, noted in a log that is part of it (`.midistems.receipt.log`) until the run
ends. A receipt that is damaged or not ours is set aside and said so; nothing in it is believed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from midistems_graph.audio.files import file_digest
from midistems_graph.audio.writing import sync
from midistems_graph.engine.locks import lock, made_alone
from midistems_graph.engine.naming import temporary_name
from midistems_graph.engine.receipt import RECEIPT, Receipt, amend, as_bytes, changes, from_bytes

LOCK = ".midistems.lock"
MADE = ".midistems.lock.made"
LOG = ".midistems.receipt.log"
SHORT = 1 << 18
"""Bytes of a receipt that is written whole at every change."""


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
        new = changes(before, receipt)
        base, log = _identity(self._folder / RECEIPT), _identity(self._folder / LOG)
        if not new:
            self._receipt, self._base = receipt, base
        elif not base or base[1] < SHORT or (log and log[1] > base[1] // 2):
            self._write_whole(receipt)
        else:
            self._append(new)
            self._receipt, self._base, self._log = receipt, base, _identity(self._folder / LOG)

    def _write_whole(self, receipt: Receipt) -> None:
        write_whole(self._folder / RECEIPT, as_bytes(receipt))
        (self._folder / LOG).unlink(missing_ok=True)
        self._receipt, self._base, self._log, self._at = receipt, _identity(self._folder / RECEIPT), (), 0

    def _append(self, new: Mapping[str, Any]) -> None:
        line = json.dumps(new, ensure_ascii=False, allow_nan=False).encode(errors="backslashreplace")
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
                        amend(self._receipt, line)


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


def _whole(path: Path) -> tuple[Receipt, str]:
    try:
        if path.is_symlink():
            return Receipt(), "is a link to another file"
        return from_bytes(path.read_bytes()), ""
    except FileNotFoundError:
        return Receipt(), ""
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Receipt(), "is damaged, or not a receipt of this version"


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
