"""What the knobs of a network do to quality, time and memory: `run-graph` with each setting, in a process of its own.

    python benchmarks/knobs.py MODEL SONG "overlap=8" "overlap=1" "segment=5 batch=4" [--truth FOLDER] [--json FILE]

A setting is knobs of separate.network with spaces between them, or "" for the usual ones. The first one is what the
others are compared with: SI-SDR of every stem against its stems, and with --truth against the true ones, which lie in
FOLDER by their names. Seconds are the processor's, of the whole command; memory is its highest (Linux, macOS).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from midistems_graph.audio.values import Float32

GRAPH = {
    "format": "midistems-graph",
    "version": 1,
    "nodes": {
        "song": {"type": "io.load"},
        "net": {"type": "separate.network"},
        "save": {"type": "io.save", "knobs": {"name": "{stem}"}},
    },
    "edges": [{"from": "song.out", "to": "net.mixture"}, {"from": "net.out", "to": "save.stems"}],
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model")
    options.add_argument("song", type=Path)
    options.add_argument("settings", nargs="+")
    options.add_argument("--truth", type=Path)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    rows = []
    first: dict[str, Float32] = {}
    for setting in chosen.settings:
        seconds, peak, stems = separated(chosen.model, chosen.song, setting.split())
        row: dict[str, object] = {"setting": setting or "usual", "cpu": seconds, "peak_mb": peak / 2**20}
        if chosen.truth:
            row["truth"] = {n: round(si_sdr(one, true_stem(chosen.truth, n)), 2) for n, one in stems.items()}
        if first:
            row["first"] = {n: round(si_sdr(one, first[n]), 1) for n, one in stems.items()}
        first = first or stems
        rows.append(row)
        print(*(f"{value:.1f}" if isinstance(value, float) else value for value in row.values()), flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=2) + "\n")


def separated(model: str, song: Path, knobs: list[str]) -> tuple[float, int, dict[str, Float32]]:
    """Seconds of the processor, bytes of memory at its highest, and the stems [samples, channels]."""
    with tempfile.TemporaryDirectory() as made:
        graph = Path(made, "graph.json")
        graph.write_text(json.dumps(GRAPH))
        command = [sys.executable, "-m", "midistems_graph.cli.run_graph", graph, song, "-o", Path(made, "out")]
        command += ["--no-cache", "--quiet", "--json", "--set", f"net.model={model}"]
        for knob in knobs:
            command += ["--set", f"net.{knob}"]
        began = processor_seconds()
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        told = json.loads(done.stdout)
        stems = {one["stem"]: soundfile.read(one["path"], dtype="float32")[0] for one in told["outputs"]}
        return processor_seconds() - began, int(told["peak_memory_bytes"]), stems


def processor_seconds() -> float:
    """Of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def true_stem(folder: Path, name: str) -> Float32:
    """A stem of a folder; what is not the voice is the sum of all others."""
    found = {path.stem: path for path in folder.iterdir() if path.stem != "mixture"}
    paths = [found[name]] if name in found else [path for stem, path in found.items() if stem != "vocals"]
    return np.asarray(sum(soundfile.read(path, dtype="float32")[0] for path in paths), np.float32)


def si_sdr(estimate: Float32, true: Float32) -> float:
    """In dB, over all channels (Le Roux et al. 2019)."""
    found, wanted = estimate.astype(np.float64).ravel(), true.astype(np.float64).ravel()
    target = wanted * (found @ wanted) / max(float(wanted @ wanted), 1e-30)
    return float(10 * np.log10(max(target @ target, 1e-30) / max(np.sum((found - target) ** 2), 1e-30)))


if __name__ == "__main__":
    main()
