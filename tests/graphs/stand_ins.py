"""Small networks under the names and contracts of the models that presets ask for: their masks are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

from midistems_graph.models.library import ModelLibrary
from midistems_graph.models.manifest import Manifest, ModelFile

SPLEETER_BINS = 1024


def voice_share() -> np.ndarray:
    """How much of each bin the stand-in of Spleeter gives to the vocals: most from 200 Hz to 4 kHz."""
    bins = np.arange(SPLEETER_BINS) * 44100 / 4096
    return np.where((bins > 200) & (bins < 4000), 0.8, 0.1)


def write_stand_ins(folder: Path) -> None:
    """A library of stand-ins."""
    share = voice_share()
    gains = {"vocals": np.sqrt(share), "instrumental": np.sqrt(1 - share)}  # Spleeter divides the powers
    for stem, gain in gains.items():
        _write_gain(folder / f"{stem}.onnx", gain)
    files = tuple(ModelFile(f"{stem}.onnx", stems=(stem,)) for stem in gains)
    manifest = Manifest("spleeter-2stems", "spleeter", tuple(gains), files)
    ModelLibrary(folder).add(manifest, {file.file: folder / file.file for file in files}, link=False)


def _write_gain(path: Path, gain: np.ndarray) -> None:
    """A network that multiplies every bin with a number."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, "splits", 512, SPLEETER_BINS]) for name in "xy"]
    factors = numpy_helper.from_array(gain.astype(np.float32), "gain")
    product = helper.make_node("Mul", ["x", "gain"], ["y"])
    graph = helper.make_graph([product], "stand-in", ends[:1], ends[1:], [factors])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8), path)
