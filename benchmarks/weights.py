"""How a network should be asked: a song louder, brighter, slower, and averages of what it says then.

    python benchmarks/weights.py FOLDER [--most 3] [--json FILE]

FOLDER holds folders of true stems, as in quality.py; songs with a stem called vocals are taken. Needs the model
spleeter-2stems. A line per way of asking, and one per average that a preset stands for: what the vocals gain over
asking once, in dB of SI-SDR, song by song. Then averages of up to so many ways, of all ways or of those with more
treble alone, are chosen on one half of the songs (the best mean, in which a loss of the worst song counts threefold)
and tried on the other, for every half: the mean there, the worst song there, and in how many halves the aim came
(+0.3 on the mean, none below -0.05).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
from quality import Song, songs
from scorers import LIBRARY, spleeter

from midistems_graph.audio.resample import resample
from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Span
from midistems_graph.node.testing import FakeRun

Float64 = npt.NDArray[np.float64]
PLAIN = "as it is"


@dataclass(frozen=True)
class Way:
    """How a song is changed before it is heard: gains in dB below and above a frequency, and its speed in percent."""

    low: float = 0.0
    high: float = 0.0
    frequency: float = 1000.0
    speed: int = 100


WAYS = {
    PLAIN: Way(),
    "3 dB louder": Way(3, 3),
    "6 dB louder": Way(6, 6),
    "9 dB louder": Way(9, 9),
    "treble +6": Way(0, 6),
    "treble +9": Way(0, 9),
    "treble +12": Way(0, 12),
    "treble +9, from 500 Hz": Way(0, 9, 500),
    "treble +9, from 2 kHz": Way(0, 9, 2000),
    "treble +12, from 2 kHz": Way(0, 12, 2000),
    "bass +3, treble +9": Way(3, 9),
    "bass -3, treble +3": Way(-3, 3),
    "6 dB louder at 96 %": Way(6, 6, speed=96),
    "6 dB louder at 104 %": Way(6, 6, speed=104),
    "at 92 %": Way(speed=92),
    "at 104 %": Way(speed=104),
}
AVERAGES = {
    "louder, and other speeds": {PLAIN: 4.0, "6 dB louder": 4.0, "at 92 %": 1.0, "at 104 %": 1.0},
}
"""The preset vocals_asked_again: weights by way."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--most", type=int, default=3)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = {song.name: products(song) for song in songs(chosen.folder, Path(scratch)) if "vocals" in song.stems}
    single, named = np.eye(len(WAYS)), np.array([weights(average) for average in AVERAGES.values()])
    print(f"{'':32}" + "".join(f"{name[-12:]:>14}" for name in found) + f"{'mean':>10}{'worst':>8}")
    for name, row in zip([*WAYS, *AVERAGES], gains(np.vstack([single, named]), found), strict=True):
        print(f"{name:32}" + "".join(f"{one:+14.2f}" for one in row) + f"{row.mean():+10.2f}{row.min():+8.2f}")
    for family, begins in {"all ways": "", "more treble alone": "treble"}.items():
        ways = [place for place, name in enumerate(WAYS) if name.startswith(begins) and name != PLAIN]
        for few in range(1, chosen.most + 1):
            said = halves(ways, few, found)
            print(f"{family}, up to {few} of them, chosen on one half: on the other {said}", flush=True)
    if chosen.json:
        rows = gains(single, found)
        made = {name: {"way": asdict(WAYS[name]), "gains": list(row)} for name, row in zip(WAYS, rows, strict=True)}
        chosen.json.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")


def weights(average: dict[str, float]) -> Float64:
    made = np.array([average.get(way, 0.0) for way in WAYS])
    return made / made.sum()


@dataclass(frozen=True)
class Products:
    """Of all answers with one another, of each with the true voice, and of that with itself."""

    answers: Float64
    true: Float64
    energy: float


def products(song: Song) -> Products:
    """What an average of answers is worth hangs on these alone."""
    mixture = Audio.of(sum(song.stems.values(), start=np.float32(0)), song.rate)
    said = np.stack([asked(mixture, way).ravel() for way in WAYS.values()]).astype(np.float64)
    true = song.stems["vocals"].ravel().astype(np.float64)
    return Products(said @ said.T, said @ true, float(true @ true))


def asked(mixture: Audio, way: Way) -> Float32:
    """The vocals that Spleeter hears in a song that is changed, brought back."""
    shelf, run = LIBRARY["filter.shelf"], FakeRun(mixture.span)
    changed = shelf(mixture, low=way.low, high=way.high, frequency=way.frequency, run=run)
    heard = paced(changed, 100, way.speed)
    vocals = paced(Audio.of(spleeter(heard), mixture.rate), way.speed, 100).samples[:, : mixture.span.frames]
    back = mixture.with_samples(np.ascontiguousarray(vocals))
    return np.asarray(shelf(back, low=-way.low, high=-way.high, frequency=way.frequency, run=run).samples, np.float32)


def paced(audio: Audio, new: int, old: int) -> Audio:
    """At new / old times as many samples, by the clock of the same rate."""
    if new == old:
        return audio
    at = Audio(audio.samples, Span.whole(audio.span.frames, old * 100))
    return Audio.of(resample(at, new * 100).samples, audio.rate)


def gains(each: Float64, found: dict[str, Products]) -> Float64:
    """What averages [averages, ways] gain over asking once, [averages, songs], in dB."""
    plain = np.eye(len(WAYS))[:1]
    return np.stack([si_sdr(each, one) - si_sdr(plain, one) for one in found.values()], axis=1)


def si_sdr(each: Float64, one: Products) -> Float64:
    source = (each @ one.true) ** 2 / one.energy
    whole = np.einsum("wi,ij,wj->w", each, one.answers, each)
    return np.asarray(10 * np.log10(source / (whole - source)))


def halves(ways: list[int], most: int, found: dict[str, Products]) -> str:
    """How averages of up to so many ways, chosen on one half of the songs, do on the other."""
    sets = [pick for few in range(1, most + 1) for pick in combinations(ways, few)]
    each = np.zeros((len(sets), len(WAYS)))
    for row, pick in zip(each, sets, strict=True):
        row[list(pick)] = 1 / len(pick)
    tried = np.array(list(_tried(gains(each, found))))
    came = np.mean((tried[:, 0] >= 0.3) & (tried[:, 1] >= -0.05))
    return f"mean {tried[:, 0].mean():+.2f}, worst song {tried[:, 1].mean():+.2f}; the aim came in {came:.0%}"


def _tried(made: Float64) -> Iterator[tuple[float, float]]:
    places = range(made.shape[1])
    for half in combinations(places, len(places) // 2):
        known = made[:, list(half)]
        best = np.argmax(known.mean(axis=1) + 3 * np.minimum(known.min(axis=1), 0))
        rest = made[best, [place for place in places if place not in half]]
        yield float(rest.mean()), float(rest.min())


if __name__ == "__main__":
    main()
