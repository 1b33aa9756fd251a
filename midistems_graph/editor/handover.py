"""Files for a window that runs already: a second start hands them over and ends.

The window listens on a local socket in a folder that its user alone may enter; each side makes sure that the other
is of the same user. What is handed over are names of files, nothing else. Where there are no such sockets (Windows)
every start opens a window of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import stat
import struct
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from platformdirs import user_runtime_path

MOST_BYTES = 1 << 20
PATIENCE = 2.0
"""Seconds in which a window answers; one that does not is taken for gone."""

HAS_SOCKETS = hasattr(socket, "AF_UNIX")


def socket_path() -> Path:
    """Where the window on this display listens."""
    display = hashlib.sha256(os.environ.get("DISPLAY", "").encode()).hexdigest()[:12]
    return user_runtime_path("midistems-graph") / "windows" / f"{display}.sock"


def hand_over(paths: Sequence[Path]) -> bool:
    """Give files to the window that runs; False if there is none, or it is not the user's own."""
    place = socket_path()
    if not HAS_SOCKETS or not _is_private(place.parent):
        return False
    message = json.dumps({"files": [str(path.absolute()) for path in paths]}).encode() + b"\n"
    with socket.socket(socket.AF_UNIX) as line, contextlib.suppress(OSError):
        line.settimeout(PATIENCE)
        line.connect(str(place))
        if not _is_own(line):
            return False
        line.sendall(message)
        return line.recv(16) == b"taken\n"
    return False


class Receiver:
    """Listens for files while a window is open; `take` is called on a thread of its own."""

    def __init__(self, take: Callable[[list[Path]], object]) -> None:
        self._take = take
        self._place: Path | None = None
        self._listener: socket.socket | None = None

    def open(self) -> bool:
        """Begin; False if another window listens already, or this cannot be done privately."""
        if not HAS_SOCKETS or hand_over(()):
            return False
        place = socket_path()
        listener = socket.socket(socket.AF_UNIX)
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_private(place.parent):
                raise PermissionError
            place.unlink(missing_ok=True)
            listener.bind(str(place))
            place.chmod(0o600)
            listener.listen(4)
        except OSError:
            listener.close()
            return False
        self._place, self._listener = place, listener
        threading.Thread(target=self._listen, args=(listener,), name="handover", daemon=True).start()
        return True

    def close(self) -> None:
        if self._listener is not None and self._place is not None:
            self._place.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def _listen(self, listener: socket.socket) -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line, contextlib.suppress(OSError):
                line.settimeout(PATIENCE)
                paths = _read(line) if _is_own(line) else None
                if paths is not None:
                    line.sendall(b"taken\n")
                    if paths:
                        self._take(paths)


def _read(line: socket.socket) -> list[Path] | None:
    """The files of a message; None if it is none."""
    content = b""
    while not content.endswith(b"\n"):
        piece = line.recv(65536)
        content += piece
        if not piece or len(content) > MOST_BYTES:
            return None
    try:
        listed = json.loads(content)["files"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    if not isinstance(listed, list) or not all(isinstance(one, str) and "\0" not in one for one in listed):
        return None
    return [path for path in map(Path, listed) if path.is_absolute()]


def _is_private(folder: Path) -> bool:
    """Whether a folder is this user's own and nobody else may enter it."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _is_own(line: socket.socket) -> bool:
    """Whether the other side is a process of the same user; where that cannot be asked the folder vouches for it."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    _, user, _ = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return bool(user == os.getuid())
