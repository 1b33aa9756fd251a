"""The model library: models on disk, each a folder with a manifest and its ONNX files, found by name."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import blake3
import platformdirs

from midistems_graph.models.manifest import FILE_NAME, Manifest, ManifestError, read, to_data

ENVIRONMENT = "MIDISTEMS_MODELS"


class ModelMissing(Exception):
    """There is no such model that could be used; the sentence says how to get it."""


@dataclass(frozen=True)
class Model:
    """A model on disk. `files` are those of its manifest, in that order; `digest` tells its content."""

    name: str
    folder: Path
    manifest: Manifest
    files: tuple[Path, ...]
    digest: str

    @classmethod
    def open(cls, folder: Path) -> Model:
        """The model in a folder. Raises ModelMissing when its manifest or a file of it cannot be read."""
        try:
            manifest = read(folder / FILE_NAME)
            files = tuple(folder / each.file for each in manifest.files)
            return cls(manifest.name, folder, manifest, files, _digest(manifest, files))
        except ManifestError as error:
            raise ModelMissing(f"{error}; get the model again") from None
        except OSError as error:
            raise ModelMissing(
                f"the model {folder.name!r} lacks its file {Path(error.filename or '').name!r}; get it again with "
                f"midistems-graph models get {folder.name}"
            ) from None


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
            yield from sorted(path.parent.name for path in self.folder.glob(f"*/{FILE_NAME}"))

    def find(self, name: str) -> Model:
        """The model of that name. Raises ModelMissing."""
        if not name:
            raise ModelMissing("no model is chosen; midistems-graph models list shows which there are")
        if name not in self:
            raise ModelMissing(
                f"the model {name!r} is not in the library; get it with midistems-graph models get {name}, or add a "
                "file of yours with midistems-graph models add FILE"
            )
        return Model.open(self.folder / name)


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
