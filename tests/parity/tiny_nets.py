"""Small stand-ins for networks, the same in PyTorch and as ONNX, for what the makers' programs do around a network.

A stand-in is a convolution with a limiter behind it: neither linear nor local, so that a segment laid elsewhere, a
frame too many or another level of the song would all be seen. Its weights are drawn from a seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

from midistems_graph.models.library import Model
from midistems_graph.models.manifest import FILE_NAME, Manifest, ModelFile, write

RATE = 44100
LENGTH = 98 * 1024
STEMS = ("first", "second")
FOLDER = Path(__file__).parent / "expected"

SEGMENT = RATE // 2
"""Samples of a segment of the Demucs stand-ins."""

MDX = {"n_fft": 2048, "dim_f": 1024, "dim_t": 32, "compensate": 1.035}


def song() -> np.ndarray:
    """Noise and a tone that swell, float32 [2, LENGTH]; its mean is not 0."""
    noise = np.random.default_rng(7).standard_normal((2, LENGTH)) * np.linspace(0.01, 0.2, LENGTH)
    tone = 0.3 * np.sin(np.arange(LENGTH) * 0.05) * np.linspace(1, 0, LENGTH)
    return (noise + tone + 0.02).astype(np.float32)


def kept(made: np.ndarray) -> np.ndarray:
    """What is compared: both ends, and one sample of 151 between them."""
    length = made.shape[-1]
    return made[..., np.r_[0:200, 200 : length - 200 : 151, length - 200 : length]]


@dataclass(frozen=True)
class Convolution:
    """tanh(kernel * x), or x * sigmoid(kernel * x) where it is a mask; `out` is the shape of a batch of one."""

    kernel: np.ndarray
    out: tuple[int, ...]
    mask: bool = False

    @classmethod
    def drawn(cls, seed: int, shape: tuple[int, ...], *out: int, mask: bool = False) -> Convolution:
        kernel = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
        return cls(kernel / np.sqrt(np.float32(kernel[0].size)), out, mask)


def wave_network(seed: int = 1) -> Convolution:
    return Convolution.drawn(seed, (4, 2, 9), 1, 2, 2, SEGMENT)


def bins_network(seed: int = 2) -> Convolution:
    return Convolution.drawn(seed, (8, 4, 3, 3), 1, 2, 4, 2048, -(-SEGMENT // 1024))


def magnitude_network(seed: int) -> Convolution:
    return Convolution.drawn(seed, (2, 2, 3, 3), 0, 2, 2049, -1, mask=True)


def mdx_network(seed: int = 5) -> Convolution:
    return Convolution.drawn(seed, (4, 4, 3, 3), 0, 4, MDX["dim_f"], MDX["dim_t"])


def as_onnx(path: Path, parts: Mapping[str, Convolution]) -> None:
    """Write a network with an input and an output for each part."""
    nodes, constants, inputs, outputs = [], [], [], []
    for name, part in parts.items():
        pads = [n // 2 for n in part.kernel.shape[2:]] * 2
        end = f"{name}_out"
        nodes.append(helper.make_node("Conv", [name, f"{name}_k"], [f"{name}_c"], pads=pads))
        nodes.append(helper.make_node("Sigmoid" if part.mask else "Tanh", [f"{name}_c"], [f"{name}_l"]))
        if part.mask:
            nodes.append(helper.make_node("Mul", [name, f"{name}_l"], [end]))
        else:
            nodes.append(helper.make_node("Reshape", [f"{name}_l", f"{name}_s"], [end]))
            constants.append(numpy_helper.from_array(np.array(part.out), f"{name}_s"))
        constants.append(numpy_helper.from_array(part.kernel, f"{name}_k"))
        after = len(part.out) - len(part.kernel.shape[2:])
        takes = [part.out[0] or "b", part.kernel.shape[1], *part.out[after:]]
        shapes = ([n if n != -1 else "n" for n in takes], [n if n > 0 else "n" if n == -1 else "b" for n in part.out])
        inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[0]))
        outputs.append(helper.make_tensor_value_info(end, TensorProto.FLOAT, shapes[1]))
    graph = helper.make_graph(nodes, "stand-in", inputs, outputs, constants)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def models(folder: Path) -> dict[str, Model]:
    """The stand-ins as models of their families."""
    demucs = {"samples": SEGMENT}
    made = {
        "htdemucs-waveform": (demucs, STEMS, [{"wave": wave_network()}]),
        "htdemucs": (demucs, STEMS, [{"wave": wave_network(), "bins": bins_network()}]),
        "open-unmix": ({}, STEMS, [{"input": magnitude_network(3)}, {"input": magnitude_network(4)}]),
        "mdx": (MDX, STEMS[:1], [{"input": mdx_network()}]),
    }
    return {name: _stored(folder / name, name, *facts) for name, facts in made.items()}


def _stored(
    folder: Path,
    name: str,
    parameters: Mapping[str, object],
    stems: tuple[str, ...],
    networks: list[dict[str, Convolution]],
) -> Model:
    folder.mkdir(parents=True, exist_ok=True)
    each = [stems] if len(networks) == 1 else [(stem,) for stem in stems]
    files = tuple(ModelFile(f"{i}.onnx", "", gives) for i, gives in enumerate(each))
    for file, parts in zip(files, networks, strict=True):
        as_onnx(folder / file.file, parts)
    write(Manifest(name, name, stems, files, parameters=parameters), folder / FILE_NAME)  # type: ignore[arg-type]
    return Model.open(folder)
