"""The manifest of a model, `model.toml`: what its ONNX files are and how they are to be run.

    format = "midistems-model"
    version = 1
    name = "spleeter-2stems"
    contract = "spleeter"
    stems = ["vocals", "accompaniment"]
    rate = 44100

    [parameters]
    extension = "average"

    [[files]]
    file = "vocals.onnx"
    sha256 = "..."
    stems = ["vocals"]

The contract (see `midistems_graph.models.contracts`) says how the network is fed; `parameters` are its figures where
they differ from the contract's own. An ONNX file can carry its manifest in its metadata, as JSON under the key
`midistems_model`; then its only file is the empty name, which means that very file. The schema is
`manifest.schema.json`.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

FORMAT = "midistems-model"
VERSION = 1
FILE_NAME = "model.toml"
METADATA_KEY = "midistems_model"

LONGEST = 1 << 20
"""A manifest of more bytes than this is no manifest."""

Parameter = bool | int | float | str | tuple[bool | int | float | str, ...]
"""A figure of a contract: how long, how often, of what kind."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_FILE = re.compile(r"[^./\\:\0][^/\\:\0]{0,199}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")
_STEM = re.compile(r"[^/\0]+(/[^/\0]+)*")


class ManifestError(ValueError):
    """A manifest cannot be used: the sentence names the field, its value and what is allowed."""


@dataclass(frozen=True)
class ModelFile:
    """One file of a model.

    file      its name in the model's folder, without folders (empty: the ONNX file that carries the manifest)
    sha256    of its content, 64 hex digits; empty if nobody published one
    stems     what its outputs are, in their order; an empty name is an output that is not used
    role      what it is for where a contract has several networks; `data` is a file of weights beside a network
    """

    file: str
    sha256: str = ""
    stems: tuple[str, ...] = ()
    role: str = ""


@dataclass(frozen=True)
class Condition:
    """A further input of the networks, after those of the contract: an embedding, a pitch.

    name      of the array that is given
    frames    so many a second, where it follows the song [batch, frames, ...]; 0: the same everywhere [batch, ...]
    """

    name: str
    frames: float = 0.0


@dataclass(frozen=True)
class Manifest:
    """What a model is.

    name          in the library: small letters, digits, `.`, `_` and `-`
    contract      how its networks are fed: an id of `midistems_graph.models.contracts`
    stems         what it gives, in this order, `residual` left out
    residual      a further stem: what the others leave of the mixture; empty for none
    complete      the stems cover all of what is separated
    rate          samples per second that the networks were trained at
    channels      how many channels the networks take at once
    parameters    figures that differ from the contract's own
    conditions    further inputs of every network, in their order
    title, licence, source, notes    for people: the licence as its SPDX id where it has one, the source as an address
    """

    name: str
    contract: str
    stems: tuple[str, ...]
    files: tuple[ModelFile, ...]
    title: str = ""
    licence: str = ""
    source: str = ""
    notes: str = ""
    residual: str = ""
    complete: bool = True
    rate: int = 44100
    channels: int = 2
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))
        _check(self)

    @property
    def all_stems(self) -> tuple[str, ...]:
        """The names that a separation gives."""
        return (*self.stems, self.residual) if self.residual else self.stems


_TEXTS = ("name", "title", "licence", "source", "notes", "contract", "residual")
_FIELDS = frozenset(
    {*_TEXTS, "format", "version", "stems", "complete", "rate", "channels", "parameters", "conditions", "files"}
)
_FILE_FIELDS = frozenset({"file", "sha256", "stems", "role"})


def from_data(data: object) -> Manifest:
    """A manifest from plain data; raises ManifestError."""
    if not isinstance(data, Mapping) or data.get("format") != FORMAT:
        raise ManifestError(f'a manifest begins with format = "{FORMAT}"')
    if type(data.get("version")) is not int or data["version"] != VERSION:
        raise ManifestError(
            f"the manifest has version {data.get('version')!r}, and this program reads version {VERSION}; update it"
        )
    _known("the manifest", data, _FIELDS)
    for name in ("name", "contract", "stems", "files"):
        if name not in data:
            raise ManifestError(f"the manifest has no {name!r}")
    if not isinstance(data["files"], list) or not isinstance(data.get("parameters", {}), Mapping):
        raise ManifestError("the manifest's files are a list of tables, its parameters a table")
    fields: dict[str, Any] = {name: _text(name, data[name]) for name in _TEXTS if name in data}
    if "complete" in data:
        if not isinstance(data["complete"], bool):
            raise ManifestError(f"the manifest's complete is {data['complete']!r}; it may be true or false")
        fields["complete"] = data["complete"]
    for name in ("rate", "channels"):
        if name in data:
            if type(data[name]) is not int:
                raise ManifestError(f"the manifest's {name} is {data[name]!r}; it must be a whole number")
            fields[name] = data[name]
    fields["stems"] = _texts("stems", data["stems"])
    fields["parameters"] = {name: _parameter(name, value) for name, value in data.get("parameters", {}).items()}
    fields["conditions"] = tuple(_condition(each) for each in _tables("conditions", data.get("conditions", [])))
    fields["files"] = tuple(_file(each) for each in data["files"])
    return Manifest(**fields)


def to_data(manifest: Manifest) -> dict[str, Any]:
    """The manifest as plain data; defaults are left out."""
    data: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    data |= {name: getattr(manifest, name) for name in _TEXTS if getattr(manifest, name)}
    data["stems"] = list(manifest.stems)
    data |= {} if manifest.complete else {"complete": False}
    data |= {"rate": manifest.rate, "channels": manifest.channels}
    if manifest.parameters:
        data["parameters"] = {n: list(v) if isinstance(v, tuple) else v for n, v in manifest.parameters.items()}
    if manifest.conditions:
        data["conditions"] = [
            {"name": c.name} | ({"frames": c.frames} if c.frames else {}) for c in manifest.conditions
        ]
    data["files"] = [_file_data(each) for each in manifest.files]
    return data


def read(path: Path) -> Manifest:
    """The manifest in a file; raises ManifestError, also for one that cannot be read."""
    try:
        if path.stat().st_size > LONGEST:
            raise ManifestError(f"{path.name} is too long for a manifest ({path.stat().st_size:,} bytes)")
        return from_data(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path} is no TOML: {error}") from None
    except ManifestError as error:
        raise ManifestError(f"{path}: {error}") from None


def write(manifest: Manifest, path: Path) -> None:
    """Write a manifest as a whole or not at all; raises OSError."""
    import tomli_w

    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(tomli_w.dumps(to_data(manifest)), "utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def from_metadata(metadata: Mapping[str, str]) -> Manifest | None:
    """The manifest that an ONNX file carries in its metadata, if any; raises ManifestError."""
    text = metadata.get(METADATA_KEY)
    if text is None:
        return None
    try:
        return from_data(json.loads(text[:LONGEST]))
    except (json.JSONDecodeError, RecursionError):
        raise ManifestError("the manifest in the file's metadata is no JSON") from None


def to_metadata(manifest: Manifest) -> dict[str, str]:
    """What makes an ONNX file carry a manifest: to be added to its `metadata_props`."""
    return {METADATA_KEY: json.dumps(to_data(manifest), sort_keys=True)}


def _tables(name: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ManifestError(f"the manifest's {name} are a list of tables, not {value!r}")
    return value


def _condition(data: object) -> Condition:
    if not isinstance(data, Mapping) or "name" not in data:
        raise ManifestError("every entry of the manifest's conditions is a table with a name")
    _known("the manifest's condition", data, frozenset({"name", "frames"}))
    frames = data.get("frames", 0.0)
    if isinstance(frames, bool) or not isinstance(frames, int | float) or not 0 <= frames <= 10_000:
        raise ManifestError(f"the condition {data['name']!r} has {frames!r} frames a second; allowed: 0 to 10000")
    return Condition(_text("name of a condition", data["name"]), float(frames))


def _file(data: object) -> ModelFile:
    if not isinstance(data, Mapping) or "file" not in data:
        raise ManifestError("every entry of the manifest's files is a table with a file")
    _known(f"the manifest's file {data['file']!r}", data, _FILE_FIELDS)
    texts = {name: _text(name, data[name]) for name in ("file", "sha256", "role") if name in data}
    return ModelFile(**texts, stems=_texts("stems of a file", data.get("stems", [])))


def _file_data(file: ModelFile) -> dict[str, Any]:
    data: dict[str, Any] = {"file": file.file, "sha256": file.sha256, "stems": list(file.stems), "role": file.role}
    return {name: value for name, value in data.items() if value or name == "file"}


def _known(what: str, data: Mapping[str, Any], names: frozenset[str]) -> None:
    unknown = sorted(set(map(str, data)) - names)
    if unknown:
        raise ManifestError(
            f"{what} has the field {unknown[0]!r}, which is not known; there are {', '.join(sorted(names))}"
        )


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ManifestError(f"the manifest's {name} is {value!r}; it must be text")
    return value


def _texts(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ManifestError(f"the manifest's {name} must be a list of texts, not {value!r}")
    return tuple(value)


def _parameter(name: str, value: object) -> Parameter:
    if isinstance(value, list) and all(isinstance(each, bool | int | float | str) for each in value):
        return tuple(value)
    if isinstance(value, bool | int | float | str):
        return value
    raise ManifestError(f"the manifest's parameter {name!r} must be a number, a text or a list of them, not {value!r}")


def _check(manifest: Manifest) -> None:
    """Raise ManifestError for what cannot be meant."""
    if not _NAME.fullmatch(manifest.name):
        raise ManifestError(
            f"a model cannot be called {manifest.name!r}; use small letters, digits, . _ and - (at most 100)"
        )
    if not manifest.contract:
        raise ManifestError("the manifest names no contract")
    names = manifest.all_stems
    if not names or len(set(names)) < len(names) or not all(_STEM.fullmatch(name) for name in names):
        raise ManifestError(
            f"the manifest's stems are {', '.join(map(repr, names)) or 'none'}; each needs a name of its own"
        )
    if not 1000 <= manifest.rate <= 768_000 or not 1 <= manifest.channels <= 64:
        raise ManifestError(
            f"the manifest has {manifest.rate} Hz and {manifest.channels} channels; "
            "allowed: 1000 to 768000 Hz, 1 to 64 channels"
        )
    given = [condition.name for condition in manifest.conditions]
    if not all(given) or len(set(given)) < len(given):
        raise ManifestError(
            f"the manifest's conditions are {', '.join(map(repr, given))}; each needs a name of its own"
        )
    for name, value in manifest.parameters.items():
        if not _WORD.fullmatch(name):
            raise ManifestError(f"the manifest has a parameter {name!r}; use small letters, digits and _")
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, float) and not math.isfinite(one):
                raise ManifestError(f"the manifest's parameter {name!r} is {one}; it must be finite")
    _check_files(manifest)


def _check_files(manifest: Manifest) -> None:
    files = [file.file for file in manifest.files]
    if not files or len(set(files)) < len(files):
        raise ManifestError(f"the manifest's files are {', '.join(map(repr, files)) or 'none'}; each is listed once")
    for file in manifest.files:
        alone = not file.file and len(files) == 1
        if not alone and not _FILE.fullmatch(file.file):
            raise ManifestError(f"the manifest names the file {file.file!r}; it must be the name of a file beside it")
        if file.sha256 and not _SHA256.fullmatch(file.sha256):
            raise ManifestError(
                f"the sha256 of {file.file!r} is {file.sha256!r}; it must be 64 hex digits, small letters"
            )
        unknown = [stem for stem in file.stems if stem and stem not in manifest.stems]
        if unknown:
            raise ManifestError(
                f"the file {file.file!r} gives {unknown[0]!r}, which is not among the stems {', '.join(manifest.stems)}"
            )
