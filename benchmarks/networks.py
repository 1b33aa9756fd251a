"""Networks: what the runner adds to a bare ONNX Runtime loop over the same tensors, and the memory of long songs.

    python benchmarks/networks.py [--seconds 60] [--runs 3] [--minutes 3 30] [--threads 2] [--json FILE]

Spleeter is taken with its real weights if it is in the library (midistems-graph models get spleeter-2stems). MDX-Net is
a stand-in of the same tensors and a third of the work. Needs the package onnx.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from onnx import TensorProto, helper, numpy_helper, save
from timing import Figures, race, table, write_json

from midistems_graph.audio.values import Audio, Float32
from midistems_graph.models.library import ENVIRONMENT, Model, ModelLibrary, ModelMissing
from midistems_graph.models.manifest import FILE_NAME, Manifest, ModelFile, write
from midistems_graph.models.recent import Recent
from midistems_graph.models.runner import Runner, Settings
from midistems_graph.models.sessions import Sessions
from midistems_graph.node.testing import FakeRun

RATE = 44100
OURS, BARE = "ours", "bare ONNX Runtime"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--minutes", type=float, nargs="*", default=(3, 30), help="songs that memory is measured on")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    audio = Audio.of(0.1 * np.random.default_rng(0).standard_normal((2, int(chosen.seconds * RATE))), RATE)
    races: dict[str, dict[str, Figures]] = {}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        models = {"MDX-Net (stand-in)": mdx(folder)}
        try:
            models["Spleeter, 2 stems"] = ModelLibrary.default().find("spleeter-2stems")
        except ModelMissing as error:
            print(error)
        for name, model in models.items():
            races[name] = race(candidates(model, audio, chosen.threads), chosen.runs)
            print(
                table(f"{name}, {chosen.seconds:g} s stereo, {chosen.threads} threads", races[name], OURS), end="\n\n"
            )
        peaks = {f"{minutes:g} min": peak_mb(minutes, folder) for minutes in chosen.minutes}
        for song, peak in peaks.items():
            print(f"run-graph on {song}, a network of two stems: {peak:.0f} MB at its highest")
    if chosen.json:
        write_json(chosen.json, races, {"threads": chosen.threads, "seconds": chosen.seconds, "peaks_mb": peaks})


def candidates(model: Model, audio: Audio, threads: int) -> dict[str, Callable[[], object]]:
    """The runner, and the same tensors through the same sessions in a loop."""
    sessions = Sessions()
    fed: list[tuple[Any, list[Float32]]] = []
    run = FakeRun(audio.span, threads=threads, cores=threads)

    def ours() -> object:
        return Runner(model, Settings(), sessions, Recent()).separate(audio, run=run)

    real = type(sessions.get(model.files[0], model.digest, threads=threads)).run

    def recorded(session: Any, arrays: Any, check: Any) -> list[Float32]:
        fed.append((session._session, [np.ascontiguousarray(each) for each in arrays]))
        return real(session, arrays, check)

    session_type = type(sessions.get(model.files[0], model.digest, threads=threads))
    session_type.run = recorded
    ours()
    session_type.run = real
    names = {id(session): [each.name for each in session.get_inputs()] for session, _ in fed}

    def bare() -> object:
        for session, arrays in fed:
            session.run(None, dict(zip(names[id(session)], arrays, strict=True)))
        return None

    return {OURS: ours, BARE: bare}


def mdx(folder: Path) -> Model:
    """Convolutions over the tensors of an MDX-Net with 2048 bins: 77 GFLOP a segment."""
    shape, width, layers = [1, 4, 2048, 256], 32, 8
    rng = np.random.default_rng(1)
    sizes = [4, *[width] * (layers - 1), 4]
    nodes, weights = [], []
    for i, (before, after) in enumerate(pairwise(sizes)):
        kernel = 0.05 * rng.standard_normal((after, before, 3, 3)).astype(np.float32)
        weights.append(numpy_helper.from_array(kernel, f"w{i}"))
        out = "out" if i == layers - 1 else f"x{i + 1}"
        nodes.append(helper.make_node("Conv", [f"x{i}", f"w{i}"], [out], pads=[1, 1, 1, 1]))
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x0", "out")]
    graph = helper.make_graph(nodes, "stand-in", info[:1], info[1:], weights)
    parameters = {"n_fft": 6144, "dim_f": 2048, "dim_t": 256}
    manifest = Manifest("mdx", "mdx", ("vocals",), (ModelFile("mdx.onnx"),), residual="rest", parameters=parameters)
    return stored(folder, manifest, graph)


def two_stems(folder: Path) -> Model:
    """A network that costs nothing: its input halved, twice."""
    one = helper.make_tensor_value_info("in", TensorProto.FLOAT, ["b", 2, 352800])
    two = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["b", 2, 2, 352800])
    constants = [
        numpy_helper.from_array(np.array([1]), "axis"),
        numpy_helper.from_array(np.float32([0.5, 0.5]).reshape(2, 1, 1), "g"),
    ]
    nodes = [helper.make_node("Unsqueeze", ["in", "axis"], ["x"]), helper.make_node("Mul", ["x", "g"], ["out"])]
    stems = ("vocals", "instrumental")
    manifest = Manifest("halves", "waveform", stems, (ModelFile("halves.onnx", "", stems),))
    return stored(folder, manifest, helper.make_graph(nodes, "halves", [one], [two], constants))


def stored(folder: Path, manifest: Manifest, graph: Any) -> Model:
    place = folder / "models" / manifest.name
    place.mkdir(parents=True)
    save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
        place / manifest.files[0].file,
    )
    write(manifest, place / FILE_NAME)
    return Model.open(place)


def peak_mb(minutes: float, folder: Path) -> float:
    """The highest memory of `run-graph` on a song of so many minutes, in a process of its own."""
    if not (folder / "models" / "halves").exists():
        two_stems(folder)
    song, graph = folder / "song.wav", folder / "graph.json"
    rng = np.random.default_rng(2)
    with soundfile.SoundFile(song, "w", RATE, 2, "PCM_16") as file:
        for _ in range(int(minutes * 60)):
            file.write(0.1 * rng.standard_normal((RATE, 2)))
    edges = [{"from": "song.out", "to": "net.mixture"}, {"from": "net.out", "to": "save.stems"}]
    nodes = {
        "song": {"type": "io.load"},
        "net": {"type": "separate.network", "knobs": {"model": "halves"}},
        "save": {"type": "io.save"},
    }
    graph.write_text(json.dumps({"format": "midistems-graph", "version": 1, "nodes": nodes, "edges": edges}))
    command = [sys.executable, "-m", "midistems_graph.cli.run_graph", graph, song, "-o", folder / "out", "--no-cache"]
    command += ["--json", "--quiet", "--on-exist", "replace"]
    environment = {**os.environ, ENVIRONMENT: str(folder / "models")}
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout)["peak_memory_bytes"]) / 2**20


if __name__ == "__main__":
    main()
