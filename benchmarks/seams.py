"""Whether the tiles of a long song can be told from a run that has none: the difference at every join.

    python benchmarks/seams.py [--graph four_stems] [--song 10m] [--folder FOLDER]

The graph is run twice on the song of `length.py`, in tiles as always, and with the whole song as the only tile (which
needs the memory of all edges: about 12 MB per second of `four_stems`). Printed are the largest difference of any
sample within a tenth of a second of a join, and of any sample, in dB of full scale, for each stem.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from length import seconds_of, write_song

from midistems_graph.engine.plan import TILE

RUN = """
import sys
from fractions import Fraction
import midistems_graph.engine.plan as plan, midistems_graph.engine.sizes as sizes
plan.TILE = sizes.TILE = Fraction(sys.argv.pop(1))
from midistems_graph.cli.run_graph import main
sys.exit(main(sys.argv[1:]))
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--graph", default="four_stems")
    options.add_argument("--song", default="10m")
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    chosen = options.parse_args()
    seconds = seconds_of(chosen.song)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as made:
        folder = Path(made)
        song = write_song(folder / "song.wav", seconds, 2, 44100)
        for name, tile in (("tiles", TILE), ("whole", 10 * round(seconds))):
            program = [sys.executable, "-c", RUN, str(tile), chosen.graph, str(song), "-o", str(folder / name)]
            program += ["--cache-dir", str(folder / f"store-{name}"), "--quiet", "--memory", "18G"]
            _, status, used = os.wait4(subprocess.Popen(program).pid, 0)
            if status:
                raise SystemExit(f"the run in {name} failed ({status})")
            print(f"{name:8}{used.ru_maxrss / 1024:8.0f} MB")
        joins = np.arange(float(TILE), seconds, float(TILE))
        print(f"{len(joins)} joins{'':14}{'at joins':>10}{'anywhere':>10}")
        for path in sorted((folder / "tiles").glob("*.wav")):
            at_joins, anywhere = departures(path, folder / "whole" / path.name, joins)
            print(f"{path.stem:24}{at_joins:10.1f}{anywhere:10.1f}")


def departures(tiled: Path, whole: Path, joins: np.ndarray) -> tuple[float, float]:
    """The largest difference of two files near instants in seconds, and anywhere, in dB of full scale."""
    rate = soundfile.info(tiled).samplerate
    places = (joins * rate).astype(int)
    near = everywhere = 0.0
    with soundfile.SoundFile(tiled) as ours, soundfile.SoundFile(whole) as theirs:
        if ours.frames != theirs.frames:
            raise SystemExit(f"{tiled.name} has {ours.frames} frames, {theirs.frames} without tiles")
        at = 0
        while len(block := ours.read(1 << 20, dtype="float32")):
            off = np.abs(block - theirs.read(len(block), dtype="float32")).max(axis=1)
            everywhere = max(everywhere, float(off.max()))
            for place in places[(places > at - rate // 10) & (places < at + len(off) + rate // 10)]:
                low, high = max(0, place - rate // 10 - at), max(0, place + rate // 10 - at)
                near = max(near, float(off[low:high].max(initial=0.0)))
            at += len(off)
    return tuple(20 * np.log10(max(each, 1e-12)) for each in (near, everywhere))  # type: ignore[return-value]


if __name__ == "__main__":
    main()
