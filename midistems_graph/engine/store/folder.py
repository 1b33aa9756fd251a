"""The folder of a store: where it is by default, how it is told from any other folder, who is using it.

    midistems-store.json    the marker; also the lock under which stores are opened and repaired
    index-N.sqlite3         the index; the highest N counts
    limit                   bytes that it may take, where that was set
    values/ab/abcd...       one file per value, named by its digest
    tmp/PID-RANDOM/         one folder per open store: its lock, and files that are not finished yet

An open store holds the lock in its own folder for as long as its process lives, so whoever can take that
lock knows that the owner is gone, and sweeps. The lock tells on which machine that is: processes share the index
through their machine's memory, so those of two machines must not have it open at a time.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

from midistems_graph.engine.locks import lock
from midistems_graph.engine.store.base import NotAStore, StoreError

MARKER = "midistems-store.json"
LIMIT = "limit"
FORMAT = 1

DEFAULT_LIMIT_BYTES = 20 * 2**30
"""What a store may take on the disk unless told otherwise: 20 GiB, about 250 stereo edges of a four-minute song."""

_OWN_DISK = "a store has to be on a disk of this machine: give a folder there with --cache-dir"


def limit_of(folder: Path) -> int:
    """What a store may take on the disk, in bytes: what was set for it, or the default."""
    try:
        return int((folder / LIMIT).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return DEFAULT_LIMIT_BYTES


def set_limit(folder: Path, limit_bytes: int) -> None:
    """Set what a store may take, for all who open it from now on."""
    unfinished = folder / f"{LIMIT}.{secrets.token_hex(6)}"
    try:
        unfinished.write_text(f"{limit_bytes}\n", encoding="ascii")
        unfinished.replace(folder / LIMIT)
    finally:
        unfinished.unlink(missing_ok=True)


def default_store_folder() -> Path:
    """`MIDISTEMS_STORE` if set, otherwise `store` in the user's cache folder of this program."""
    told = os.environ.get("MIDISTEMS_STORE")
    return Path(told) if told else platformdirs.user_cache_path("midistems-graph") / "store"


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Makes the folder a store if it is empty, and holds its lock.

    Raises NotAStore for any other folder, and StoreError where there are no locks.
    """
    if folder.exists() and not folder.is_dir():
        raise NotAStore(f"{folder} is a file; a store needs a folder")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    marker = folder / MARKER
    # In this order: whoever makes a store writes the marker before anything else.
    if any(folder.iterdir()) and not marker.exists():
        raise NotAStore(f"{folder} holds other files and no {MARKER}, so it is no store; choose an empty folder")
    fd = os.open(marker, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        if not lock(fd, wait=True):
            raise StoreError(f"{folder} cannot be locked, as on some network disks; {_OWN_DISK}")
        text = os.read(fd, 4096)
        if not text and not any(entry.name != MARKER for entry in folder.iterdir()):
            folder.chmod(0o700)
            os.write(fd, json.dumps({"store": "midistems-graph", "format": FORMAT}).encode() + b"\n")
        elif _format(text) != FORMAT:
            raise NotAStore(f"{marker} is not of format {FORMAT}; use the version that made it, or another folder")
        yield
    finally:
        os.close(fd)


def _format(text: bytes) -> object:
    try:
        fields = json.loads(text)
    except ValueError:
        return None
    return fields.get("format") if isinstance(fields, dict) and fields.get("store") == "midistems-graph" else None


class Session:
    """One open store's own folder below `tmp/`, locked while its process lives."""

    def __init__(self, tmp: Path) -> None:
        self.folder = tmp / f"{os.getpid()}-{secrets.token_hex(6)}"
        self.folder.mkdir(mode=0o700)
        self._lock = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        lock(self._lock, wait=False)
        os.write(self._lock, _this_machine().encode())

    @property
    def name(self) -> str:
        return self.folder.name

    def temporary(self) -> Path:
        """A name for a file that is not finished."""
        return self.folder / secrets.token_hex(8)

    def end(self) -> None:
        os.close(self._lock)
        shutil.rmtree(self.folder, ignore_errors=True)


def sweep(tmp: Path) -> tuple[set[str], bool]:
    """Removes what dead processes left. Returns the names of live sessions, and whether one had died.

    Only under the folder's lock, so that a session is never seen before it holds its own. Raises StoreError when one
    is on another machine.
    """
    alive, died = set(), False
    for entry in tmp.iterdir():
        if not _is_held(entry / "lock"):
            died = True
            shutil.rmtree(entry, ignore_errors=True)
            continue
        with suppress(FileNotFoundError):  # it ended in order, just now
            machine = (entry / "lock").read_text()
            if machine != _this_machine():
                raise StoreError(f"another machine is using the store {tmp.parent}; {_OWN_DISK}")
            alive.add(entry.name)
    return alive, died


def _is_held(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return not lock(fd, wait=False)
    finally:
        os.close(fd)


def _this_machine() -> str:
    """What tells the running system from all others; its containers are part of it."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return platform.node()
