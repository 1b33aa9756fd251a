"""The model library: models on disk, each a folder with a manifest and its ONNX files, found by name.

A folder appears whole under its name or not at all. Files are copies, or links to where they already lie, so that what
other programs have downloaded is not stored twice.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

import blake3
import platformdirs

from midistems_graph.models.catalogue import catalogue
from midistems_graph.models.manifest import FILE_NAME, Manifest, ManifestError, read, to_data, write
from midistems_graph.models.sha256 import file_sha256

ENVIRONMENT = "MIDISTEMS_MODELS"


class ModelMissing(Exception):
    """There is no such model that could be used; the sentence says how to get it."""


class LibraryError(Exception):
    """The library cannot be changed as asked; the sentence says why."""


@dataclass(frozen=True)
class Model:
    """A model on disk. `files` are those of its manifest, in that order."""

    name: str
    folder: Path
    manifest: Manifest
    files: tuple[Path, ...]

    @classmethod
    def open(cls, folder: Path) -> Model:
        """The model in a folder. Raises ModelMissing when its manifest cannot be read or a file is not there."""
        try:
            manifest = read(folder / FILE_NAME)
            files = tuple(folder / each.file for each in manifest.files)
            for path in files:
                path.stat()
        except ManifestError as error:
            raise ModelMissing(f"{error}; get the model again") from None
        except OSError as error:
            raise ModelMissing(_lost(folder.name, Path(error.filename or ""))) from None
        return cls(manifest.name, folder, manifest, files)

    @property
    def digest(self) -> str:
        """Hash of all that decides what the model computes. Raises ModelMissing when a file cannot be read."""
        try:
            return _digest(self.manifest, self.files)
        except OSError as error:
            raise ModelMissing(_lost(self.name, Path(error.filename or ""))) from None

    @property
    def nbytes(self) -> int:
        """What its files hold, links followed."""
        return sum(path.stat().st_size for path in self.files)


def _lost(name: str, path: Path) -> str:
    if path.is_symlink():
        return (
            f"the model {name!r} links to {path.readlink()}, where nothing is any more; add it again from where it is"
        )
    return f"the model {name!r} lacks its file {path.name!r}; get it again with midistems-graph models get {name}"


@dataclass(frozen=True)
class ModelLibrary:
    """The models in a folder."""

    folder: Path

    @classmethod
    def default(cls) -> ModelLibrary:
        """The library in the folder of the environment variable MIDISTEMS_MODELS, or in the user's data folder."""
        named = os.environ.get(ENVIRONMENT)
        return cls(Path(named) if named else Path(platformdirs.user_data_dir("midistems-graph")) / "models")

    def __iter__(self) -> Iterator[str]:
        """The names of all models, sorted."""
        if self.folder.is_dir():
            found = (path.parent.name for path in self.folder.glob(f"*/{FILE_NAME}"))
            yield from sorted(name for name in found if not name.startswith("."))

    def find(self, name: str) -> Model:
        """The model of that name. Raises ModelMissing."""
        if not name:
            raise ModelMissing("no model is chosen; midistems-graph models list shows which there are")
        if name not in self:
            close = get_close_matches(name, self, 1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            how = (
                f"get it with midistems-graph models get {name}"
                if name in catalogue()
                else f"it is not a public one: add a file of yours with midistems-graph models add FILE --name {name}"
            )
            raise ModelMissing(f"the model {name!r} is not in the library{hint}; {how}")
        return Model.open(self.folder / name)

    def add(self, manifest: Manifest, files: Mapping[str, Path], *, link: bool) -> Model:
        """Put a model into the library, replacing one of its name.

        Parameters
        ----------
        manifest
            What it is. SHA-256 that it lacks are filled in; one that it has must be true.
        files
            Where each file of the manifest lies now, by its name there.
        link
            Link to the files where they are, where the system can do that; otherwise copy them.

        Raises
        ------
        LibraryError
            When a file is not there, is not what the manifest says, or the library cannot be written.
        """
        named = {name: path.resolve() for name, path in files.items()}
        try:
            sums = {each.file: file_sha256(named[each.file]) for each in manifest.files}
        except OSError as error:
            raise LibraryError(f"{error.filename} cannot be read: {error.strerror}") from None
        for each in manifest.files:
            if each.sha256 and each.sha256 != sums[each.file]:
                raise LibraryError(
                    f"{files[each.file]} is not the file that the manifest means: its SHA-256 is {sums[each.file]}, "
                    f"not {each.sha256}"
                )
        manifest = replace(manifest, files=tuple(replace(each, sha256=sums[each.file]) for each in manifest.files))
        with self.workshop() as made:
            for each in manifest.files:
                _placed(named[each.file], made / each.file, link)
            write(manifest, made / FILE_NAME)
            self._publish(made, manifest.name)
        return self.find(manifest.name)

    @contextmanager
    def workshop(self) -> Iterator[Path]:
        """A new folder in the library for what is not finished, gone afterwards. Raises LibraryError."""
        made: Path | None = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix=".new-", dir=self.folder))
            yield made
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            why = "its disk is full; free some space" if full else f"{error.strerror or error}"
            raise LibraryError(f"the model library {self.folder} cannot be written: {why}") from None
        finally:
            if made is not None:
                shutil.rmtree(made, ignore_errors=True)

    def _publish(self, made: Path, name: str) -> None:
        """Move a finished folder to its name; as no folder can replace a full one, the old one steps aside."""
        target = self.folder / name
        made.chmod(0o755)
        with self.workshop() as aside:
            if target.exists():
                target.replace(aside / name)
            try:
                made.replace(target)
            except OSError:
                if (aside / name).exists():
                    (aside / name).replace(target)
                raise

    def remove(self, name: str) -> Path:
        """Take a model out of the library; returns where it was. Files that it links to stay. Raises ModelMissing."""
        if name not in self:
            self.find(name)
        target = self.folder / name
        with self.workshop() as aside:
            target.replace(aside / name)
        return target

    def damage(self, name: str) -> list[str]:
        """What is wrong with a model, as sentences: files that are lost or of other content. Raises ModelMissing."""
        if name not in self:
            self.find(name)
        try:
            manifest = read(self.folder / name / FILE_NAME)
        except ManifestError as error:
            return [str(error)]
        return [
            problem for each in manifest.files if (problem := _problem(self.folder / name / each.file, each.sha256))
        ]


def _placed(source: Path, target: Path, link: bool) -> None:
    if link:
        try:
            return target.symlink_to(source)
        except (OSError, NotImplementedError):  # systems and disks without links
            pass
    shutil.copyfile(source, target)
    return None


def _problem(path: Path, sha256: str) -> str:
    try:
        found = file_sha256(path)
    except OSError as error:
        return _lost(path.parent.name, path) if not path.exists() else f"{path} cannot be read: {error.strerror}"
    if sha256 and found != sha256:
        return f"{path} has changed: its SHA-256 is {found}, and it was {sha256}"
    return ""


def _digest(manifest: Manifest, files: tuple[Path, ...]) -> str:
    """Hash of all that decides what the model computes; raises OSError."""
    computed = to_data(replace(manifest, name="model", title="", licence="", source="", notes=""))
    for each in computed["files"]:
        each.pop("sha256", None)
    contents = [file_digest(path, (s := path.stat()).st_size, s.st_mtime_ns) for path in files]
    return blake3.blake3(json.dumps([computed, contents], sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=256)
def file_digest(path: Path, size: int, changed: int) -> str:
    """blake3 of a file's content; computed again when its size or time of change differ. Raises OSError."""
    return blake3.blake3(max_threads=blake3.blake3.AUTO).update_mmap(path).hexdigest()
