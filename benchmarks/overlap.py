"""What the length of segments and their overlap do to quality, with real weights: SI-SDR against the true stems.

    python benchmarks/overlap.py FOLDER ... [--frames 128 256 512] [--overlaps 1 2 4] [--json FILE]

A FOLDER has mixture.flac, vocals.flac and other stems. Spleeter's own segments neither change their length nor overlap.
So its two networks (midistems-graph models get spleeter-2stems) are put together to one of the family `magnitudes`,
where segments do: the same weights, FFT and shares. Seconds are the processor's. Needs the package onnx.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import soundfile
from knobs import si_sdr
from onnx import TensorProto, helper, numpy_helper

from midistems_graph.audio.values import Audio
from midistems_graph.models.library import Model, ModelLibrary
from midistems_graph.models.manifest import FILE_NAME, Manifest, ModelFile, write
from midistems_graph.models.recent import Recent
from midistems_graph.models.runner import Runner, Settings
from midistems_graph.models.sessions import Sessions
from midistems_graph.node.testing import FakeRun

N_FFT, HOP, BINS, ALL = 4096, 1024, 1024, 2049
STEMS = ("vocals", "accompaniment")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("songs", nargs="+", type=Path)
    options.add_argument("--frames", nargs="+", type=int, default=[128, 256, 512], help="multiples of 64")
    options.add_argument("--overlaps", nargs="+", type=float, default=[1, 2, 4])
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    sessions, rows = Sessions(), []
    with tempfile.TemporaryDirectory() as made:
        for frames in chosen.frames:
            model = stored(Path(made, str(frames)), frames)
            for overlap in chosen.overlaps:
                row: dict[str, object] = {"seconds": round(HOP * frames / 44100, 1), "overlap": overlap}
                for song in chosen.songs:
                    row[song.name] = separated(Runner(model, Settings(overlap=overlap), sessions, Recent()), song)
                rows.append(row)
                print(*row.values(), flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=2) + "\n")


def separated(runner: Runner, folder: Path) -> list[float]:
    """SI-SDR of vocals and of the rest in dB, and seconds of the processor."""
    true = {path.stem: soundfile.read(path, dtype="float32", always_2d=True) for path in sorted(folder.glob("*.flac"))}
    mixture, rate = true.pop("mixture")
    audio = Audio.of(mixture.T, rate)
    began = time.process_time()
    stems = runner.separate(audio, run=FakeRun(audio.span, threads=2, cores=2))
    spent = time.process_time() - began
    vocals = true.pop("vocals")[0]
    rest = np.sum([samples for samples, _ in true.values()], axis=0)
    found = [si_sdr(stems[n].samples.T, wanted) for n, wanted in zip(STEMS, (vocals, rest), strict=True)]
    return [*(round(one, 2) for one in found), round(spent, 1)]


def stored(folder: Path, frames: int) -> Model:
    folder.mkdir()
    library = ModelLibrary.default().find("spleeter-2stems")
    onnx.save(together(*(onnx.load(path) for path in library.files[:2])), folder / "both.onnx")
    parameters = {"n_fft": N_FFT, "hop": HOP, "frames": frames}
    write(Manifest("both", "magnitudes", STEMS, (ModelFile("both.onnx"),), parameters=parameters), folder / FILE_NAME)
    return Model.open(folder)


def together(*networks: onnx.ModelProto) -> onnx.ModelProto:
    """[b, 2, 2049, frames] -> masks [b, 4, 2049, frames]: powers over their sum, above 1024 bins the mean over them."""
    nodes = [
        helper.make_node("Slice", ["x", "first", "bins", "axis"], ["low"]),
        helper.make_node("Transpose", ["low"], ["fed"], perm=[1, 0, 3, 2]),
    ]
    constants: list[onnx.TensorProto] = []
    for k, network in enumerate(networks):
        graph = onnx.compose.add_prefix_graph(network.graph, f"{k}/")
        nodes += [helper.make_node("Identity", ["fed"], [graph.input[0].name]), *graph.node]
        nodes += [helper.make_node("Mul", [graph.output[0].name] * 2, [f"power{k}"])]
        constants += graph.initializer
    nodes.append(helper.make_node("Sum", [*(f"power{k}" for k in range(len(networks))), "tiny"], ["whole"]))
    for k in range(len(networks)):
        nodes += [
            helper.make_node("Add", [f"power{k}", "share"], [f"more{k}"]),
            helper.make_node("Div", [f"more{k}", "whole"], [f"mask{k}"]),
            helper.make_node("ReduceMean", [f"mask{k}"], [f"mean{k}"], axes=[3]),
            helper.make_node("Tile", [f"mean{k}", "above"], [f"high{k}"]),
            helper.make_node("Concat", [f"mask{k}", f"high{k}"], [f"all{k}"], axis=3),
            helper.make_node("Transpose", [f"all{k}"], [f"out{k}"], perm=[1, 0, 3, 2]),
        ]
    nodes.append(helper.make_node("Concat", [f"out{k}" for k in range(len(networks))], ["y"], axis=1))
    fixed = {
        "first": np.array([0]),
        "bins": np.array([BINS]),
        "axis": np.array([2]),
        "above": np.array([1, 1, 1, ALL - BINS]),
        "tiny": np.float32(1e-10),
        "share": np.float32(1e-10 / len(networks)),
    }
    constants += [numpy_helper.from_array(np.asarray(value), name) for name, value in fixed.items()]
    shapes = {"x": ["b", 2, ALL, "frames"], "y": ["b", 2 * len(networks), ALL, "frames"]}
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    graph = helper.make_graph(nodes, "both", ends[:1], ends[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


if __name__ == "__main__":
    main()
