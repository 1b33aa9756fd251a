"""Memory, time and disk of a graph on ever longer songs, and whether every frame came out.

    python benchmarks/length.py [--graph four_stems] [--songs 3m,1h,3h,2h/6,1h/2/96000] [--memory SIZE] [--jobs N]
                                [--folder FOLDER] [--json FILE] [--plot FILE.svg]

A song is `LENGTH[/CHANNELS[/RATE]]`: the demo song again and again, each time with noise of its own 50 dB below, so
that no two tiles are alike. It is run by `run-graph` in a process of its own with an empty store; before that
`--dry-run` says what it would take. Memory is the most that the process ever had (Linux: the pages of mapped files
too). The stems are then added up, block by block, and held against the song. On a busy machine compare CPU seconds.
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
    frames that are missing in the stems, how far their sum is from the song at most (dB of full scale), and how many
    times the forecasts of time, memory and disk are what then came."""

    song: str
    audio: float
    seconds: float
    cpu: float
    memory: float
    store: float
    missing: int
    off: float
    foretold: tuple[float, float, float] = (0.0, 0.0, 0.0)

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
    kept = json.loads(chosen.json.read_text()) if chosen.json and chosen.json.exists() else []
    found = [Figures(**row) for row in kept]
    heads = ("song", "seconds", "CPU s", "CPU s/min", "MB", "store MB", "missing", "off dB")
    print("".join(f"{head:>11}" for head in heads), "  foretold: time, memory, disk")
    for song in filter(None, chosen.songs.split(",")):
        with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
            row = measured(chosen.graph, song, extra, Path(folder))
        found = [*(other for other in found if other.song != song), row]
        figures = (row.seconds, row.cpu, row.cpu_per_minute, row.memory, row.store)
        print(f"{song:>11}" + "".join(f"{figure:11.1f}" for figure in figures), end="")
        ratios = "".join(f"{ratio:8.2f}" for ratio in row.foretold)
        print(f"{row.missing:11}{row.off:11.1f}{ratios}   (load {os.getloadavg()[0]:.1f})", flush=True)
        if chosen.json:
            chosen.json.write_text(json.dumps([asdict(row) for row in found], indent=2) + "\n", encoding="utf-8")
    if chosen.plot:
        chosen.plot.write_text(plot(found), encoding="utf-8")


def measured(graph: str, song: str, extra: list[str], folder: Path) -> Figures:
    """A first run of a graph on a song that is written for it."""
    length, channels, rate = [*song.split("/"), "", ""][:3]
    path = write_song(folder / "song.wav", seconds_of(length), int(channels or 2), int(rate or 44100))
    program = [sys.executable, "-m", "midistems_graph.cli.run_graph", graph, str(path), "-o", str(folder / "out")]
    program += ["--cache-dir", str(folder / "store"), "--json", "--quiet", *extra]
    said = subprocess.run([*program, "--dry-run"], check=True, stdout=subprocess.PIPE).stdout
    told = json.loads(said)["forecast"][0]
    began = time.perf_counter()
    process = subprocess.Popen(program, stdout=subprocess.PIPE)
    assert process.stdout is not None
    result = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"the run failed ({status})")
    missing, off = departure(path, sorted((folder / "out").glob("*.wav")))
    store = sum(file.stat().st_blocks * 512 for file in (folder / "store").rglob("*") if file.is_file()) / MB
    memory = json.loads(result)["peak_memory_bytes"] / MB  # `used` has what this program took, too, if it is more
    ratios = told["elapsed"] / seconds, told["memory"] / MB / memory, told["bytes"] / MB / store
    info = soundfile.info(path)
    cpu = used.ru_utime + used.ru_stime
    return Figures(song, info.frames / info.samplerate, seconds, cpu, memory, store, missing, off, ratios)


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


def plot(rows: list[Figures]) -> str:
    """Memory, and seconds of the processor per minute of sound, against length, as an SVG of two panels."""
    stereo = sorted((row for row in rows if "/" not in row.song), key=lambda row: row.audio)
    panels = {
        "memory at most, MB": [row.memory for row in stereo],
        "seconds of the processor per minute of sound": [row.cpu_per_minute for row in stereo],
    }
    width, height, left, foot = 360, 220, 40, 34
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * width} {height}" font-family="sans-serif">']
    parts.append(f'<rect width="{2 * width}" height="{height}" fill="#fff"/>')
    low, high = np.log(stereo[0].audio), np.log(stereo[-1].audio * 1.0001)
    for number, (title, values) in enumerate(panels.items()):
        x0, floor = number * width + left, height - foot
        scale = (floor - 40) / (1.2 * max(values))
        across = [x0 + 30 + (np.log(row.audio) - low) / (high - low) * (width - left - 80) for row in stereo]
        places = [(x, floor - value * scale) for x, value in zip(across, values, strict=True)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<text x="{x0}" y="18" font-size="13">{title}</text>')
        parts.append(f'<path d="M{x0} 30V{floor}H{x0 + width - left - 16}" fill="none" stroke="#999"/>')
        parts.append(f'<text x="{x0 - 6}" y="{floor}" font-size="11" text-anchor="end">0</text>')
        parts.append(f'<polyline points="{line}" fill="none" stroke="#3b82f6" stroke-width="2"/>')
        for (x, y), row, value in zip(places, stereo, values, strict=True):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="#3b82f6"/>')
            parts.append(f'<text x="{x:.1f}" y="{y - 9:.1f}" font-size="11" text-anchor="middle">{value:.3g}</text>')
            parts.append(f'<text x="{x:.1f}" y="{height - 14}" font-size="11" text-anchor="middle">{row.song}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
