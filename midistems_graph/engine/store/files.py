"""The value files of a store: `values/ab/abcd...`, each named by the digest of its value."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from midistems_graph.audio import codec
from midistems_graph.engine.store import valuefile
from midistems_graph.engine.store.base import DamagedValue, MissingValue, StoreError, StoreFull
from midistems_graph.engine.store.change import on_disk

_DIGEST = re.compile("[0-9a-f]{64}")


class ValueFiles:
    """The folder of value files. Files with other names are left alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Where a value lies. Raises MissingValue for what is no digest, so that no path leaves the folder."""
        if not _DIGEST.fullmatch(digest):
            raise MissingValue(f"{digest[:80]!r} is no digest of a value")
        return self.folder / f"{digest[:2]}/{digest}"

    def digests(self, folder: str = "??") -> Iterator[str]:
        """All that are there, or those in a folder, which has the two signs with which they begin."""
        return (path.name for path in self.folder.glob(f"{folder}/*") if _DIGEST.fullmatch(path.name))

    def length(self, digest: str) -> int | None:
        """The length of a file, if it is there."""
        try:
            return self.path(digest).stat().st_size
        except FileNotFoundError:
            return None

    def has(self, digest: str, length: int | None) -> bool:
        """Whether a value has an entry (its length) and its file is there and as long."""
        return length is not None and self.length(digest) == length

    def is_readable(self, digest: str, *, bytes_too: bool = False) -> bool:
        """Whether a file has a sound header and makes a value; with `bytes_too`, the very one."""
        try:
            value = valuefile.read(self.path(digest)).value()
        except (FileNotFoundError, DamagedValue):
            return False
        return not bytes_too or codec.digest(value) == digest

    def write(self, layout: valuefile.Layout, temporary: Path) -> Path:
        """Writes a file where no reader looks. Raises StoreFull or StoreError, and leaves nothing then."""
        try:
            valuefile.write(temporary, layout)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StoreFull(f"the disk of {self.folder} is full; free some space or move the store") from error
            raise StoreError(f"nothing can be written to {self.folder}: {error}") from error
        return temporary

    def place(self, temporary: Path, digest: str) -> None:
        """Moves a finished file to where readers look, in one step. Raises StoreError."""
        target = self.path(digest)
        try:
            target.parent.mkdir(mode=0o700, exist_ok=True)
            temporary.replace(target)
        except OSError as error:
            mapped = isinstance(error, PermissionError) and self.is_readable(digest)  # on Windows, by somebody else
            if not mapped:
                raise StoreError(f"nothing can be written to {target}: {error.strerror}") from error

    def delete(self, digests: Iterable[str]) -> int:
        """Deletes files. Returns the bytes that this freed."""
        freed = 0
        for digest in digests:
            freed += on_disk(self.length(digest) or 0)
            with suppress(OSError):  # mapped, on Windows: listed again by `verify`
                self.path(digest).unlink(missing_ok=True)
        return freed
