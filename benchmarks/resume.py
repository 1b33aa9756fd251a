"""What a long run that is killed again and again does twice, and whether its files are those of one left alone.

    python benchmarks/resume.py [--graph four_stems] [--song 1h] [--at 0.3,0.7,0.95] [--limit 20G] [--compare]
                                [--set NODE.KNOB=VALUE] [--folder FOLDER]

A song as in `length.py` is run by `run-graph`, which is killed (SIGKILL) as soon as the store has so much of all
units, and begun again. Counted are units of work (a node and a tile of ten seconds) whose result was in the store and
was computed once more; what was at work when the kill came is at most one unit for each thread. Memory is the most
that any of these processes had. `--limit` is that of the store, `--compare` runs the song once more with a store of
its own and without kills.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from length import MB, departure, seconds_of, write_song

from midistems_graph.audio.files import file_digest


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--graph", default="four_stems")
    options.add_argument("--song", default="1h")
    options.add_argument("--at", default="0.3,0.7,0.95", help="shares of all units that are done when the kills come")
    options.add_argument("--limit", help="of the store, such as 20G")
    options.add_argument("--set", action="append", default=[], metavar="NODE.KNOB=VALUE")
    options.add_argument("--compare", action="store_true")
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    chosen = options.parse_args()
    length, channels, rate = [*chosen.song.split("/"), "", ""][:3]
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        home = Path(folder)
        song = write_song(home / "song.wav", seconds_of(length), int(channels or 2), int(rate or 44100))
        store = home / "store"
        if chosen.limit:
            command = ["-m", "midistems_graph.cli.main", "cache", "limit", chosen.limit, "--cache-dir", str(store)]
            subprocess.run([sys.executable, *command], check=True)
        knobs = [word for knob in chosen.set for word in ("--set", knob)]
        program = [*run_of(chosen.graph, song, home / "out", store), *knobs]
        forecast = json.loads(subprocess.run([*program, "--dry-run"], check=True, stdout=subprocess.PIPE).stdout)
        units = forecast["forecast"][0]["units"]
        print(f"{chosen.graph}, {chosen.song}: {units} units of work")
        made: dict[str, float] = {}
        for share in map(float, filter(None, chosen.at.split(","))):
            made = told_twice(made, killed(program, store, share * units))
        began = time.perf_counter()
        process = subprocess.Popen(program, stdout=subprocess.DEVNULL)
        print(f"ended after {spent(process)} and {time.perf_counter() - began:.0f} s", end="; ")
        if process.returncode:
            raise SystemExit(f"the run failed ({process.returncode})")
        told_twice(made, stored(store))
        missing, off = departure(song, sorted((home / "out").glob("song*")))
        print(f"{missing} frames are missing, the stems add up to the song to {off:.1f} dB")
        if chosen.compare:
            shutil.rmtree(store)
            other = [*run_of(chosen.graph, song, home / "other", store), *knobs]
            subprocess.run(other, check=True, stdout=subprocess.DEVNULL)
            files = [{p.name: file_digest(p) for p in (home / name).glob("song*")} for name in ("out", "other")]
            print("the files are the same" if files[0] == files[1] else "THE FILES DIFFER")


def run_of(graph: str, song: Path, out: Path, store: Path) -> list[str]:
    program = [sys.executable, "-m", "midistems_graph.cli.run_graph", graph, str(song), "-o", str(out)]
    return [*program, "--cache-dir", str(store), "--json", "--quiet"]


def killed(program: list[str], store: Path, units: float) -> dict[str, float]:
    """Run until so many units were stored, kill, and tell when each was."""
    began = time.perf_counter()
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL)
    while len(found := stored(store)) < units:
        if process.poll() is not None:
            raise SystemExit("the run ended before it was killed")
        time.sleep(0.5)
    process.kill()
    print(f"killed after {spent(process)} and {time.perf_counter() - began:.0f} s", end="; ")
    found = stored(store)
    size = sum(file.stat().st_blocks * 512 for file in store.rglob("*") if file.is_file()) / MB
    print(f"{len(found)} units done, store {size:.0f} MB", end="; ")
    return found


def spent(process: subprocess.Popen[bytes]) -> str:
    """Wait for the end of a process; what it took of memory and of the processor."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return f"{used.ru_maxrss / 1024:.0f} MB, {used.ru_utime + used.ru_stime:.0f} s of the processor"


def stored(store: Path) -> dict[str, float]:
    """The units that ever came to a store, and when they last did."""
    indexes = sorted(store.glob("index-*.sqlite3"))
    if not indexes:
        return {}
    with sqlite3.connect(f"{indexes[-1].as_uri()}?mode=ro", uri=True) as db:
        return dict(db.execute("SELECT key, made FROM unit"))


def told_twice(before: dict[str, float], now: dict[str, float]) -> dict[str, float]:
    """Say how many units were made again since."""
    print(f"{sum(now.get(key) != made for key, made in before.items())} units were made again", flush=True)
    return now


if __name__ == "__main__":
    main()
