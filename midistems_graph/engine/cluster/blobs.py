"""Files that travel by content: `files/ab/abcd...` in a shared folder, compared with their hash when they arrive."""

from __future__ import annotations

import secrets
from pathlib import Path

from midistems_graph.audio.files import file_digest
from midistems_graph.engine.store.shared import SharedFolder


class NotThere(Exception):
    """A file that should travel does not get into the shared store, or out of it; one sentence."""


def send(shared: SharedFolder, path: Path) -> str:
    """Put a file into the shared folder; its digest. Raises NotThere."""
    digest = file_digest(path)
    if not (shared.has(_name(digest)) or shared.publish(_name(digest), path)):
        raise NotThere(f"the shared store {shared.address} does not take {path.name}; does it answer, is there room?")
    return digest


def receive(shared: SharedFolder, digest: str, path: Path) -> None:
    """Copy the file of a digest to a path, where it appears whole. Raises NotThere."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{secrets.token_hex(6)}.part")  # two threads of a worker may want the same file
    try:
        if not shared.fetch(_name(digest), part):
            raise NotThere(f"{path.name} does not come out of the shared store {shared.address}; does it answer?")
        if file_digest(part) != digest:
            shared.refuse(_name(digest))
            raise NotThere(f"{path.name} in the shared store {shared.address} was damaged and is refused; run again")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def forget(shared: SharedFolder, digest: str) -> None:
    """Take a file out of the shared folder again."""
    shared.delete(_name(digest))


def _name(digest: str) -> str:
    return f"files/{digest[:2]}/{digest}"
