"""Taking in models that people already have: single files, and the folders of other programs.

Ultimate Vocal Remover, audio-separator and MSST keep their models as plain files in folders. Each is recognised by its
hash, by what lies beside it, and by its shapes, and linked where it is. Nothing is guessed: what could not run as it
is stays outside, with the reason.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from midistems_graph.models.catalogue import Entry, catalogue
from midistems_graph.models.library import ModelLibrary, ModelMissing
from midistems_graph.models.manifest import Manifest, ManifestError
from midistems_graph.models.recognise import recognise
from midistems_graph.models.sessions import NetworkError
from midistems_graph.models.sha256 import file_sha256

CHECKPOINTS = frozenset({".pth", ".pt", ".th", ".ckpt", ".safetensors"})
ONNX = ".onnx"


@dataclass(frozen=True)
class Adoption:
    """What became of one file.

    state   added; `here` already, with the same content; `unclear`: something has to be said first;
            `checkpoint`: of PyTorch, to be converted; `unusable`: no network, or a damaged one
    model   its name in the library, where it is there
    why     what it is, and what to do about it, in one sentence
    """

    path: Path
    state: Literal["added", "here", "unclear", "checkpoint", "unusable"]
    model: str
    why: str


def candidates(folder: Path) -> Iterator[Path]:
    """Files below a folder that may hold networks, in order; raises OSError."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in (ONNX, *CHECKPOINTS) and path.is_file():
            yield path


def adopt(path: Path, library: ModelLibrary, *, name: str = "", link: bool = True) -> Adoption:
    """Put a file that can run as it is into the library.

    Parameters
    ----------
    path
        An ONNX file or a checkpoint.
    library
        Where to.
    name
        What it is to be called there; by default what the catalogue or the file itself calls it.
    link
        Link to where it is rather than copy.

    Raises
    ------
    LibraryError
        When the library cannot be written.
    """
    if path.suffix.lower() in CHECKPOINTS:
        return Adoption(path, "checkpoint", "", checkpoint(path.name))
    try:
        found = recognise(path)
        known = _listed(path)
    except (NetworkError, ManifestError) as error:
        return Adoption(path, "unusable", "", str(error))
    except OSError as error:
        return Adoption(path, "unusable", "", f"{path} cannot be read: {error.strerror}")
    if found.manifest is None:
        return Adoption(path, "unclear", "", found.why)
    if found.gaps:
        missing = "; ".join(found.gaps)
        return Adoption(path, "unclear", "", f"{found.why}; what is still needed is {missing}")
    manifest = _described(found.manifest, known)
    manifest = replace(manifest, name=name or manifest.name)
    sources = {each.file: path.with_name(each.file) for each in manifest.files}
    state = _state(library, manifest, sources)
    if state == "unclear":
        taken = f"a model {manifest.name} is here with other content; add this one with --name OTHER"
        return Adoption(path, state, "", taken)
    if state == "added":
        library.add(manifest, sources, link=link)
    return Adoption(path, state, manifest.name, found.why)


def checkpoint(file_name: str) -> str:
    """What a checkpoint of PyTorch is, by its name, and how it can take part."""
    for pattern, what, how in _checkpoints():
        if re.search(pattern, file_name, re.IGNORECASE):
            return f"{what}; {how}"
    return ""


@cache
def _checkpoints() -> tuple[tuple[str, str, str], ...]:
    text = files("midistems_graph.models").joinpath("checkpoints.toml").read_text("utf-8")
    return tuple((each["pattern"], each["what"], each["how"]) for each in tomllib.loads(text)["checkpoints"])


def _listed(path: Path) -> Entry | None:
    """The entry of the catalogue that is this very file; raises OSError."""
    length = path.stat().st_size
    alone = [entry for entry in catalogue().values() if len(entry.files) == 1 and not entry.build]
    possible = [entry for entry in alone if entry.files[0].bytes == length]
    sha256 = file_sha256(path) if possible else ""
    return next((entry for entry in possible if entry.files[0].sha256 == sha256), None)


def _described(manifest: Manifest, known: Entry | None) -> Manifest:
    if known is None:
        return manifest
    return replace(
        manifest, name=known.name, title=known.title, licence=known.terms, source=known.source, notes=known.notes
    )


def _state(
    library: ModelLibrary, manifest: Manifest, sources: Mapping[str, Path]
) -> Literal["added", "here", "unclear"]:
    """Whether the model is new, here with the same files, or its name is taken."""
    if manifest.name not in library:
        return "added"
    try:
        there = library.find(manifest.name)
        now = {each.sha256 for each in there.manifest.files}
        return "here" if now == {file_sha256(path) for path in sources.values()} else "unclear"
    except (ModelMissing, OSError):
        return "added"  # what is there is broken
