"""How exactly each family of networks gives back what it was given, on the tests' networks of known gains.

    python benchmarks/contracts.py [--json FILE]

The networks of tests/models/test_contracts.py give two stems of 0.75 and 0.25 times the sound. For every length,
overlap and batch below: the farthest sample of a stem from its share, and of the stems' sum from the sound, in dB below
the loudest sample of the song (noise in stereo, so its ends are as loud as its middle). Needs the package onnx.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from midistems_graph.models.recent import Recent
from midistems_graph.models.runner import Level, Runner, Settings
from midistems_graph.models.sessions import Sessions
from midistems_graph.node.testing import FakeRun

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "models"))
import test_contracts as known
import tiny

LENGTHS = (1, 2, 999, 4097, 39_999, 100_003)
OVERLAPS = (0.0, 1.0, 1.5, 4.0)
BATCHES = (1, 3)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    sessions, found = Sessions(), {}
    with tempfile.TemporaryDirectory() as made:
        for name, (manifest, networks) in known.FAMILIES.items():
            model = tiny.stored(Path(made), manifest, *networks)
            tries = [
                departures(Runner(model, Settings(overlap=overlap, batch=batch), sessions, Recent()), length)
                for length, overlap, batch in itertools.product(LENGTHS, OVERLAPS, BATCHES)
            ]
            shares, sums = map(max, zip(*tries, strict=True))
            found[name] = {"share_db": round(shares, 1), "sum_db": round(sums, 1)}
            print(f"{name:20}{shares:8.1f} dB{sums:8.1f} dB", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n")


def departures(runner: Runner, length: int) -> tuple[float, float]:
    """The farthest from a share, and of the sum from the sound, in dB below the loudest sample."""
    audio = known.song(length)
    stems = runner.separate(audio, run=FakeRun(audio.span), level=Level(0.0, 0.31))
    shares = [
        np.abs(stems[name].samples - np.float32(gain) * audio.samples).max()
        for name, gain in zip(known.STEMS, known.GAINS, strict=True)
    ]
    whole = np.abs(sum(one.samples for one in stems.audio.values()) - audio.samples).max()
    loudest = np.abs(audio.samples).max()
    return decibels(max(shares) / loudest), decibels(whole / loudest)


def decibels(ratio: float) -> float:
    return float(20 * np.log10(max(ratio, 1e-15)))


if __name__ == "__main__":
    main()
