"""Files that are being written, hidden beside what they are to become, and refusals of the system in plain words.

unfinished = Unfinished(lock)
with unfinished.file(folder, "wav", shown=Path("out/Demo - vocals.wav")) as part:
    ...                     # write `part`, then move it away
# nothing is left of it where it still is, nor of folders made for it that are empty
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock

from midistems_graph.audio.files import SoundFileError
from midistems_graph.audio.writing import CannotWrite, DiskFull
from midistems_graph.engine.naming import is_leftover, is_unfinished, temporary_name
from midistems_graph.node.contract import NodeError

TRIES = 20
"""How often a folder is made again that another run, which had made it for nothing, took away meanwhile."""


class Unfinished:
    """The unfinished files of one run; `lock` is held while folders are made and removed."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._swept: set[Path] = set()

    @contextmanager
    def file(self, folder: Path, extension: str, shown: Path) -> Iterator[Path]:
        """An empty hidden file in a folder, which is made where it is not there. Raises CannotWrite about `shown`."""
        with refusals(shown):
            part, made = self._begin(folder, extension)
        try:
            yield part
        finally:
            self._end(part, made)

    def _begin(self, folder: Path, extension: str) -> tuple[Path, list[Path]]:
        """The file, and the folders made for it, inner ones first."""
        part = folder / temporary_name(extension)
        with self._lock:
            for _ in range(TRIES):
                with suppress(FileNotFoundError):
                    return part, self._made(part)
            return part, self._made(part)

    def _made(self, part: Path) -> list[Path]:
        """Make the file and what folders it needs: these, inner ones first."""
        folder = part.parent
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        try:
            make(folder)
            part.touch(exist_ok=False)
            self._sweep(folder, part.stat().st_mtime)
        except BaseException:
            self._end(part, missing)
            raise
        return missing

    def _end(self, part: Path, made: list[Path]) -> None:
        with self._lock:
            with suppress(OSError):
                part.unlink()
            with suppress(OSError):
                for folder in made:
                    folder.rmdir()

    def _sweep(self, folder: Path, now: float) -> None:
        """Remove what dead processes left in a folder, the first time that this run writes there."""
        if folder in self._swept:
            return
        self._swept.add(folder)
        for path in folder.iterdir():
            if is_leftover(path, now):
                with suppress(OSError):
                    path.unlink()


def make(folder: Path) -> None:
    """Make a folder and those above it, save the hidden one of a cluster's run, which is gone once that is over."""
    for path in (folder, *folder.parents):
        if is_unfinished(path.name) and not path.exists():
            raise FileNotFoundError(errno.ENOENT, "the run that this is for is over", str(path))
    folder.mkdir(parents=True, exist_ok=True)


def real(path: Path) -> Path:
    """The path with all links followed; unlike `Path.resolve`, it bears links that lead in a circle."""
    return Path(os.path.realpath(path))


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Turns what the system says about a path into CannotWrite."""
    try:
        yield
    except OSError as error:
        raise _refused(path, error) from error


@contextmanager
def refusals_inside(part: Path, shown: Path) -> Iterator[None]:
    """The same around a writer's own code, which may fail over other files too; names the final file, not the part."""
    try:
        yield
    except (SoundFileError, NodeError) as error:
        raise type(error)(str(error).replace(part.name, shown.name)) from error
    except OSError as error:
        if error.filename == str(part) or (error.filename is None and error.errno in _FULL):
            raise _refused(shown, error) from error
        raise


_FULL = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})


def _refused(path: Path, error: OSError) -> CannotWrite:
    return (DiskFull if error.errno in _FULL else CannotWrite)(_sentence(path, error))


def _sentence(path: Path, error: OSError) -> str:
    if error.errno in _FULL:
        return f"{path} could not be written: the disk is full; make room or choose another folder."
    if error.errno == errno.EROFS or isinstance(error, PermissionError):
        return f"{path} cannot be written: you may not write there; choose another folder."
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"{path} cannot be written: a file stands where a folder is needed; choose another folder."
    return f"{path} cannot be written: {error.strerror or error}."
