"""The memory of long songs through every family of networks: `run-graph` on 3 and on 30 minutes, stems to disk.

    python benchmarks/long_songs.py [--minutes 3 30] [--rate 44100] [--families mdx spleeter ...] [--json FILE]

The networks are stand-ins that cost nothing, of the tensors that the families have. At 44.1 kHz all caches, which have
fixed sizes, are full after three minutes; at a lower rate an hour is quick, but they fill later. Generative families
take two steps. Peaks are those of the whole process. Needs the package onnx.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile
from onnx import TensorProto, helper, numpy_helper, save

from midistems_graph.models.library import ENVIRONMENT
from midistems_graph.models.manifest import FILE_NAME, Manifest, ModelFile, write

STEMS = ("vocals", "instrumental")
SAMPLES = 65536
DEMUCS = {"bins": ["b", 4, 2048, 64], "wave": ["b", 2, SAMPLES]}

Outputs = Literal["for each stem", "stems together", "the first alone", "classes"]

STATE = {"state": ["b", 2, 2, SAMPLES], "mixture": ["b", 2, SAMPLES], "time": ["b"]}
BINS = {"state": ["b", 2, 4, 256, 512], "mixture": ["b", 4, 256, 512], "time": ["b"]}
STEPS = {"samples": SAMPLES, "steps": 2}

FAMILIES: Mapping[str, tuple[Mapping[str, object], Mapping[str, Sequence[int | str]], Outputs]] = {
    "mdx": ({"n_fft": 6144, "dim_f": 2048, "dim_t": 64}, {"x": ["b", 4, 2048, 64]}, "for each stem"),
    "mdx23c": ({"dim_t": 64}, {"x": ["b", 4, 4096, 64]}, "stems together"),
    "spleeter": ({}, {"x": [2, "b", 512, 1024]}, "for each stem"),
    "htdemucs": ({"samples": SAMPLES}, DEMUCS, "stems together"),
    "htdemucs-waveform": ({"samples": SAMPLES}, {"x": ["b", 2, SAMPLES]}, "stems together"),
    "open-unmix": ({}, {"x": ["b", 2, 2049, "frames"]}, "for each stem"),
    "roformer-mask": ({"frames": 201}, {"x": ["b", 2050, 201, 2]}, "stems together"),
    "roformer-split": ({"frames": 201}, {n: ["b", 2, 1025, 201] for n in ("real", "imag")}, "stems together"),
    "magnitudes": ({}, {"x": ["b", 2, 513, 128]}, "stems together"),
    "waveform": ({"samples": SAMPLES}, {"x": ["b", 2, SAMPLES]}, "stems together"),
    "flow": (STEPS, STATE, "the first alone"),
    "diffusion": (STEPS, STATE, "the first alone"),
    "sgmse": ({"samples": 511 * 128, "steps": 2}, BINS, "the first alone"),
    "bridge": (STEPS, STATE, "the first alone"),
    "phase-classes": ({"relative": True}, {"x": ["b", 2049, 64]}, "classes"),
}
"""Parameters, inputs, and what comes out: a file for each stem, all stems, what the first input becomes, or classes."""

COPIES: Mapping[Outputs, tuple[int, int]] = {"stems together": (len(STEMS), 1), "classes": (8, 3)}
"""How often an input comes out, and along which new axis."""

NODES = {
    "song": {"type": "io.load"},
    "net": {"type": "separate.network"},
    "save": {"type": "io.save"},
}
WIRES = [("song.out", "net.mixture"), ("net.out", "save.stems")]

PHASE_NODES = {
    "song": {"type": "io.load"},
    "bins": {"type": "transform.stft", "knobs": {"n_fft": 4096, "hop": 1024}},
    "size": {"type": "transform.magnitude"},
    "net": {"type": "phase.classes"},
    "whole": {"type": "transform.combine"},
    "sound": {"type": "transform.istft"},
    "set": {"type": "stems.gather", "knobs": {"names": STEMS[:1]}},
    "save": {"type": "io.save"},
}
PHASE_WIRES = [
    ("song.out", "bins.audio"), ("bins.out", "size.spectrogram"), ("bins.out", "net.mixture"),
    ("size.out", "net.magnitude"), ("size.out", "whole.magnitude"), ("net.out", "whole.phase"),
    ("whole.out", "sound.spectrogram"), ("sound.out", "set.parts[0]"), ("set.out", "save.stems"),
]  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, nargs=2, default=(3, 30))
    options.add_argument("--rate", type=int, default=44100)
    options.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    peaks: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name in chosen.families:
            stored(folder / "models" / name, name, chosen.rate)
            peaks[name] = [peak_mb(name, minutes, chosen.rate, folder) for minutes in chosen.minutes]
            short, long = peaks[name]
            print(f"{name:20}{short:7.0f} MB{long:7.0f} MB{100 * (long / short - 1):+7.1f} %", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps({"minutes": chosen.minutes, "peaks_mb": peaks}, indent=2) + "\n")


def stored(folder: Path, name: str, rate: int) -> None:
    """A model that halves its input, twice."""
    parameters, inputs, gives = FAMILIES[name]
    folder.mkdir(parents=True)
    each = [(stem,) for stem in STEMS] if gives == "for each stem" else [STEMS]
    files = tuple(ModelFile(f"{i}.onnx", "", stems) for i, stems in enumerate(each))
    for file in files:
        save(network(inputs, gives), folder / file.file)
    write(Manifest(name, name, STEMS, files, rate=rate, parameters=parameters), folder / FILE_NAME)


def network(inputs: Mapping[str, Sequence[int | str]], gives: Outputs) -> Any:
    """Each input times a half, or the first one, on a new axis for stems or classes where they come together."""
    copies, axis = COPIES.get(gives, (0, 0))
    nodes, outputs = [], []
    constants = [numpy_helper.from_array(np.float32(0.5), "half"), numpy_helper.from_array(np.array([axis]), "axis")]
    for name, shape in list(inputs.items())[: 1 if gives == "the first alone" else None]:
        halved, out = f"{name}_halved" if copies else f"{name}_out", list(shape)
        nodes.append(helper.make_node("Mul", [name, "half"], [halved]))
        if copies:
            nodes.append(helper.make_node("Unsqueeze", [halved, "axis"], [f"{name}_one"]))
            nodes.append(helper.make_node("Concat", [f"{name}_one"] * copies, [f"{name}_out"], axis=axis))
            out.insert(axis, copies)
        outputs.append(helper.make_tensor_value_info(f"{name}_out", TensorProto.FLOAT, out))
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()]
    graph = helper.make_graph(nodes, "halves", given, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def peak_mb(model: str, minutes: float, rate: int, folder: Path) -> float:
    """The highest memory of `run-graph` on a song of so many minutes, in a process of its own."""
    song, graph = folder / f"{minutes:g}.wav", folder / "graph.json"
    if not song.exists():
        rng = np.random.default_rng(2)
        with soundfile.SoundFile(song, "w", rate, 2, "PCM_16") as file:
            for _ in range(int(minutes * 60)):
                file.write(0.1 * rng.standard_normal((rate, 2)))
    nodes, wires = (PHASE_NODES, PHASE_WIRES) if model == "phase-classes" else (NODES, WIRES)
    nodes = {**nodes, "net": {**nodes["net"], "knobs": {"model": model}}}
    edges = [{"from": one, "to": other} for one, other in wires]
    graph.write_text(json.dumps({"format": "midistems-graph", "version": 1, "nodes": nodes, "edges": edges}))
    command = [sys.executable, "-m", "midistems_graph.cli.run_graph", graph, song, "-o", folder / "out", "--no-cache"]
    command += ["--json", "--quiet", "--on-exist", "replace"]
    environment = {**os.environ, ENVIRONMENT: str(folder / "models")}
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return float(json.loads(done.stdout)["peak_memory_bytes"]) / 2**20


if __name__ == "__main__":
    main()
