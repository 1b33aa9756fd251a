"""The memory of long songs through every family of networks: `run-graph` on half an hour and on an hour, stems to disk.

    python benchmarks/long_songs.py [--minutes 30 60] [--rate 4000] [--families mdx spleeter ...] [--json FILE]

The networks are stand-ins that cost nothing, of the tensors that the families have, at a low rate, so that an hour is
quick. At half an hour all caches, which have fixed sizes, are full (at 44.1 kHz they are after three minutes). Peaks
are those of the whole process. Needs the package onnx.
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
from typing import Any

import numpy as np
import soundfile
from onnx import TensorProto, helper, numpy_helper, save

from midistems_graph.models.library import ENVIRONMENT
from midistems_graph.models.manifest import FILE_NAME, Manifest, ModelFile, write

STEMS = ("vocals", "instrumental")
SAMPLES = 65536
DEMUCS = {"bins": ["b", 4, 2048, 64], "wave": ["b", 2, SAMPLES]}

FAMILIES: Mapping[str, tuple[Mapping[str, object], Mapping[str, Sequence[int | str]], bool]] = {
    "mdx": ({"n_fft": 6144, "dim_f": 2048, "dim_t": 64}, {"x": ["b", 4, 2048, 64]}, False),
    "mdx23c": ({"dim_t": 64}, {"x": ["b", 4, 4096, 64]}, True),
    "spleeter": ({}, {"x": [2, "b", 512, 1024]}, False),
    "htdemucs": ({"samples": SAMPLES}, DEMUCS, True),
    "htdemucs-waveform": ({"samples": SAMPLES}, {"x": ["b", 2, SAMPLES]}, True),
    "open-unmix": ({}, {"x": ["b", 2, 2049, "frames"]}, False),
    "roformer-mask": ({"frames": 201}, {"x": ["b", 2050, 201, 2]}, True),
    "roformer-split": ({"frames": 201}, {"real": ["b", 2, 1025, 201], "imag": ["b", 2, 1025, 201]}, True),
    "magnitudes": ({}, {"x": ["b", 2, 513, 128]}, True),
    "waveform": ({"samples": SAMPLES}, {"x": ["b", 2, SAMPLES]}, True),
}
"""Parameters, inputs, and whether one file gives all stems."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, nargs=2, default=(30, 60))
    options.add_argument("--rate", type=int, default=4000)
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
    parameters, inputs, together = FAMILIES[name]
    folder.mkdir(parents=True)
    each = [STEMS] if together else [(stem,) for stem in STEMS]
    files = tuple(ModelFile(f"{i}.onnx", "", stems) for i, stems in enumerate(each))
    for file in files:
        save(network(inputs, len(STEMS) if together else 0), folder / file.file)
    write(Manifest(name, name, STEMS, files, rate=rate, parameters=parameters), folder / FILE_NAME)


def network(inputs: Mapping[str, Sequence[int | str]], stems: int) -> Any:
    """Each input times a half, with a new second axis for the stems if there are any."""
    nodes, outputs = [], []
    constants = [numpy_helper.from_array(np.float32(0.5), "half"), numpy_helper.from_array(np.array([1]), "axis")]
    constants.append(numpy_helper.from_array(np.array([1, stems or 1]), "twice"))
    for name, shape in inputs.items():
        halved = f"{name}_halved" if stems else f"{name}_out"
        nodes.append(helper.make_node("Mul", [name, "half"], [halved]))
        if stems:
            nodes.append(helper.make_node("Unsqueeze", [halved, "axis"], [f"{name}_one"]))
            nodes.append(helper.make_node("Concat", [f"{name}_one"] * stems, [f"{name}_out"], axis=1))
        out = [shape[0], stems, *shape[1:]] if stems else shape
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
    nodes = {
        "song": {"type": "io.load"},
        "net": {"type": "separate.network", "knobs": {"model": model}},
        "save": {"type": "io.save"},
    }
    edges = [{"from": "song.out", "to": "net.mixture"}, {"from": "net.out", "to": "save.stems"}]
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
