"""What the blend loop gains around Spleeter when it is told the truth, on whole songs.

    python benchmarks/blending.py FOLDER [--steps 2] [--candidates 4] [--chunk 0]

FOLDER holds folders of true stems, as in quality.py; songs with a stem called vocals are taken. A line per song:
SI-SDR of the vocals after one pass and after the loop, in dB, and how many seconds of sound the network was asked for.
The pass is a candidate in every step, so no song may end below it; one that does ends the program.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import mean

import numpy as np
from quality import Song, songs
from scorers import LIBRARY, MODEL, BenchRun

from midistems_graph.node import Audio, Scorer, Separator, Stems
from midistems_nodes.loop.blend import Blended


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--steps", type=int, default=2)
    options.add_argument("--candidates", type=int, default=4)
    options.add_argument("--chunk", type=float, default=0.0, help="choose anew for every so many seconds")
    chosen = options.parse_args()
    gains = []
    with tempfile.TemporaryDirectory() as scratch:
        for song in songs(chosen.folder, Path(scratch)):
            if "vocals" not in song.stems:
                continue
            scores, asked = looped(song, chosen.steps, chosen.candidates, chosen.chunk)
            gains.append(scores[-1] - scores[0])
            print(f"{song.name:24}{scores[0]:8.2f}{scores[-1]:8.2f}{gains[-1]:+8.2f} dB {asked:8.0f} s", flush=True)
            if gains[-1] < 0:
                raise SystemExit(f"{song.name} fell below one pass")
    print(f"mean gain {mean(gains):+.2f} dB, least {min(gains):+.2f} dB")


def looped(song: Song, steps: int, candidates: int, chunk: float) -> tuple[list[float], float]:
    """The true score after one pass and after every step, and for how many seconds the network was asked."""
    parts = {name: Audio.of(np.ascontiguousarray(stem), song.rate) for name, stem in song.stems.items()}
    mixture = Audio.of(sum((stem.samples for stem in parts.values()), start=np.float32(0)), song.rate)
    made = LIBRARY["loop.blend"](
        Separator("separate.network", (("model", MODEL),)),
        Scorer("score.true", (("stem", "vocals"),)),
        mixture,
        Stems(parts, complete=True),
        None,
        None,
        steps=steps,
        candidates=candidates,
        stem="vocals",
        chunk=chunk,
        run=BenchRun(mixture.span, 2, 2),
    )
    assert isinstance(made, Blended)
    rows = made.trace.rows.values()
    return [row["score"] for row in rows], sum(row["asked"] for row in rows)


if __name__ == "__main__":
    main()
