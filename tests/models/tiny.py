"""Tiny networks whose right answer is known, in the tensor shapes of every family, and models made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save
from onnx.onnx_ml_pb2 import ModelProto, NodeProto

from midistems_graph.models.library import Model
from midistems_graph.models.manifest import FILE_NAME, Manifest, ModelFile, to_metadata, write

Shape = Sequence[int | str]

LENGTH = 8192
"""Samples of a segment in the small versions of families that leave it open."""


def network(
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, Shape],
    nodes: Sequence[NodeProto],
    constants: Mapping[str, np.ndarray] | None = None,
    manifest: Manifest | None = None,
) -> ModelProto:
    """A network of float32 tensors."""
    graph = helper.make_graph(
        list(nodes),
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if manifest:
        helper.set_model_props(model, to_metadata(manifest))
    return model


def times(shape: Shape, factor: np.ndarray | float) -> ModelProto:
    """out = factor * in, in one shape: identity, gain or a known mask."""
    return network(
        {"in": shape}, {"out": shape}, [helper.make_node("Mul", ["in", "f"], ["out"])], {"f": np.float32(factor)}
    )


def constant(shape: Shape, value: float) -> ModelProto:
    """Gives one value whatever comes in (0 * in + value)."""
    nodes = [helper.make_node("Mul", ["in", "zero"], ["none"]), helper.make_node("Add", ["none", "v"], ["out"])]
    return network({"in": shape}, {"out": shape}, nodes, {"zero": np.float32(0), "v": np.float32(value)})


def stacked(shape: Shape, gains: Sequence[float]) -> ModelProto:
    """[batch, ...] -> [batch, stems, ...]: each stem the input times a gain."""
    nodes = [helper.make_node("Unsqueeze", ["in", "axis"], ["one"]), helper.make_node("Mul", ["one", "g"], ["out"])]
    factors = np.asarray(gains, np.float32).reshape(-1, *[1] * (len(shape) - 1))
    return network(
        {"in": shape}, {"out": [shape[0], len(gains), *shape[1:]]}, nodes, {"axis": np.array([1]), "g": factors}
    )


def masks(shape: Shape, gains: Sequence[float]) -> ModelProto:
    """Complex masks [batch, stems, bins, frames, 2] for [batch, bins, frames, 2]: real gains, whatever comes in."""
    mask = np.zeros((len(gains), 1, 1, 2), np.float32)
    mask[:, 0, 0, 0] = gains
    nodes = [
        helper.make_node("Mul", ["in", "zero"], ["none"]),
        helper.make_node("Unsqueeze", ["none", "axis"], ["one"]),
        helper.make_node("Add", ["one", "m"], ["out"]),
    ]
    constants = {"zero": np.float32(0), "axis": np.array([1]), "m": mask}
    return network({"in": shape}, {"out": [shape[0], len(gains), *shape[1:]]}, nodes, constants)


def masks_of_magnitudes(shape: Shape, gains: Sequence[float], *, flat: bool = False) -> ModelProto:
    """Masks [batch, stems, channels, bins, frames] for [batch, channels, bins, frames], or with stems and channels on
    one axis: the gains, whatever comes in."""
    channels, bins, frames = (int(dim) for dim in shape[1:])
    mask = np.repeat(np.asarray(gains, np.float32), channels).reshape(1, -1, 1, 1)
    nodes = [
        helper.make_node("ReduceMean", ["in"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["mean", "zero"], ["none"]),
        helper.make_node("Add", ["none", "m"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["out"]),
    ]
    out = [len(gains) * channels, bins, frames] if flat else [len(gains), channels, bins, frames]
    constants = {"zero": np.float32(0), "m": mask, "shape": np.array([-1, *out])}
    return network({"in": shape}, {"out": [shape[0], *out]}, nodes, constants)


def core(samples: int, frames: int, gains: Sequence[float], spectral: float) -> ModelProto:
    """An HTDemucs core: the share `spectral` of each stem comes out as spectrogram, the rest as waveform."""
    shapes: dict[str, Shape] = {"wave": [1, 2, samples], "bins": [1, 4, 2048, frames]}
    nodes, constants = [], {"axis": np.array([1])}
    for name, share in (("bins", spectral), ("wave", 1 - spectral)):
        factors = np.asarray(gains, np.float32).reshape(-1, *[1] * (len(shapes[name]) - 1)) * np.float32(share)
        constants[f"g_{name}"] = factors
        nodes.append(helper.make_node("Unsqueeze", [name, "axis"], [f"one_{name}"]))
        nodes.append(helper.make_node("Mul", [f"one_{name}", f"g_{name}"], [f"out_{name}"]))
    outputs = {f"out_{name}": [1, len(gains), *shapes[name][1:]] for name in ("bins", "wave")}
    return network(shapes, outputs, nodes, constants)


def split(shape: Shape, gains: Sequence[float]) -> ModelProto:
    """Real and imaginary parts apart, in and out, with a new axis of stems."""
    nodes, outputs = [], {}
    factors = np.asarray(gains, np.float32).reshape(-1, *[1] * (len(shape) - 1))
    for name in ("real", "imag"):
        nodes.append(helper.make_node("Unsqueeze", [name, "axis"], [f"one_{name}"]))
        nodes.append(helper.make_node("Mul", [f"one_{name}", "g"], [f"out_{name}"]))
        outputs[f"out_{name}"] = [shape[0], len(gains), *shape[1:]]
    return network({"real": shape, "imag": shape}, outputs, nodes, {"axis": np.array([1]), "g": factors})


def stored(folder: Path, manifest: Manifest, *networks: ModelProto) -> Model:
    """A model in a library's folder; its files are named by the manifest."""
    place = folder / manifest.name
    place.mkdir(parents=True, exist_ok=True)
    for file, each in zip(manifest.files, networks, strict=True):
        save(each, place / file.file)
    write(manifest, place / FILE_NAME)
    return Model.open(place)


def manifest(contract: str, stems: Sequence[str], *, files: int = 1, name: str = "", **fields: object) -> Manifest:
    """A manifest of one file for all stems, or one for each."""
    listed = (
        [ModelFile("all.onnx", "", tuple(stems))] if files == 1 else [ModelFile(f"{s}.onnx", "", (s,)) for s in stems]
    )
    return Manifest(name or contract, contract, tuple(stems), tuple(listed), **fields)  # type: ignore[arg-type]
