"""Graph files, `.json` for people and git or `.mgraph` (msgpack), chosen by suffix.

Loading never writes. Saving is all or nothing: the new file is written beside the old one, flushed to
disk and put in its place; the three versions before it stay as `name.bak1` (the newest) to `name.bak3`,
which open like any graph file.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from midistems_graph.document.encoding import MAX_BYTES, Encoding, dumps, loads
from midistems_graph.document.graph import DocumentError, Graph

__all__ = ["BACKUPS", "dumps", "load", "loads", "save"]

BACKUPS = 3

_BACKUP = re.compile(r"\.bak[0-9]\Z")


def load(path: str | os.PathLike[str]) -> Graph:
    """The graph in a `.json` or `.mgraph` file.

    Raises DocumentError: one sentence that names the file, the place in it and the remedy.
    """
    path = Path(path)
    encoding = _encoding(path)
    with _said(path, "read"):
        if path.is_dir():
            raise DocumentError(f"{path} is a folder; name a graph file in it")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    try:
        return loads(content, encoding)
    except DocumentError as error:
        raise DocumentError(f"{path}: {error}") from error


def save(graph: Graph, path: str | os.PathLike[str]) -> bool:
    """Write the graph to a `.json` or `.mgraph` file and keep what was there; False if nothing changed.

    Raises DocumentError if the graph could not be read back, or the file not be written; the file that
    was there is then still there.
    """
    path = Path(path)
    encoding = _encoding(path)
    try:
        content = dumps(graph, encoding)
    except DocumentError as error:
        raise DocumentError(f"{path} is not saved, the graph could not be read back: {error}") from error
    with _said(path, "saved"):
        path = path.resolve()
        old = path.read_bytes() if path.exists() else None
        if old == content:
            return False
        if old is not None and not os.access(path, os.W_OK):
            raise PermissionError
        with _written(path, content) as new:
            if old is not None:
                with _written(path, old) as backup:
                    _keep(path, backup)
            new.replace(path)
        _flush_folder(path.parent)
    return True


def _encoding(path: Path) -> Encoding:
    match Path(_BACKUP.sub("", path.name)).suffix.lower():
        case ".json":
            return "json"
        case ".mgraph":
            return "mgraph"
    raise DocumentError(f"{path} is no graph file by its name; graph files end in .json or .mgraph")


@contextlib.contextmanager
def _said(path: Path, done: str) -> Iterator[None]:
    """Failures of the file system as sentences."""
    try:
        yield
    except FileNotFoundError as error:
        missing = path if done == "read" else path.parent
        raise DocumentError(f"{missing} does not exist; check the name") from error
    except PermissionError as error:
        raise DocumentError(f"{path} may not be {done}; check its permissions and those of its folder") from error
    except (OSError, ValueError) as error:
        if isinstance(error, DocumentError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise DocumentError(f"{path} cannot be {done}: {reason}") from error


@contextlib.contextmanager
def _written(path: Path, content: bytes) -> Iterator[Path]:
    """A file beside this one, with its permissions, that is on disk before it is named; gone if nobody takes it."""
    temporary = path.with_name(f".{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _keep(path: Path, backup: Path) -> None:
    """Make this the newest backup; the others move up, the oldest goes."""
    names = [backup, *(path.with_name(f"{path.name}.bak{i + 1}") for i in range(BACKUPS))]
    for i in reversed(range(BACKUPS)):
        if names[i].exists():
            names[i].replace(names[i + 1])


def _flush_folder(folder: Path) -> None:
    """Have the new name survive a power cut, where folders can be flushed."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
