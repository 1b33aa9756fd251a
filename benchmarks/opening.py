"""What opening a long song takes in the editor: its pictures through the engine and the gallery, as the window asks.

    python benchmarks/opening.py [--seconds 3600] [--patience 120] [--json figures.json]

A song of noise and tones (stereo, 16 bits, 44.1 kHz) is written to the temporary folder. Told are:
- seconds until every pixel of the first spectrogram (1236 x 400) shows something, and the processor seconds of the
  gallery's thread until then (goal: below 1 s);
- growth of the process's own memory until the whole song is drawn, or the patience is over (goal: below 300 MB);
- milliseconds from another zoom to its first picture, median and 90th percentile of 40 random ones.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
import wave
from pathlib import Path

import numpy as np
import scipy.fft  # noqa: F401  loaded long before in an editor that plays

from midistems_graph.document.graph import Address, Graph, InputSlot, Node
from midistems_graph.editor.audition.takes import Take
from midistems_graph.editor.pictures.cache import PictureCache
from midistems_graph.editor.pictures.gallery import Gallery
from midistems_graph.editor.pictures.wishes import Made, Wish
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.live.engine import LiveEngine
from midistems_graph.engine.store import DiskStore
from midistems_graph.node.library import installed

RATE, WIDTH, HEIGHT = 44100, 1236, 400
TAKE = Take.of(Address("song", "out"))


class Wall:
    """Takes pictures and remembers when the first good one of each stretch came."""

    def __init__(self) -> None:
        self.news = threading.Condition()
        self.first: dict[float, float] = {}
        self.thread_seconds = self.share = 0.0

    def hang(self, made: Made) -> None:
        with self.news:
            if made.strips and made.strips[0].seen.all():
                self.thread_seconds = self.thread_seconds or time.thread_time()
                self.first.setdefault(made.wish.start, time.perf_counter())
                self.share = max(self.share, made.share)
            self.news.notify_all()


def figures(song: Path, folder: Path, patience: float) -> dict[str, float]:
    bindings = Bindings.open({"song": song}, None)
    total, wall = float(bindings.total), Wall()
    live = LiveEngine(installed(), DiskStore(folder / "store"))
    live.show(Graph(nodes={"song": Node("io.load")}, inputs={"song": InputSlot()}), bindings)
    gallery = Gallery(live, wall.hang, PictureCache(folder / "pictures"))
    memory, began = own_mb(), time.perf_counter()
    gallery.want(wishes(0.0, total))
    largest = memory
    with wall.news:
        while wall.share < 1 and time.perf_counter() - began < patience:
            wall.news.wait(0.1)
            largest = max(largest, own_mb())
    random, waits = np.random.default_rng(1), []
    for _ in range(40):
        length = float(np.exp(random.uniform(0, np.log(total / 2))))
        start = float(random.uniform(0.001, total - length))
        asked = time.perf_counter()
        gallery.want(wishes(start, start + length))
        with wall.news:
            if wall.news.wait_for(lambda start=start: start in wall.first, 10):  # type: ignore[misc]
                waits.append(wall.first[start] - asked)
        largest = max(largest, own_mb())
    gallery.close()
    live.close()
    return {
        "first picture, s": wall.first.get(0.0, float("nan")) - began,
        "of that on the processor, s": wall.thread_seconds,
        "memory, MB": largest - memory,
        "drawn of the song, %": 100 * wall.share,
        "zoom, ms": 1000 * float(np.median(waits)),
        "zoom p90, ms": 1000 * float(np.quantile(waits, 0.9)),
    }


def wishes(start: float, stop: float) -> list[Wish]:
    return [
        Wish("waveform", "waveform", TAKE, start, stop, WIDTH, 64),
        Wish("spectrogram", "spectrogram", TAKE, start, stop, WIDTH, HEIGHT),
    ]


def own_mb() -> float:
    """Memory of the process itself, mapped files not counted (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1024


def write_song(path: Path, seconds: int) -> None:
    noise, time_ = np.random.default_rng(0).standard_normal((20 * RATE, 2)), np.arange(20 * RATE) / RATE
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, RATE, 0, "NONE", ""))
        for part in range(seconds // 20):
            tone = np.sin(2 * np.pi * 110 * 2 ** (part % 36 / 12) * time_)[:, np.newaxis]
            sound = 0.1 * abs(np.sin(part / 7)) * noise + 0.2 * tone
            file.writeframes((sound.clip(-1, 1) * 32767).astype("<i2").tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--patience", type=float, default=120.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        song = Path(folder) / "song.wav"
        write_song(song, options.seconds)
        found = figures(song, Path(folder), options.patience)
    for name, value in found.items():
        print(f"{name:30}{value:10.3g}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
