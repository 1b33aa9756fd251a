"""What `--dry-run` says of a batch, and what then happens: memory, disk, time; and once more when half of it is done.

    python benchmarks/forecast_batch.py [PRESET ...] [--songs 6] [--jobs N]

The preset is run once on the demo song on a machine that never ran anything, which teaches the forecast. A batch of
songs of 12 to 32 seconds is foretold, half of it is run, the batch is foretold again, and then run to its end.

Memory is what all processes of the batch had at most, added up; disk is what came to the store. Seconds of the clock
mean something only while nothing else is running; those of the processor hang less on that. Networks are those of
`forecast.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from forecast import DEMO, MB, Figures, show, write_models, write_song

from midistems_graph.models.library import ENVIRONMENT

SHORTEST, LONGEST = 12, 32


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("presets", nargs="*", default=["four_stems", "vocals"])
    options.add_argument("--songs", type=int, default=6)
    options.add_argument("--jobs", type=int, default=os.cpu_count())
    chosen = options.parse_args()
    print(f"{'':24}{'':12}{'memory MB':>18}{'disk MB':>18}{'seconds':>18}{'CPU s':>18}   foretold / happened")
    for preset in chosen.presets:
        with tempfile.TemporaryDirectory() as folder:
            for row in measured(preset, chosen.songs, chosen.jobs, Path(folder)):
                show(row)


def measured(preset: str, count: int, jobs: int, folder: Path) -> tuple[Figures, Figures]:
    """One preset: the whole batch, and what is left of it after half."""
    environment = {**os.environ, ENVIRONMENT: str(write_models(folder / "models"))}
    environment |= {"XDG_STATE_HOME": str(folder / "state")}
    demo = write_song(folder / "demo", DEMO) / "song.wav"
    songs = []
    for number in range(count):
        made = write_song(folder / f"made {number}", SHORTEST + (LONGEST - SHORTEST) * number / (count - 1))
        songs.append((made / "song.wav").rename(folder / f"song {number}.wav"))

    def run(files: list[Path], *more: str) -> tuple[Any, float, float, float]:
        program = [sys.executable, "-m", "midistems_graph.cli.run_graph", preset, "--json", "--quiet", f"--jobs={jobs}"]
        store, out = folder / f"store {len(files) > 1}", folder / f"out {len(files) > 1}"
        words = [*program, *map(str, files), "-o", str(out), "--cache-dir", str(store), *more]
        with (folder / "said.json").open("w+", encoding="utf-8") as said:
            began = time.perf_counter()
            process = subprocess.Popen(words, stdout=said, env=environment)
            peaks: dict[int, int] = {}
            while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
                peaks |= {pid: peak for pid in family(process.pid) if (peak := peak_of(pid))}
                time.sleep(0.05)
            seconds, process.returncode = time.perf_counter() - began, os.waitstatus_to_exitcode(ended[1])
            if process.returncode:
                raise SystemExit(f"{preset} failed ({process.returncode})")
            said.seek(0)
            return json.load(said), seconds, ended[2].ru_utime + ended[2].ru_stime, sum(peaks.values()) / MB

    def disk() -> float:
        return sum(f.stat().st_blocks * 512 for f in (folder / "store True" / "values").rglob("*") if f.is_file()) / MB

    run([demo])
    whole, _, start, _ = run(songs, "--dry-run")
    _, seconds, cpu, memory = run(songs[: count // 2])
    half = disk()
    left, _, again, _ = run(songs, "--dry-run")
    _, more, further, peak = run(songs)
    return (
        row(preset, "batch", whole, start, max(memory, peak), disk(), seconds + more, cpu + further),
        row(preset, "its rest", left, again, peak, disk() - half, more, further),
    )


def row(
    preset: str, case: str, said: Any, start: float, memory: float, disk: float, seconds: float, cpu: float
) -> Figures:
    told, work = said["together"], sum(song["seconds"] for song in said["forecast"])
    return Figures(
        preset,
        case,
        (told["memory"] / MB, memory),
        (told["bytes"] / MB, disk),
        (told["elapsed"], seconds),
        (work + start, cpu),
    )


def family(pid: int) -> Iterator[int]:
    """A process and those that it began."""
    yield pid
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == pid:
                yield from family(int(status.parent.name))


def peak_of(pid: int) -> int:
    """The most memory that a process has had so far, in bytes."""
    with suppress(OSError):
        found = re.search(r"^VmHWM:\s*(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        return int(found[1]) * 1024 if found else 0
    return 0


if __name__ == "__main__":
    main()
