"""What an ONNX file is: by its own metadata, a manifest beside it, its hash, or its tensors' shapes, in this order.

Shapes give the family alone. What they do not tell (the size of an STFT, what the stems are) is never guessed: a file
that is not known in full gets a draft of a manifest with the gaps named.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from midistems_graph.audio.stem_names import canonical
from midistems_graph.models.contracts import contract_of, contracts
from midistems_graph.models.manifest import FILE_NAME, Manifest, ModelFile, from_metadata, read
from midistems_graph.models.sessions import Session, Tensor

HASHED_BYTES = 10_000 * 1024
"""The published tables hash the end of a file: so much of it."""

LEFT: Mapping[str, str] = MappingProxyType(
    {
        "vocals": "instrumental",
        "instrumental": "vocals",
        "lead_vocals": "instrumental",
        "drums": "no_drums",
        "bass": "no_bass",
        "other": "no_other",
        "reverb": "dry",
        "no_crowd": "crowd",
    }
)
"""What the mixture leaves when a stem is taken away."""

DEMUCS_STEMS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        4: ("drums", "bass", "other", "vocals"),
        6: ("drums", "bass", "other", "vocals", "guitar", "piano"),
    }
)
"""What every public Demucs gives, in its order."""


@dataclass(frozen=True)
class Recognised:
    """A file and what was found out about it.

    manifest    as far as it is known; None for a file of no known family
    gaps        what a manifest needs and nobody can tell from the file, in words; none if it can run as it is
    why         how it was recognised, in one sentence
    """

    path: Path
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    manifest: Manifest | None
    gaps: tuple[str, ...]
    why: str

    @property
    def ready(self) -> bool:
        """Whether it can be run without being told anything more."""
        return self.manifest is not None and not self.gaps

    @property
    def shapes(self) -> str:
        """Its inputs and outputs on one line."""
        return f"takes {', '.join(map(str, self.inputs))} and gives {', '.join(map(str, self.outputs))}"


def recognise(path: Path) -> Recognised:
    """What an ONNX file is. Raises NetworkError for one that cannot be loaded, ManifestError for a wrong manifest."""
    session = Session(path, threads=1)
    for look in (_by_metadata, _by_manifest, _by_hash, _by_shapes):
        found = look(path, session)
        if found is not None:
            manifest, gaps, why = found
            return Recognised(path, session.inputs, session.outputs, manifest, tuple(gaps), why)
    nothing = Recognised(path, session.inputs, session.outputs, None, (), "")
    return replace(
        nothing,
        why=f"{path.name} {nothing.shapes}, which is no known family; write a manifest for it that names its contract "
        f"({', '.join(contracts())}) and its stems",
    )


def draft(found: Recognised) -> Manifest:
    """A manifest to be completed by hand: what is known, and placeholders where the gaps are."""
    if found.manifest is not None:
        return found.manifest
    name = model_name(found.path)
    return Manifest(name, "waveform", ("stem",), (ModelFile(found.path.name, "", ("stem",)),), title=found.path.stem)


def model_name(path: Path) -> str:
    """The name that a file has in the library: `Kim Vocal 2.onnx` is `kim-vocal-2`."""
    return re.sub(r"[^a-z0-9.]+", "-", path.stem.casefold()).strip("-.")[:100] or "model"


def partial_md5(path: Path) -> str:
    """The MD5 of a file's last 10,240,000 bytes, or of all where it is shorter. Raises OSError."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - HASHED_BYTES))
        return hashlib.md5(file.read(), usedforsecurity=False).hexdigest()


_Found = tuple[Manifest, Sequence[str], str]


def _by_metadata(path: Path, session: Session) -> _Found | None:
    manifest = from_metadata(session.metadata)
    if manifest is None:
        return None
    named = replace(manifest, files=(replace(manifest.files[0], file=path.name),))
    contract_of(named)
    return named, (), f"its metadata says so: {manifest.contract}"


def _by_manifest(path: Path, session: Session) -> _Found | None:
    """A manifest of the file's own name, or the one of its folder if that lists it."""
    for beside in (path.with_suffix(".toml"), path.with_name(FILE_NAME)):
        if beside.is_file():
            manifest = read(beside)
            if path.name in (each.file for each in manifest.files):
                contract_of(manifest)
                return manifest, (), f"{beside.name} beside it says so: {manifest.contract}"
    return None


@cache
def _known_files() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(files(__package__).joinpath("mdx_files.toml").read_text("utf-8"))


def _by_hash(path: Path, session: Session) -> _Found | None:
    known = _known_files().get(partial_md5(path))
    if known is None:
        return None
    stem = known["stem"]
    left = "lead_vocals" if known.get("karaoke") and stem == "instrumental" else LEFT[stem]
    parameters = {name: known[name] for name in ("n_fft", "dim_f", "dim_t", "compensate")}
    manifest = Manifest(
        model_name(path),
        "mdx",
        (stem,),
        (ModelFile(path.name, "", (stem,)),),
        title=path.stem,
        residual=left,
        parameters=parameters,
    )
    return manifest, (), f"its hash is that of a published MDX-Net: {stem}, n_fft {known['n_fft']}"


def _by_shapes(path: Path, session: Session) -> _Found | None:
    """The first contract, the more particular ones before the general, that knows the shapes as its own."""
    for contract in sorted(contracts().values(), key=lambda each: each.id == "waveform"):
        parameters = contract.recognise(session.inputs, session.outputs)
        if parameters is None:
            continue
        rows = _rows(contract.id, session)
        stems, gaps = _stems(path, contract.id, rows)
        if contract.id == "mdx":
            gaps.append("the parameter n_fft: 4096 to 16384, from where the file was published")
        if contract.together:
            gaps.append("the files of its other stems: this family shares the mixture among all of them")
        residual = LEFT.get(stems[0], "") if rows == 1 and contract.id in _ONE_STEM else ""
        manifest = Manifest(
            model_name(path),
            contract.id,
            stems,
            (ModelFile(path.name, "", stems),),
            title=path.stem,
            residual=residual,
            parameters=parameters,
        )
        return manifest, gaps, f"its tensors have the shapes of {contract.title} ({contract.id})"
    return None


_ONE_STEM = frozenset({"mdx", "mdx23c", "roformer-mask", "waveform"})
"""Families whose single stem leaves the other."""

_ROWS_AXIS: Mapping[str, int] = MappingProxyType(
    {"mdx23c": 5, "htdemucs": 5, "htdemucs-waveform": 4, "roformer-mask": 5, "roformer-split": 5, "waveform": 4}
)
"""The rank of the output that has an axis of stems, by contract."""


def _rows(contract: str, session: Session) -> int:
    """How many stems come out, 0 if the network leaves that open."""
    for output in session.outputs:
        if len(output.shape) == _ROWS_AXIS.get(contract):
            rows = output.shape[1]
            return rows if isinstance(rows, int) else 0
    return 1


def _stems(path: Path, contract: str, rows: int) -> tuple[tuple[str, ...], list[str]]:
    """The names of the stems, and what is not known of them."""
    if contract.startswith("htdemucs") and rows in DEMUCS_STEMS:
        return DEMUCS_STEMS[rows], []
    said = canonical(path.stem)
    if rows == 1 and said in LEFT:
        return (said,), []
    count = rows or 1
    return tuple(f"stem_{i + 1}" for i in range(count)), [f"the names of its {count} stems"]
