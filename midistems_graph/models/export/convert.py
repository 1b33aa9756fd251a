"""From checkpoints to a model of the library: trace, write ONNX files, compare, store.

A segment of noise goes through the contract twice, once with the networks in PyTorch and once with the files in ONNX
Runtime, and once through the original as a whole, transforms and all. A model that does not agree is not stored.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch

from midistems_graph.audio.values import Float32
from midistems_graph.models.contracts import contract_of
from midistems_graph.models.contracts.base import Contract, Network, Segments
from midistems_graph.models.export import families
from midistems_graph.models.export.base import CannotExport, Checkpoint, Conversion, Family, Part
from midistems_graph.models.export.checkpoints import read
from midistems_graph.models.export.module import conversion_of
from midistems_graph.models.library import Model, ModelLibrary
from midistems_graph.models.manifest import Manifest, ModelFile, to_metadata
from midistems_graph.models.sessions import Session, Tensor

OPSET = 17
ALLOWED = -60.0
"""dB below the stems that a difference may have; rounding alone stays far below it."""

_LOUDNESS = 0.1


@dataclass(frozen=True)
class Agreement:
    """How far the ONNX files are from PyTorch on one stem, in dB below it: the same tensors, and the whole original."""

    stem: str
    network: float
    original: float | None


@dataclass(frozen=True)
class Exported:
    """What was made of which family, and how well it agrees."""

    model: Model
    title: str
    agreements: tuple[Agreement, ...]


def export(paths: Sequence[Path], config: Path | None, name: str, library: ModelLibrary) -> Exported:
    """Convert checkpoints that belong together, or a Python file, and put the model into the library.

    Parameters
    ----------
    paths
        Checkpoints of one model, or one Python file with a manifest beside it (see `module`).
    config
        The configuration of the checkpoints' network, where it is not beside them.
    name
        What the model is to be called.
    library
        Where to.

    Raises
    ------
    CannotExport
        When a file cannot be read, is of no known family, or the result does not agree.
    ManifestError, NetworkError
        When the manifest of a Python file contradicts its network.
    LibraryError
        When the library cannot be written.
    """
    if [path.suffix for path in paths] == [".py"]:
        title, conversion = "a module of PyTorch", conversion_of(paths[0], name)
    else:
        checkpoints = [read(path, config) for path in paths]
        family = _family(checkpoints)
        title, conversion = family.title, family.convert(checkpoints, name)
    contract = contract_of(conversion.manifest)
    with torch.no_grad(), library.workshop() as folder:
        sound = _noise(contract.length(0), conversion.manifest.channels)
        given: dict[int, tuple[torch.Tensor, ...]] = {}
        calls = [_in_torch(part.network, given, i) for i, part in enumerate(conversion.parts)]
        in_torch = _estimate(contract, conversion, sound, calls)
        files = {each.file: folder / each.file for each in conversion.manifest.files}
        for i, (part, path) in enumerate(zip(conversion.parts, files.values(), strict=True)):
            _write(part, given[i], path, conversion.manifest)
        sessions = [Session(path) for path in files.values()]
        in_onnx = _estimate(contract, conversion, sound, [_in_onnx(session) for session in sessions])
        whole = conversion.original(torch.from_numpy(sound)).numpy() if conversion.original else None
        agreements = tuple(
            Agreement(
                stem,
                _error(in_onnx[:, i], in_torch[:, i]),
                None if whole is None else _error(in_onnx[:, i], whole[:, i]),
            )
            for i, stem in enumerate(conversion.manifest.stems)
        )
        worst = max(max(each.network, each.network if each.original is None else each.original) for each in agreements)
        if not worst < ALLOWED:
            raise CannotExport(
                f"what was exported differs from its original by {worst:.1f} dB, where {ALLOWED:g} dB are allowed, so "
                "it was not stored: the network does something that is not known here"
            )
        return Exported(library.add(conversion.manifest, files, link=False), title, agreements)


def _family(checkpoints: Sequence[Checkpoint]) -> type[Family]:
    found = [next((f for f in families().values() if f.recognise(each)), None) for each in checkpoints]
    for checkpoint, family in zip(checkpoints, found, strict=True):
        if family is None:
            titles = ", ".join(each.title for each in families().values())
            raise CannotExport(
                f"{checkpoint.path.name} is of none of the families that are known ({titles}); write a Python file "
                "that builds its network, with a manifest beside it"
            )
    if len(set(found)) > 1:
        raise CannotExport("the checkpoints are of several families; convert one model at a time")
    assert found[0] is not None
    return found[0]


def _noise(length: int, channels: int) -> Float32:
    """A segment [1, channels, length] of white noise."""
    return np.float32(_LOUDNESS) * np.random.default_rng(0).standard_normal((1, channels, length), np.float32)


Call = Callable[[Sequence[npt.NDArray[Any]]], list[Float32]]


def _in_torch(network: torch.nn.Module, given: dict[int, tuple[torch.Tensor, ...]], number: int) -> Call:
    """Runs a network in PyTorch, and keeps what it was first given."""

    def call(arrays: Sequence[npt.NDArray[Any]]) -> list[Float32]:
        tensors = tuple(torch.from_numpy(np.ascontiguousarray(each, np.float32)) for each in arrays)
        given.setdefault(number, tensors)
        made = network(*tensors)
        return [each.numpy() for each in (made if isinstance(made, tuple | list) else (made,))]

    return call


def _in_onnx(session: Session) -> Call:
    return lambda arrays: session.run(arrays, lambda: None)


def _estimate(contract: Contract, conversion: Conversion, sound: Float32, calls: Sequence[Call]) -> Float32:
    """The stems [1, stems, channels, length] that a contract makes of a segment with these networks."""
    manifest = conversion.manifest
    networks = []
    for file, part, call in zip(manifest.files, conversion.parts, calls, strict=True):
        inputs = tuple(Tensor(name, shape, "tensor(float)") for name, shape in part.inputs.items())
        rows = tuple(manifest.stems.index(stem) if stem else None for stem in file.stems or manifest.stems)
        networks.append(Network(file.file, call, inputs, (), rows, file.role))
    return contract.estimate(Segments(sound, (0,), len(manifest.stems), torch.get_num_threads()), networks)


def _write(part: Part, given: tuple[torch.Tensor, ...], path: Path, manifest: Manifest) -> None:
    """Trace a network and write its ONNX file; a single one carries its manifest."""
    names = list(part.inputs) or [f"in_{i}" for i in range(len(given))]
    axes = {
        name: {axis: dim for axis, dim in enumerate(shape) if isinstance(dim, str)}
        for name, shape in part.inputs.items()
    }
    with warnings.catch_warnings(), _plain_attention():
        warnings.simplefilter("ignore")  # lengths become constants where they are fixed; that is meant
        try:
            torch.onnx.export(
                part.network, given, str(path), input_names=names, output_names=list(part.outputs),
                opset_version=OPSET, dynamic_axes={name: its for name, its in axes.items() if its}, dynamo=False,
            )  # fmt: skip
        except Exception as error:  # whatever PyTorch raises for what it cannot trace
            raise CannotExport(
                f"PyTorch cannot export {type(part.network).__name__} to ONNX: {' '.join(str(error).split())[:300]}"
            ) from None
    if len(manifest.files) == 1:
        model = onnx.load(path)
        alone = manifest.files[0]
        onnx.helper.set_model_props(model, to_metadata(_carried(manifest, alone.stems)))
        onnx.save(model, path)


@contextmanager
def _plain_attention() -> Iterator[None]:
    """PyTorch's fused attention has no ONNX form."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


def _carried(manifest: Manifest, stems: tuple[str, ...]) -> Manifest:
    """The manifest as an ONNX file carries it itself: its only file has no name."""
    return replace(manifest, files=(ModelFile("", "", stems),))


def _error(made: Float32, true: Float32) -> float:
    """Power of the difference over that of what is right, in dB; infinite for what is not a number."""
    power = float(np.sum(np.square(true, dtype=np.float64)))
    difference = float(np.sum(np.square(made.astype(np.float64) - true)))
    if not np.isfinite(difference):
        return float("inf")
    return 10 * float(np.log10(max(difference, 1e-30) / max(power, 1e-30)))
