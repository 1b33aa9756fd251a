"""Batches of generated songs: killed at random and gone on with, and two cores against one.

    python benchmarks/batch.py kills --songs 200 --kills 5
    python benchmarks/batch.py cores --songs 16 --seconds 20

`kills` runs all songs undisturbed, then again with an empty store into another folder, where the program is killed
(SIGKILL) at random moments (within a second after so many songs that chance has drawn) and begun again; the last run
ends by itself. All files must hold the same samples, and no song that the manifest told as done may have been opened
again. `cores` runs the same songs with one thread and with two, each from an empty store; and, to know what the machine
gives at most, as two programs side by side that share nothing, each with one thread and half of the songs. Seconds of
the processor tell what is lost to waiting and what to cores that share their memory.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from midistems_graph.audio.files import content_digest
from midistems_graph.cli.batch.manifest import MANIFEST

RATE = 44100
RUN = [sys.executable, "-m", "midistems_graph.cli.run_graph"]


def generate(folder: Path, count: int, seconds: float) -> None:
    """So many songs of noise bursts over chords, each another, half to one and a half times as long as asked."""
    folder.mkdir(parents=True)
    for number in range(count):
        chance = np.random.default_rng(number)
        frames = int(RATE * seconds * chance.uniform(0.5, 1.5))
        time_axis = np.arange(frames) / RATE
        tones = sum(0.1 * np.sin(2 * np.pi * pitch * time_axis) for pitch in chance.uniform(80, 2000, 4))
        hits = chance.normal(0, 0.2, frames) * (np.modf(time_axis * 2)[0] < 0.05)
        sound = np.stack([tones + hits, 0.7 * tones - hits], axis=1).astype(np.float32)
        soundfile.write(folder / f"song {number:03}.wav", sound, RATE, subtype="FLOAT")


def kills(options: argparse.Namespace, place: Path) -> dict[str, object]:
    """See above."""
    began = time.perf_counter()
    subprocess.run(command(options, place, "undisturbed"), check=True)
    undisturbed = time.perf_counter() - began
    chance, again, spent = random.Random(options.seed), 0, 0.0
    moments = sorted(chance.sample(range(options.songs * 19 // 20), options.kills))
    done: set[str] = set()
    for number in range(options.kills + 1):
        began = time.perf_counter()
        process = subprocess.Popen(command(options, place, "killed", "--json"), stdout=subprocess.PIPE, text=True)
        if number < options.kills:
            while len(finished(place / "killed")) < moments[number]:
                time.sleep(0.1)
            time.sleep(chance.random())
            process.send_signal(signal.SIGKILL)
        said, _ = process.communicate()
        spent += time.perf_counter() - began
        if number == options.kills:
            again = len(done & {node["song"] for node in json.loads(said)["nodes"]})
            assert process.returncode == 0, process.returncode
        done = finished(place / "killed")
        print(f"after run {number + 1}: {len(done)} of {options.songs} done", file=sys.stderr)
    files = sorted(path.name for path in (place / "undisturbed").glob("*.wav"))
    same = sum(
        content_digest(place / "killed" / name) == content_digest(place / "undisturbed" / name) for name in files
    )
    left = [path.name for path in (place / "killed").iterdir() if path.name.startswith(".midistems")]
    return {
        "songs": options.songs,
        "kills": options.kills,
        "files": len(files),
        "files with the same samples": same,
        "files beyond those": len(list((place / "killed").glob("*.wav"))) - len(files),
        "left behind": left,
        "songs done again in the last run": again,
        "seconds undisturbed": round(undisturbed, 1),
        "seconds with kills": round(spent, 1),
    }


def cores(options: argparse.Namespace, place: Path) -> dict[str, object]:
    """See above."""
    songs = sorted((place / "songs").iterdir(), key=lambda path: path.stat().st_size)
    for half in (0, 1):
        (place / f"half {half}").mkdir()
        for song in songs[half::2]:
            (place / f"half {half}" / song.name).hardlink_to(song)
    ways = {
        "one thread": [("songs", "1")],
        "two": [("songs", "2")],
        "two programs": [("half 0", "1"), ("half 1", "1")],
    }
    wall: dict[str, list[float]] = {way: [] for way in ways}
    cpu: dict[str, list[float]] = {way: [] for way in ways}
    for run in range(options.runs):
        for way, programs in ways.items():
            began, used = time.perf_counter(), sum(os.times()[2:4])
            begun = [
                subprocess.Popen(command(options, place, f"{way} {folder} {run}", "--jobs", jobs, songs=folder))
                for folder, jobs in programs
            ]
            assert [each.wait() for each in begun] == [0] * len(begun)
            wall[way].append(round(time.perf_counter() - began, 2))
            cpu[way].append(round(sum(os.times()[2:4]) - used, 2))
            print(f"{way}: {wall[way][-1]} s, {cpu[way][-1]} s of the processor", file=sys.stderr)
    medians = {way: float(np.median(values)) for way, values in wall.items()}
    return {
        "songs": options.songs,
        "seconds": wall,
        "seconds of the processor": cpu,
        "ratio": medians["one thread"] / medians["two"],
        "of what two programs reach": medians["two programs"] / medians["two"],
    }


def command(options: argparse.Namespace, place: Path, name: str, *more: str, songs: str = "songs") -> list[str]:
    words = ["--quiet", "--cache-dir", str(place / f"store-{name}"), *more]
    return [*RUN, options.graph, str(place / songs), "-o", str(place / name), *words]


def finished(folder: Path) -> set[str]:
    """The songs that a manifest tells as done."""
    if not (folder / MANIFEST).exists():
        return set()
    rows = json.loads((folder / MANIFEST).read_text())["songs"]
    return {row["name"] for row in rows if row["status"] == "done"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("kills", "cores"))
    parser.add_argument("--graph", default="four_stems")
    parser.add_argument("--songs", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.environ["MKL_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as place:
        generate(Path(place) / "songs", options.songs, options.seconds)
        found = (kills if options.what == "kills" else cores)(options, Path(place))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
