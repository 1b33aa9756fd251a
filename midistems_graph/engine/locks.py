"""Locks between processes, on open files: they end with the file or with the process, so none is ever stale."""

from __future__ import annotations

import os
import sys

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
