"""What `--dry-run` says of presets, and what then happens: memory, disk, time.

    python benchmarks/forecast.py [PRESET ...] [--seconds 180] [--jobs N] [--json FILE] [--worst 10]

Each preset is foretold on a machine that never ran anything (all state and every store are new), for the demo song and
for one of three minutes. Then it is run on the demo song, which teaches the forecast what its nodes cost here; the long
song is foretold once more, and run from a store that knows nothing of it. Networks are the stand-ins of the tests, or
models of the user's library where they have the name that a preset asks for.

Memory is the most that the process ever had, disk is what comes to the store: both mean something on a busy machine
too. Time is that of the whole command by the clock, which means something only while nothing else is running; seconds
of the processor are held against the work that is foretold and what the forecast itself took. The work of networks is
foretold in seconds of the clock, in which several threads may be at work, so theirs mean less. The last lines are the
figures that are farthest from what came.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from midistems_graph.audio.demo import demo_folder, demo_stems
from midistems_graph.document.presets import presets
from midistems_graph.models.library import ENVIRONMENT, ModelLibrary

MB = 1 << 20
WITHIN = 1.5
DEMO = 13.8
VOICE = "vocals"

Beside = Mapping[str, Callable[[Path], Path]]

FURTHER: Mapping[str, Beside] = {
    "learned_sources": {stem: lambda _, stem=stem: demo_stems()[stem] for stem in demo_stems()},
    "fitted_mask": {"like": lambda song: song / "stems" / f"{VOICE}.wav"},
    "official_instrumental": {"instrumental": lambda song: song / "instrumental.wav"},
    "compare_tools": {"tool_a": lambda song: song / "stems", "tool_b": lambda _: demo_folder()},
}
"""What further inputs of presets are bound to, from the folder of a song."""


@dataclass(frozen=True)
class Figures:
    """Of one preset and case, each as (foretold, happened): MB of memory and of disk, seconds, those of the processor.

    On a machine that never ran anything nothing is said of time.
    """

    preset: str
    case: str
    memory: tuple[float, float]
    disk: tuple[float, float]
    seconds: tuple[float, float] | None = None
    cpu: tuple[float, float] | None = None

    @property
    def pairs(self) -> dict[str, tuple[float, float]]:
        named = {"memory": self.memory, "disk": self.disk, "seconds": self.seconds, "cpu": self.cpu}
        return {name: pair for name, pair in named.items() if pair is not None}

    @property
    def ratios(self) -> dict[str, float]:
        return {name: max(told, 1e-3) / max(came, 1e-3) for name, (told, came) in self.pairs.items()}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("presets", nargs="*", help="all, if none are named")
    options.add_argument("--seconds", type=float, default=180, help="length of the long song")
    options.add_argument("--jobs", type=int, default=os.cpu_count())
    options.add_argument("--json", type=Path, help="figures are added to those that are in it")
    options.add_argument("--worst", type=int, default=10, help="how many of the worst ratios are told in the end")
    chosen = options.parse_args()
    kept = json.loads(chosen.json.read_text()) if chosen.json and chosen.json.exists() else []
    found = {(row["preset"], row["case"]): Figures(**row) for row in kept}
    print(f"{'':24}{'':12}{'memory MB':>18}{'disk MB':>18}{'seconds':>18}{'CPU s':>18}   foretold / happened")
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, ENVIRONMENT: str(write_models(Path(folder) / "models"))}
        songs = [write_song(Path(folder) / name, length) for name, length in (("demo", DEMO), ("long", chosen.seconds))]
        for preset in chosen.presets or [preset.name for preset in presets()]:
            with tempfile.TemporaryDirectory() as state:
                for row in measured(preset, songs, chosen.jobs, Path(state), environment):
                    found[row.preset, row.case] = row
                    show(row)
            if chosen.json:
                rows = [asdict(found[name]) for name in sorted(found)]
                chosen.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    ratios = [(ratio, what, row) for row in found.values() for what, ratio in row.ratios.items()]
    ratios.sort(key=lambda one: max(one[0], 1 / one[0]), reverse=True)
    print(
        f"{sum(map(is_off, (ratio for ratio, _, _ in ratios)))} of {len(ratios)} are off by more than {WITHIN}; worst:"
    )
    for ratio, what, row in ratios[: chosen.worst]:
        print(f"{row.preset:24}{row.case:12}{what:8}{ratio:6.2f}")


def show(row: Figures) -> None:
    cells = "".join(f"{told:9.1f} /{came:7.1f}" for told, came in row.pairs.values())
    off = "  ".join(f"{ratio:.2f}" + ("!" if is_off(ratio) else "") for ratio in row.ratios.values())
    print(f"{row.preset:24}{row.case:12}{cells}   {off}", flush=True)


def is_off(ratio: float) -> bool:
    return not 1 / WITHIN <= ratio <= WITHIN


def measured(
    preset: str, songs: list[Path], jobs: int, folder: Path, environment: Mapping[str, str]
) -> tuple[Figures, ...]:
    """One preset, foretold, taught, foretold and run."""
    environment = {**environment, "XDG_STATE_HOME": str(folder / "state")}
    program = [sys.executable, "-m", "midistems_graph.cli.run_graph", preset, "--json", "--quiet", "--jobs", str(jobs)]

    def run(song: Path, *more: str) -> tuple[Any, float, float, float]:
        store, out = str(folder / f"store {song.name}"), str(folder / f"out {song.name}")
        words = [*program, str(song / "song.wav"), "-o", out, "--cache-dir", store, *more]
        for name, file in FURTHER.get(preset, {}).items():
            words += ["--input", f"{name}={file(song)}"]
        began = time.perf_counter()
        process = subprocess.Popen(words, stdout=subprocess.PIPE, env=environment)
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if status:
            raise SystemExit(f"{preset} failed ({status}): {said.decode()}")
        told = json.loads(said)  # of memory `used` has what this program took, too, if it is more
        return told, time.perf_counter() - began, used.ru_utime + used.ru_stime, told["peak_memory_bytes"] / MB

    def foretold(song: Path) -> tuple[Any, float]:
        said, _, start, _ = run(song, "--dry-run")
        (told,) = said["forecast"]
        return told, start

    def disk(song: Path) -> float:
        values = [file for file in (folder / f"store {song.name}" / "values").rglob("*") if file.is_file()]
        return sum(file.stat().st_blocks * 512 for file in values) / MB

    def row(case: str, told: Any, memory: float, disk: float, **times: tuple[float, float]) -> Figures:
        return Figures(preset, case, (told["memory"] / MB, memory), (told["bytes"] / MB, disk), **times)

    demo, long = songs
    short, _ = foretold(demo)
    new, _ = foretold(long)
    _, _, _, memory = run(demo)
    taken = disk(demo)
    told, start = foretold(long)
    _, seconds, cpu, peak = run(long)
    came = disk(long)
    return (
        row("new", short, memory, taken),
        row("new, long", new, peak, came),
        row("taught", told, peak, came, seconds=(told["elapsed"], seconds), cpu=(told["seconds"] + start, cpu)),
    )


def write_models(folder: Path) -> Path:
    """A library of the stand-ins of the tests, and of models under their names that the user has."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "graphs"))
    from stand_ins import write_stand_ins

    folder.mkdir()
    write_stand_ins(folder)
    for own in ModelLibrary.default().folder.glob("*/"):
        if (folder / own.name).is_dir():
            shutil.rmtree(folder / own.name)
            shutil.copytree(own, folder / own.name)
    return folder


def write_song(folder: Path, seconds: float) -> Path:
    """The demo song again and again until it is long enough, with its stems and what lies beside the voice."""
    (folder / "stems").mkdir(parents=True)
    sums: dict[str, Any] = {}
    for name, file in demo_stems().items():
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
        frames = round(seconds * rate)
        samples = np.tile(samples, (-(-frames // len(samples)), 1))[:frames]
        soundfile.write(folder / "stems" / f"{name}.wav", samples, rate, "PCM_16")
        for whole in ("song", "instrumental") if name != VOICE else ("song",):
            sums[whole] = sums.get(whole, 0) + samples
    for whole, samples in sums.items():
        soundfile.write(folder / f"{whole}.wav", samples, rate, "FLOAT")
    return folder


if __name__ == "__main__":
    main()
