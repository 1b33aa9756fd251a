"""Memory, time and disk of a graph on ever longer songs, whether every frame came out, and what the joins are worth.

    python benchmarks/length.py [--graph four_stems] [--songs 3m,1h,3h,2h/6,1h/2/96000] [--memory SIZE] [--jobs N]
                                [--folder /tmp] [--json FILE] [--plot FILE.svg]

A song is `LENGTH[/CHANNELS[/RATE]]`: the demo song again and again, each time with noise of its own 50 dB below, so
that no two tiles are alike. It is run by `run-graph` in a process of its own with an empty store. Memory is the most that
the process ever had (Linux: the pages of mapped files too); the stems are then added up, block by block, and held
against the song.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from midistems_graph.audio.demo import write_demo_mixture

MB = 1 << 20
BLOCK = 1 << 20


@dataclass(frozen=True)
class Figures:
    """Of one song: seconds of audio, how long its run took, seconds of the processor, MB of memory and of the store,
    frames that are missing in the stems, and how far their sum is from the song at most (dB of full scale)."""

    song: str
    audio: float
    seconds: float
    cpu: float
    memory: float
    store: float
    missing: int
    off: float

    @property
    def per_minute(self) -> float:
        return self.seconds / self.audio * 60

    @property
    def cpu_per_minute(self) -> float:
        return self.cpu / self.audio * 60


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--graph", default="four_stems")
    options.add_argument("--songs", default="3m,10m,1h")
    options.add_argument("--memory")
    options.add_argument("--jobs", type=int, default=os.cpu_count())
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options.add_argument("--json", type=Path, help="figures are added to those that are in it")
    options.add_argument("--plot", type=Path, help="memory and time per minute against length, as SVG")
    chosen = options.parse_args()
    extra = ["--jobs", str(chosen.jobs), *(["--memory", chosen.memory] if chosen.memory else [])]
    found = (
        [Figures(**row) for row in json.loads(chosen.json.read_text())] if chosen.json and chosen.json.exists() else []
    )
    print(
        f"{'song':>14}{'seconds':>9}{'CPU s':>8}{'s/min':>7}{'CPU s/min':>10}{'MB':>7}{'store MB':>10}{'missing':>9}{'off dB':>8}"
    )
    for song in filter(None, chosen.songs.split(",")):
        with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
            row = measured(chosen.graph, song, extra, Path(folder))
        found = [*(other for other in found if other.song != song), row]
        print(
            f"{song:>14}{row.seconds:9.1f}{row.cpu:8.1f}{row.per_minute:7.2f}{row.cpu_per_minute:10.2f}"
            f"{row.memory:7.0f}{row.store:10.0f}{row.missing:9}{row.off:8.1f}   load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
        if chosen.json:
            chosen.json.write_text(json.dumps([asdict(row) for row in found], indent=2) + "\n", encoding="utf-8")


def measured(graph: str, song: str, extra: list[str], folder: Path) -> Figures:
    """A first run of a graph on a song that is written for it."""
    length, channels, rate = [*song.split("/"), "", ""][:3]
    path = write_song(folder / "song.wav", seconds_of(length), int(channels or 2), int(rate or 44100))
    program = [sys.executable, "-m", "midistems_graph.cli.run_graph", graph, str(path), "-o", str(folder / "out")]
    began = time.perf_counter()
    log = folder / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [*program, "--cache-dir", str(folder / "store"), "--json", *extra], stdout=file, stderr=subprocess.PIPE
        )
        _, said = process.communicate() if False else (None, process.stderr.read() if process.stderr else b"")
        _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"the run failed: {said.decode()}\n{log.read_text()}")
    missing, off = departure(path, sorted((folder / "out").glob("*.wav")))
    store = sum(file.stat().st_blocks * 512 for file in (folder / "store").rglob("*") if file.is_file()) / MB
    shutil.rmtree(folder / "store")
    info = soundfile.info(path)
    cpu = used.ru_utime + used.ru_stime
    return Figures(song, info.frames / info.samplerate, seconds, cpu, used.ru_maxrss / 1024, store, missing, off)


def seconds_of(length: str) -> float:
    """`90s`, `3m` or `1h`."""
    found = re.fullmatch(r"([0-9.]+)([smh])", length)
    if not found:
        raise SystemExit(f"{length!r} is no length; write 90s, 3m or 1h")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def write_song(path: Path, seconds: float, channels: int, rate: int) -> Path:
    """The demo song again and again, until it is long enough, on any number of channels and at any rate."""
    demo = path.with_name("demo.wav")
    write_demo_mixture(demo)
    samples, own = soundfile.read(demo, dtype="float32")
    if own != rate:
        samples = soxr.resample(samples, own, rate)
    samples = samples[:, [i % samples.shape[1] for i in range(channels)]]
    random, left = np.random.default_rng(0), round(seconds * rate)
    form = "RF64" if left * channels * 2 > 1 << 31 else "WAV"
    with soundfile.SoundFile(path, "w", rate, channels, subtype="PCM_16", format=form) as file:
        while left > 0:
            part = samples[:left]
            noise = random.standard_normal(part.shape, np.float32) * np.float32(10 ** (-50 / 20))
            file.write(np.clip(0.7 * part + noise, -1, 1))
            left -= len(part)
    return path


def departure(song: Path, stems: list[Path]) -> tuple[int, float]:
    """How many frames the stems lack together, and how far their sum is from the song at most, in dB of full scale."""
    total = soundfile.info(song).frames
    missing = sum(abs(total - soundfile.info(stem).frames) for stem in stems) if stems else total
    worst = 0.0
    if not missing:
        readers = [soundfile.SoundFile(path) for path in (song, *stems)]
        while len(whole := readers[0].read(BLOCK, dtype="float32")):
            rest = whole - sum(reader.read(BLOCK, dtype="float32") for reader in readers[1:])
            worst = max(worst, float(np.abs(rest).max()))
        for reader in readers:
            reader.close()
    return missing, 20 * np.log10(max(worst, 1e-12))


if __name__ == "__main__":
    main()
