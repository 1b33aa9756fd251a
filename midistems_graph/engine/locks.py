"""Locks between processes, on open files: they end with the file or with the process, so none is ever stale.

For file systems that have no locks there is a file that only one process can make. It may be left behind by one that
died; who waits for it takes it away once nothing has happened to it for a while by the waiting process's own clock.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


def lock(fd: int, *, wait: bool) -> bool:
    """Take the lock of an open file; False if another holds it (without `wait`) or the file system has no locks."""
    try:
        if sys.platform == "win32":
            os.lseek(fd, 1 << 30, os.SEEK_SET)  # locked bytes cannot be read there, so lock one beyond the end
            msvcrt.locking(fd, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            os.lseek(fd, 0, os.SEEK_SET)
        else:
            fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


STALE = 30.0
"""Seconds after which a file that nobody touched was left behind: whoever holds it needs far less."""

_POLL = 0.02


@contextmanager
def made_alone(path: Path) -> Iterator[None]:
    """Holds a file that nobody else can make meanwhile. Raises OSError where it cannot be made at all."""
    mine = secrets.token_hex(8).encode()
    seen, since = b"", time.monotonic()
    while not _made(path, mine):
        there = _content(path)
        if there != seen:
            seen, since = there, time.monotonic()
        elif time.monotonic() - since > STALE:
            _take_away(path, seen)
        time.sleep(_POLL)
    try:
        yield
    finally:
        if _content(path) == mine:
            path.unlink(missing_ok=True)


def _made(path: Path, content: bytes) -> bool:
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except FileExistsError:
        return False
    try:
        os.write(handle, content)
    finally:
        os.close(handle)
    return True


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _take_away(path: Path, content: bytes) -> None:
    """Remove a file that was left behind, and not one that another has made in its place just now."""
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with suppress(OSError):
        path.rename(aside)
        if _content(aside) != content:
            with suppress(OSError):
                os.link(aside, path)
        aside.unlink()
