"""HTDemucs of its real size with random weights: `run-graph` against others, each in its own process.

    python benchmarks/htdemucs.py FOLDER --torch ENV/bin/python [--in-graph] [--seconds 30] [--runs 1] [--device cuda]

ENV has demucs-infer and midistems-graph[export] (see tests/parity/environment.sh). The others are the original in
PyTorch and, with --in-graph, the package demucs-onnx on its own export of the same weights, which has the STFT inside
the graph; for it ENV has demucs-onnx as well. FOLDER keeps the checkpoint and what is made of it. All take shifts=0,
a quarter of overlap and two threads; seconds are those of the whole command or process, memory is its highest.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from midistems_graph.models.library import ENVIRONMENT

RATE = 44100

MAKE = """
import sys, torch
from fractions import Fraction
from demucs_infer.htdemucs import HTDemucs
torch.manual_seed(0)
settings = dict(sources=["drums", "bass", "other", "vocals"], bottom_channels=512, t_layers=5, segment=Fraction(39, 5))
if sys.argv[2] == "small":
    settings |= dict(channels=8, bottom_channels=64, t_layers=1)
model = HTDemucs(**settings)
torch.save({"klass": HTDemucs, "args": (), "kwargs": settings, "state": model.state_dict()}, sys.argv[1])
"""

EXPORT = """
import sys
from midistems_graph.cli.main import main
sys.exit(main(["models", "export", sys.argv[1], "--name", "htdemucs"]))
"""

APPLY = """
import sys, numpy as np, soundfile, torch
from demucs_infer.apply import apply_model
from demucs_infer.states import load_model
torch.set_num_threads(2)
device = sys.argv[4]
model = load_model(sys.argv[1]).to(device)
samples, rate = soundfile.read(sys.argv[2], dtype="float32", always_2d=True)
mixture = torch.from_numpy(np.ascontiguousarray(samples.T))
mono = mixture.mean(0)
with torch.no_grad():
    made = apply_model(model, ((mixture - mono.mean()) / mono.std())[None], shifts=0, overlap=0.25, device=device)[0]
for name, stem in zip(model.sources, made * mono.std() + mono.mean()):
    soundfile.write(f"{sys.argv[3]}/{name}.wav", stem.numpy().T, rate, subtype="FLOAT")
"""

IN_GRAPH_EXPORT = """
import sys, torch, demucs_infer.pretrained, demucs_infer.transformer
from pathlib import Path
for name in ("", ".pretrained", ".transformer"):  # demucs by the name that it is known by there
    sys.modules["demucs" + name] = sys.modules["demucs_infer" + name]
from demucs_infer.states import load_model
from demucs_onnx.export import export_to_onnx
whole = Path(sys.argv[2]).with_suffix(".pt")
torch.save(load_model(sys.argv[1]), whole)
export_to_onnx(whole, sys.argv[2])
"""

IN_GRAPH = """
import sys
from pathlib import Path
from demucs_onnx import inference
inference.download_single_model = lambda *_, **__: Path(sys.argv[1])
inference.separate(sys.argv[2], sys.argv[3], model="htdemucs", providers=sys.argv[4], progress=False)
"""

GRAPH = {
    "format": "midistems-graph",
    "version": 1,
    "nodes": {
        "song": {"type": "io.load"},
        "net": {"type": "separate.network", "knobs": {"model": "htdemucs", "provider": "cpu"}},
        "save": {"type": "io.save"},
    },
    "edges": [{"from": "song.out", "to": "net.mixture"}, {"from": "net.out", "to": "save.stems"}],
}


@dataclass(frozen=True)
class Took:
    """Of one process: seconds of wall clock and of the processor, and the most memory that it had."""

    seconds: float
    cpu: float
    peak_mb: float


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--torch", type=Path, required=True, metavar="PYTHON")
    options.add_argument("--in-graph", action="store_true", help="also the package demucs-onnx")
    options.add_argument("--seconds", type=float, default=30)
    options.add_argument("--runs", type=int, default=1)
    options.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options.add_argument("--small", action="store_true", help="far fewer channels: for what an hour takes of memory")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    folder: Path = chosen.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint, song, graph = folder / "htdemucs.th", folder / "song.wav", folder / "graph.json"
    environment = {**os.environ, ENVIRONMENT: str(folder / "models"), "OMP_NUM_THREADS": "2"}
    if not checkpoint.exists():
        subprocess.run(
            [chosen.torch, "-c", MAKE, checkpoint, "small" if chosen.small else "real"], env=environment, check=True
        )
    if not (folder / "models" / "htdemucs").exists():
        subprocess.run([chosen.torch, "-c", EXPORT, checkpoint], env=environment, check=True)
    in_graph = folder / "in_graph.onnx"
    if chosen.in_graph and not in_graph.exists():
        subprocess.run([chosen.torch, "-c", IN_GRAPH_EXPORT, checkpoint, in_graph], env=environment, check=True)
    random, left = np.random.default_rng(0), int(chosen.seconds * RATE)
    with soundfile.SoundFile(song, "w", RATE, 2, subtype="FLOAT") as file:
        while left:  # in parts: what this process ever took, Linux counts as its children's too
            file.write(0.1 * random.standard_normal((part := min(left, 60 * RATE), 2)))
            left -= part
    graph.write_text(json.dumps(GRAPH))
    ours = [sys.executable, "-m", "midistems_graph.cli.run_graph", graph, song, "-o", folder / "ours"]
    ours += ["--no-cache", "--quiet", "--on-exist", "replace", "--set", f"net.provider={chosen.device}"]
    (folder / "theirs").mkdir(exist_ok=True)
    theirs = [chosen.torch, "-c", APPLY, checkpoint, song, folder / "theirs", chosen.device]
    commands = {"run-graph": ours, "apply_model in PyTorch": theirs}
    if chosen.in_graph:
        whole = [chosen.torch, "-c", IN_GRAPH, in_graph, song, folder / "in_graph", chosen.device]
        commands["demucs-onnx"] = whole
    took: dict[str, list[Took]] = {name: [] for name in commands}
    for _ in range(chosen.runs):
        for name, command in commands.items():
            took[name].append(timed(command, environment))
    print(f"HTDemucs, {chosen.seconds:g} s of noise, {chosen.device}\n{'':26}{'s':>8}{'CPU s':>8}{'peak MB':>9}")
    best = {name: min(its, key=lambda each: each.seconds) for name, its in took.items()}
    for name, one in best.items():
        print(f"{name:26}{one.seconds:8.1f}{one.cpu:8.1f}{one.peak_mb:9.0f}")
    if chosen.json:
        chosen.json.write_text(json.dumps({name: vars(one) for name, one in best.items()}, indent=2) + "\n")


def timed(command: list[object], environment: dict[str, str]) -> Took:
    """Run a process to its end (Linux, macOS: what it took is asked of the system)."""
    began = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}")
    scale = 1 if sys.platform == "darwin" else 1024
    return Took(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale / 2**20)


if __name__ == "__main__":
    main()
