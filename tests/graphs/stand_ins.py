"""Small networks under the names and contracts of the models that presets ask for: what they do is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save
from onnx.onnx_ml_pb2 import NodeProto

from midistems_graph.models.library import ModelLibrary
from midistems_graph.models.manifest import Condition, Manifest, ModelFile

Shape = Sequence[int | str]

SPLEETER_BINS = 1024
SAMPLES = 100_000
MDX = {"n_fft": 4096, "dim_f": 2049, "dim_t": 64, "silent_bins": 0}

MDX_NETS = {
    "uvr-mdx-voc-ft": ("vocals", "instrumental", 0.6),
    "kim-vocal-2": ("vocals", "instrumental", 0.3),
    "uvr-mdx-inst-hq-3": ("instrumental", "vocals", 0.4),
    "kim-vocal-1": ("vocals", "instrumental", 0.5),
    "kim-inst": ("instrumental", "vocals", 0.3),
    "uvr-mdx-karaoke": ("lead_vocals", "backing_vocals", 0.7),
    "reverb-hq-foxjoy": ("reverb", "dry", 0.2),
}
"""By name: what it gives, what it leaves, and its gain."""

DEMUCS = {
    "htdemucs": {"drums": 0.3, "bass": 0.2, "other": 0.1, "vocals": 0.4},
    "htdemucs-ft": {"drums": 0.35, "bass": 0.15, "other": 0.2, "vocals": 0.3},
    "htdemucs-6s": {"drums": 0.25, "bass": 0.25, "other": 0.1, "vocals": 0.2, "guitar": 0.15, "piano": 0.05},
    "hdemucs-mmi": {"drums": 0.2, "bass": 0.3, "other": 0.3, "vocals": 0.2},
    "drum-kit": {"kick": 0.3, "snare": 0.25, "toms": 0.15, "hats": 0.1, "cymbals": 0.2},
}
"""By name: gains of the stems. To each, a tenth of the square comes, which is not odd."""


def voice_share() -> np.ndarray:
    """How much of each bin the stand-in of Spleeter gives to the vocals: most from 200 Hz to 4 kHz."""
    bins = np.arange(SPLEETER_BINS) * 44100 / 4096
    return np.where((bins > 200) & (bins < 4000), 0.8, 0.1)


def write_stand_ins(folder: Path) -> None:
    """A library of stand-ins."""
    library = _Library(folder)
    share = voice_share()
    library.add(
        "spleeter-2stems",
        "spleeter",
        {"vocals": np.sqrt(share), "instrumental": np.sqrt(1 - share)},  # Spleeter divides the powers
        [2, "splits", 512, SPLEETER_BINS],
    )
    for name, (stem, left, gain) in MDX_NETS.items():
        library.add(name, "mdx", {stem: np.float32(gain)}, ["b", 4, 2049, 64], odd=False, residual=left, **MDX)
    for name, gains in DEMUCS.items():
        library.add_all(name, "htdemucs-waveform", gains, ["b", 2, SAMPLES], samples=SAMPLES)
    unmix = {stem: np.float32(gain) for stem, gain in DEMUCS["htdemucs"].items()}
    library.add("open-unmix", "open-unmix", unmix, ["b", 2, 2049, 201], frames=201)
    library.add_mask("bs-roformer-vocals", "vocals", 0.6 + 0.2j, frames=101)
    library.add_flow("flow-stems", {"vocals": 0.25, "instrumental": 0.75})
    library.add_score("sgmse-vocals", "vocals")
    library.add_bridge("bridge-stems", {"vocals": 0.25, "instrumental": 0.75})
    library.add_turn("phasenet-vocals", "vocals", classes=4, turn=1)
    for name, stem, gain in (
        ("shared-encoder", "latents", 2.0),
        ("decoder-vocals", "vocals", 0.125),
        ("decoder-instrumental", "instrumental", 0.25),
        ("flow-encoder", "latents", 2.0),
        ("flow-decoder", "sound", 0.5),
    ):
        library.add_part(name, stem, gain)
    library.add_flow("flow-semantic", {"semantic": 0.5}, consistent=False)
    library.add_flow(
        "flow-acoustic",
        {"vocals": 0.0, "instrumental": 1.0},
        consistent=False,
        told={"vocals": 0.5, "instrumental": -0.5},
    )


_PULL = {"strength": np.float32(4), "zero": np.float32(0)}
_TO_THE_GOAL = [  # y = strength * way, whatever the time is
    helper.make_node("Mul", ["way", "strength"], ["strong"]),
    helper.make_node("ReduceMean", ["time"], ["mean"], keepdims=0),
    helper.make_node("Mul", ["mean", "zero"], ["none"]),
    helper.make_node("Add", ["strong", "none"], ["y"]),
]


class _Library:
    """Writes networks and adds them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._library = folder, ModelLibrary(folder)

    def add(
        self,
        name: str,
        contract: str,
        gains: Mapping[str, np.ndarray | np.float32],
        shape: Shape,
        *,
        odd: bool = True,
        residual: str = "",
        **parameters: object,
    ) -> None:
        """A file per stem: the input times a gain; if not odd, with some of what it is without its sign."""
        for stem, gain in gains.items():
            nodes = [helper.make_node("Mul", ["x", "gain"], ["some"]), helper.make_node("Abs", ["some"], ["size"])]
            nodes += [
                helper.make_node("Mul", ["size", "part"], ["more"]),
                helper.make_node("Add", ["some", "more"], ["y"]),
            ]
            constants = {"gain": gain, "part": np.float32(0.0 if odd else 0.1)}
            self._write(f"{stem}.onnx", {"x": shape}, shape, nodes, constants)
        files = tuple(ModelFile(f"{stem}.onnx", stems=(stem,)) for stem in gains)
        self._put(Manifest(name, contract, tuple(gains), files, residual=residual, parameters=parameters))

    def add_all(self, name: str, contract: str, gains: Mapping[str, float], shape: Shape, **parameters: object) -> None:
        """One file for all stems: the input times gains, and a tenth of its square."""
        factors = np.array(list(gains.values()), np.float32).reshape(1, -1, *[1] * (len(shape) - 1))
        nodes = [
            helper.make_node("Unsqueeze", ["x", "axis"], ["one"]),
            helper.make_node("Mul", ["one", "gains"], ["all"]),
            helper.make_node("Mul", ["one", "one"], ["square"]),
            helper.make_node("Mul", ["square", "tenth"], ["more"]),
            helper.make_node("Add", ["all", "more"], ["y"]),
        ]
        constants = {"axis": np.array([1]), "gains": factors, "tenth": np.float32(0.1)}
        self._write("all.onnx", {"x": shape}, [shape[0], len(gains), *shape[1:]], nodes, constants)
        self._put(
            Manifest(name, contract, tuple(gains), (ModelFile("all.onnx", stems=tuple(gains)),), parameters=parameters)
        )

    def add_mask(self, name: str, stem: str, mask: complex, frames: int) -> None:
        """One complex mask everywhere, in a RoFormer's layout."""
        shape: Shape = ["b", 2050, frames, 2]
        nodes = [helper.make_node("Mul", ["x", "zero"], ["none"]), helper.make_node("Add", ["none", "mask"], ["y"])]
        parts = np.array([mask.real, mask.imag], np.float32)
        self._write("mask.onnx", {"x": shape}, shape, nodes, {"zero": np.float32(0), "mask": parts})
        files = (ModelFile("mask.onnx", stems=(stem,)),)
        self._put(Manifest(name, "roformer-mask", (stem,), files, parameters={"frames": frames}))

    def add_part(self, name: str, gives: str, gain: float) -> None:
        """An encoder or a decoder: what goes in, times a gain."""
        shape: Shape = ["b", 2, SAMPLES]
        self._write("part.onnx", {"x": shape}, shape, [helper.make_node("Mul", ["x", "gain"], ["y"])], {"gain": gain})
        files = (ModelFile("part.onnx", stems=(gives,)),)
        self._put(Manifest(name, "latents", (gives,), files, complete=False, parameters={"samples": SAMPLES}))

    def add_bridge(self, name: str, shares: Mapping[str, float]) -> None:
        """A network that knows at every step that the stems are shares of the mixture."""
        state: Shape = ["b", len(shares), 2, SAMPLES]
        nodes = [
            helper.make_node("Unsqueeze", ["mixture", "axis"], ["one"]),
            helper.make_node("Mul", ["one", "shares"], ["goal"]),
            helper.make_node("Mul", ["state", "zero"], ["nothing"]),
            helper.make_node("ReduceMean", ["time"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "zero"], ["none"]),
            helper.make_node("Add", ["goal", "nothing"], ["still"]),
            helper.make_node("Add", ["still", "none"], ["y"]),
        ]
        factors = np.array(list(shares.values()), np.float32).reshape(1, -1, 1, 1)
        inputs = {"state": state, "mixture": ["b", 2, SAMPLES], "time": ["b"]}
        self._write("bridge.onnx", inputs, state, nodes, {"axis": np.array([1]), "shares": factors, "zero": 0.0})
        files = (ModelFile("bridge.onnx", stems=tuple(shares)),)
        self._put(Manifest(name, "bridge", tuple(shares), files, parameters={"samples": SAMPLES, "steps": 3}))

    def add_turn(self, name: str, stem: str, classes: int, turn: int) -> None:
        """Phases that are the mixture's, turned by so many classes."""
        nodes = [
            helper.make_node("Unsqueeze", ["magnitude", "axis"], ["one"]),
            helper.make_node("Mul", ["one", "zero"], ["none"]),
            helper.make_node("Add", ["none", "logits"], ["turned"]),
            helper.make_node("ReduceMean", ["mixture"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
            helper.make_node("Add", ["turned", "nothing"], ["y"]),
        ]
        logits = np.where(np.arange(classes) == turn, 60, 0)
        inputs: dict[str, Shape] = {"magnitude": ["b", 2049, 64], "mixture": ["b", 2, 2049, 64]}
        constants = {"axis": np.array([3]), "zero": 0.0, "logits": np.float32(logits)}
        self._write("phases.onnx", inputs, ["b", 2049, 64, classes], nodes, constants)
        files = (ModelFile("phases.onnx", stems=(stem,)),)
        self._put(Manifest(name, "phase-classes", (stem,), files, complete=False, parameters={"relative": True}))

    def add_flow(
        self,
        name: str,
        shares: Mapping[str, float],
        *,
        consistent: bool = True,
        told: Mapping[str, float] | None = None,
    ) -> None:
        """A velocity that pulls every stem to its share of the mixture, and of what it is `told` beside that."""
        state: Shape = ["b", len(shares), 2, SAMPLES]
        heard: dict[str, Mapping[str, float]] = {"mixture": shares, **({"told": told} if told else {})}
        nodes, constants = [], {"axis": np.array([1])} | _PULL
        for sound, parts in heard.items():
            nodes += [
                helper.make_node("Unsqueeze", [sound, "axis"], [f"{sound} alone"]),
                helper.make_node("Mul", [f"{sound} alone", f"{sound} shares"], [f"{sound} goal"]),
            ]
            constants[f"{sound} shares"] = np.array(list(parts.values()), np.float32).reshape(1, -1, 1, 1)
        nodes += [
            helper.make_node("Sum", [f"{sound} goal" for sound in heard], ["goal"]),
            helper.make_node("Sub", ["goal", "state"], ["way"]),
            *_TO_THE_GOAL,
        ]
        inputs = {"state": state, "mixture": ["b", 2, SAMPLES], "time": ["b"]}
        inputs |= {"told": ["b", 2, SAMPLES]} if told else {}
        self._write("flow.onnx", inputs, state, nodes, constants)
        files = (ModelFile("flow.onnx", stems=tuple(shares)),)
        parameters = {"samples": SAMPLES, "consistent": consistent, "noise": 0.1, "steps": 4}
        conditions = (Condition("semantic"),) if told else ()
        self._put(Manifest(name, "flow", tuple(shares), files, parameters=parameters, conditions=conditions))

    def add_score(self, name: str, stem: str) -> None:
        """A score that pulls to the mixture, in the STFT."""
        state: Shape = ["b", 1, 2, 256, 256]
        nodes = [
            helper.make_node("Unsqueeze", ["mixture", "axis"], ["one"]),
            helper.make_node("Sub", ["one", "state"], ["way"]),
            *_TO_THE_GOAL,
        ]
        inputs = {"state": state, "mixture": ["b", 2, 256, 256], "time": ["b"]}
        self._write("score.onnx", inputs, state, nodes, {"axis": np.array([1])} | _PULL)
        files = (ModelFile("score.onnx", stems=(stem,)),)
        manifest = Manifest(name, "sgmse", (stem,), files, rate=16000, channels=1, parameters={"steps": 3})
        self._put(manifest)

    def _write(
        self,
        file: str,
        inputs: Mapping[str, Shape],
        out: Shape,
        nodes: Sequence[NodeProto],
        constants: Mapping[str, object],
    ) -> None:
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()]
        end = helper.make_tensor_value_info("y", TensorProto.FLOAT, out)
        held = [numpy_helper.from_array(_single(value), name) for name, value in constants.items()]
        graph = helper.make_graph(list(nodes), "stand-in", ends, [end], held)
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8), self.folder / file)

    def _put(self, manifest: Manifest) -> None:
        self._library.add(manifest, {file.file: self.folder / file.file for file in manifest.files}, link=False)


def _single(value: object) -> np.ndarray:
    array = np.asarray(value)
    return array.astype(np.float32) if array.dtype.kind == "f" else array
