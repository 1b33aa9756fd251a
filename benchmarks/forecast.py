"""What `--dry-run` says of presets, and what then happens: seconds, memory, disk.

    python benchmarks/forecast.py [PRESET ...] [--taught 23] [--seconds 61] [--jobs N] [--json FILE]

Each preset is run once on a song of some seconds, which teaches the forecast what its nodes cost on this machine. Then
another song of another length is foretold and run, from a store that knows nothing of it. All state and every store are
new. Time is that of the whole command by the clock, so nothing else may be running; memory is the most that the process
ever had; disk is what comes to the store. Without names all presets are taken that need no network.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import soundfile

from midistems_graph.audio.demo import write_demo_mixture
from midistems_graph.document.files import load
from midistems_graph.document.presets import presets
from midistems_graph.node import installed

MB = 1 << 20
WITHIN = 1.5


@dataclass(frozen=True)
class Figures:
    """Of one preset, each as (foretold, happened): seconds, MB of memory, MB of disk."""

    preset: str
    seconds: tuple[float, float]
    memory: tuple[float, float]
    disk: tuple[float, float]

    @property
    def ratios(self) -> tuple[float, ...]:
        return tuple(told / max(came, 1e-9) for told, came in (self.seconds, self.memory, self.disk))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("presets", nargs="*")
    options.add_argument("--taught", type=float, default=23, help="seconds of the song that teaches")
    options.add_argument("--seconds", type=float, default=61, help="seconds of the song that is foretold")
    options.add_argument("--jobs", type=int, default=os.cpu_count())
    options.add_argument("--json", type=Path, help="figures are added to those that are in it")
    chosen = options.parse_args()
    kept = json.loads(chosen.json.read_text()) if chosen.json and chosen.json.exists() else []
    found = {row["preset"]: Figures(**row) for row in kept}
    print(f"{'':24}{'seconds':>18}{'memory MB':>20}{'disk MB':>20}   foretold / happened")
    for preset in chosen.presets or without_networks():
        with tempfile.TemporaryDirectory() as folder:
            row = found[preset] = measured(preset, chosen, Path(folder))
        pairs = zip((row.seconds, row.memory, row.disk), row.ratios, strict=True)
        cells = "".join(f"{told:9.1f} /{came:8.1f}" for (told, came), _ in pairs)
        off = "  ".join(f"{ratio:.2f}" + ("" if 1 / WITHIN <= ratio <= WITHIN else "!") for ratio in row.ratios)
        print(f"{preset:24}{cells}   {off}", flush=True)
        if chosen.json:
            rows = [asdict(found[name]) for name in sorted(found)]
            chosen.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def without_networks() -> list[str]:
    """Presets of which no node brings a network, and that ask for nothing but a song."""
    library, names = installed(), list[str]()
    for preset in presets():
        graph = load(preset.path)
        nodes = [node for body in (graph, *graph.groups.values()) for node in body.nodes.values()]
        types = [library[node.type] for node in nodes if not node.type.startswith("group:")]
        if set(graph.inputs) == {"song"} and not any(each.resident for each in types):
            names.append(preset.name)
    return names


def measured(preset: str, chosen: argparse.Namespace, folder: Path) -> Figures:
    """One preset, taught and foretold."""
    taught = write_song(folder / "taught.wav", chosen.taught, 0)
    song = write_song(folder / "song.wav", chosen.seconds, 7)
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}
    program = [sys.executable, "-m", "midistems_graph.cli.run_graph", preset, "--json", "--quiet"]
    program += ["--jobs", str(chosen.jobs)]

    def run(path: Path, name: str, *more: str) -> tuple[Any, float, float]:
        words = [*program, str(path), "-o", str(folder / f"out {name}"), "--cache-dir", str(folder / f"store {name}")]
        began = time.perf_counter()
        process = subprocess.Popen([*words, *more], stdout=subprocess.PIPE, env=environment)
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{preset} failed ({status}): {said.decode()}")
        return json.loads(said), time.perf_counter() - began, used.ru_maxrss / 1024

    run(taught, "taught")
    (told,) = run(song, "song", "--dry-run")[0]["forecast"]
    _, seconds, memory = run(song, "song")
    values = [file for file in (folder / "store song" / "values").rglob("*") if file.is_file()]
    disk = sum(file.stat().st_blocks * 512 for file in values) / MB
    return Figures(preset, (told["elapsed"], seconds), (told["memory"] / MB, memory), (told["bytes"] / MB, disk))


def write_song(path: Path, seconds: float, start: float) -> Path:
    """The demo song from some second on, again and again, until it is long enough."""
    write_demo_mixture(path)
    samples, rate = soundfile.read(path, dtype="float32")
    left, at = round(seconds * rate), round(start * rate)
    with soundfile.SoundFile(path, "w", rate, samples.shape[1], subtype="PCM_16") as file:
        while left > 0:
            part = samples[at : at + left]
            file.write(part)
            left, at = left - len(part), 0
    return path


if __name__ == "__main__":
    main()
