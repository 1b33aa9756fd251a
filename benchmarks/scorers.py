"""How well blind scorers know which separation is better, on songs whose true stems are known.

    python benchmarks/scorers.py FOLDER [--seconds 10] [--json FILE]

FOLDER holds folders of true stems, as in quality.py; songs with a stem called vocals are taken, each up to so many
seconds. Every song is separated in more than fifty ways: real outputs (the separators without networks; Spleeter,
which needs the model spleeter-2stems, at several levels, shifted, slowed, in ensembles, asked again about blends)
and variants that are made on purpose (bleed, holes, noise, ideal masks). For each scorer: the rank correlation of its
score with the true SI-SDR of the vocals over all variants, and the regret, which is how many dB are lost when it
chooses among the real outputs, beside a pick at random and beside Spleeter's plain answer, whatever the song.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

import numpy as np
import scipy
from quality import Song, songs

from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Complex64, Float32
from midistems_graph.models.library import ModelLibrary
from midistems_graph.node import Audio, OneTile, Scorer, Separator, Stems, StftSettings, installed
from midistems_graph.node.testing import FakeRun
from midistems_nodes.measure.ratios import Ratios

MODEL, PLAIN = "spleeter-2stems", "Spleeter, +0 dB"
LIBRARY = installed()
NAMES = ("vocals", "instrumental")
SCORERS: Mapping[str, Scorer] = {
    "null_depth": Scorer("score.null_depth"),
    "correlation": Scorer("score.correlation"),
    "overlap": Scorer("score.overlap"),
    "flatness": Scorer("score.flatness"),
    "artefacts": Scorer("score.artefacts"),
    "dnsmos": Scorer("score.dnsmos"),
    "again": Scorer(
        "score.again", (("stem", "vocals"),), (("separator", Separator("separate.network", (("model", MODEL),))),)
    ),
    "consensus": Scorer("score.true", (("stem", "vocals"),)),
}
"""Consensus is the true scorer with the average of all real outputs in place of the true stems."""


@dataclass(frozen=True)
class Row:
    """One variant of one song: its true SI-SDR in dB, what every scorer says, and whether a separator made it."""

    song: str
    variant: str
    real: bool
    si_sdr: float
    scores: dict[str, float]


class BenchRun(FakeRun):
    """A run whose separators may be networks of the library on disk."""

    def separate(self, separator: Separator, mixture: Audio) -> Stems:
        node_type = LIBRARY[separator.type]
        learned = () if node_type.reduce is None else (_first_pass(separator, mixture),)
        unused = (None,) * (len(node_type.inputs) - 1)
        files = {"model": ModelLibrary.default().folder / MODEL}
        run = BenchRun(mixture.span, self.threads, self.cores, files=files)
        made = node_type(mixture, *unused, *learned, **_knobs(separator.type, dict(separator.knobs)), run=run)
        assert isinstance(made, Stems)
        return made


def _first_pass(separator: Separator, mixture: Audio) -> object:
    reduce = LIBRARY[separator.type].reduce
    assert reduce is not None
    return reduce(OneTile(mixture), **_knobs(separator.type, dict(separator.knobs)), run=FakeRun(mixture.span))


def _knobs(node_type: str, given: Mapping[str, object]) -> dict[str, object]:
    return dict(LIBRARY[node_type].settings(given))


def asked(node_type: str, mixture: Audio, **knobs: object) -> Float32:
    """The vocals that a separator makes."""
    given: tuple[tuple[str, object], ...] = tuple(knobs.items())
    return BenchRun(mixture.span, 2, 2).separate(Separator(node_type, given), mixture)["vocals"].samples


def spleeter(mixture: Audio, gain: float = 0.0) -> Float32:
    factor = np.float32(10 ** (gain / 20))
    return asked("separate.network", mixture.with_samples(mixture.samples * factor), model=MODEL) / factor


def real_outputs(mixture: Audio) -> Iterator[tuple[str, Float32]]:
    """What separators, ensembles and loops make of a song."""
    x = mixture.samples
    rough = {
        "REPET": asked("separate.repet", mixture),
        "REPET, long frames": asked("separate.repet", mixture, n_fft=4096, hop=1024),
        "REPET-SIM": asked("separate.repet_sim", mixture),
    }
    yield from rough.items()
    nets = {f"Spleeter, {gain:+} dB": spleeter(mixture, gain) for gain in (-12, -6, 0, 6, 12)}
    yield from nets.items()
    plain, louder = nets[PLAIN], nets["Spleeter, +6 dB"]
    yield "Spleeter, shifted", asked("separate.network", mixture, model=MODEL, shifts=2)
    network = Separator("separate.network", (("model", MODEL),))
    slowed = LIBRARY["separate.augmented"](
        network, mixture, swap=False, polarity=False, speeds=(104.0,), run=BenchRun(mixture.span, 2, 2)
    )
    yield "Spleeter, two speeds", slowed["vocals"].samples
    for r in (0.0, 0.25, 0.5, 0.75):
        yield f"Spleeter, blend {r:g}", spleeter(mixture.with_samples(np.float32(r) * x + np.float32(1 - r) * plain))
    yield "average of 0 and 6 dB", (plain + louder) / 2
    yield "average of levels", sum(nets.values(), start=np.float32(0)) / np.float32(len(nets))
    yield "median of levels", np.median(np.stack(list(nets.values())), axis=0)
    yield "average with REPET", (plain + rough["REPET"]) / 2
    yield "average of REPETs", sum(rough.values(), start=np.float32(0)) / np.float32(3)
    bins, transform = _bins(mixture, plain, rough["REPET"])
    smaller = np.where(np.abs(bins[0]) < np.abs(bins[1]), bins[0], bins[1])
    yield "smaller of Spleeter and REPET", transform.inverse(smaller)
    yield "larger of Spleeter and REPET", transform.inverse(bins[0] + bins[1] - smaller)
    both = _both(mixture, plain)
    wiener = LIBRARY["spatial.wiener"]
    run = FakeRun(mixture.span, 2, 2)
    assert wiener.reduce is not None
    model = wiener.reduce(OneTile(mixture), OneTile(both), run=run)
    yield "Spleeter and Wiener", wiener(mixture, both, model, run=run)["vocals"].samples
    yield "Spleeter, smoothed", LIBRARY["artefact.musical_noise"](mixture.with_samples(plain), mixture, run=run).samples


def made_on_purpose(mixture: Audio, voice: Float32, real: Mapping[str, Float32]) -> Iterator[tuple[str, Float32]]:
    """Faults of known size, and ideal masks."""
    x, rest = mixture.samples, mixture.samples - voice
    rng = np.random.default_rng(0)
    for share in (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9):
        yield f"{share:g} of bleed", voice + np.float32(share) * rest
    for share in (0.1, 0.25, 0.5, 0.75):
        yield (
            f"Spleeter with {share:g} of the song",
            real[PLAIN] * np.float32(1 - share) + np.float32(share) * x,
        )
    for db in (-30, -20, -10):
        noise = rng.standard_normal(voice.shape).astype(np.float32) * voice.std() * np.float32(10 ** (db / 20))
        yield f"noise at {db} dB", voice + noise
    own, transform = _bins(mixture, voice, rest)
    whole = own[0] + own[1]
    size = np.abs(own)
    for power in (0.5, 1.0, 2.0):
        yield (
            f"ideal mask, power {power:g}",
            transform.inverse(
                whole * (size[0] ** power / (size[0] ** power + size[1] ** power + 1e-12)).astype(np.float32)
            ),
        )
    for threshold in (0.25, 0.5, 1.0, 2.0, 4.0):
        yield (
            f"hard mask at {threshold:g}",
            transform.inverse(whole * (size[0] > threshold * size[1]).astype(np.float32)),
        )
    for share in (0.1, 0.3, 0.5):
        holes = (rng.random(whole.shape) > share).astype(np.float32)
        yield f"{share:g} of holes", transform.inverse(own[0] * holes)
        yield f"{share:g} of specks", transform.inverse(own[0] + own[1] * (1 - holes))
    for cutoff in (1000, 4000):
        keep = (np.arange(whole.shape[-1]) * mixture.rate / transform.settings.n_fft < cutoff).astype(np.float32)
        yield f"below {cutoff} Hz", transform.inverse(own[0] * keep)
    yield "the song", x


def _bins(mixture: Audio, *signals: Float32) -> tuple[Complex64, Stft]:
    settings = StftSettings(2048, 512) if mixture.rate > 24000 else StftSettings(1024, 256)
    transform = Stft(settings, mixture.span, threads=2)
    return np.stack([transform.forward(np.ascontiguousarray(signal)) for signal in signals]), transform


def _both(mixture: Audio, vocals: Float32) -> Stems:
    """The vocals and what they leave of the song."""
    voice = np.asarray(vocals, np.float32)
    parts = {"vocals": voice, "instrumental": mixture.samples - voice}
    return Stems({name: mixture.with_samples(part) for name, part in parts.items()}, complete=True)


def rows(song: Song, seconds: float) -> Iterator[Row]:
    """All variants of a song with their scores."""
    length = round(seconds * song.rate)
    parts = {name: np.ascontiguousarray(stem[:, :length]) for name, stem in song.stems.items()}
    mixture = Audio.of(sum(parts.values(), start=np.float32(0)), song.rate)
    real = dict(real_outputs(mixture))
    made = dict(made_on_purpose(mixture, parts["vocals"], real))
    sets = {variant: _both(mixture, vocals) for variant, vocals in {**real, **made}.items()}
    run = BenchRun(mixture.span, 2, 2)
    agreed = LIBRARY["blend.ensemble"](tuple(sets[variant] for variant in real), run=run)
    for variant, stems in sets.items():
        ratios = Ratios(mixture.channels)
        ratios.add(stems["vocals"].samples, parts["vocals"])
        said = {name: run.score(scorer, mixture, stems, agreed) for name, scorer in SCORERS.items()}
        yield Row(song.name, variant, variant in real, ratios.si_sdr(), said)


def judged(row: Row, scorer: str) -> float:
    """What a scorer says; what it cannot judge counts less than anything, as in loops."""
    said = row.scores[scorer]
    return -np.inf if np.isnan(said) else said


def correlation(found: list[Row], scorer: str) -> float:
    """Spearman's rank correlation of a score with the true SI-SDR; 0 for a score that is always the same."""
    said = [judged(row, scorer) for row in found]
    if len(set(said)) < 2:
        return 0.0
    return float(scipy.stats.spearmanr(said, [row.si_sdr for row in found]).statistic)


def regret(found: list[Row], scorer: str) -> float:
    """dB lost against the best real output; of equal scores the mean is taken."""
    real = [row for row in found if row.real]
    top = max(judged(row, scorer) for row in real)
    return max(r.si_sdr for r in real) - mean(row.si_sdr for row in real if judged(row, scorer) >= top - 1e-9)


def random_regret(found: list[Row]) -> float:
    real = [row.si_sdr for row in found if row.real]
    return max(real) - mean(real)


def plain_regret(found: list[Row]) -> float:
    """dB lost by always taking what the network says of the song as it is."""
    real = {row.variant: row.si_sdr for row in found if row.real}
    return max(real.values()) - real[PLAIN]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        for song in songs(chosen.folder, Path(scratch)):
            if "vocals" in song.stems:
                found += rows(song, chosen.seconds)
                report([row for row in found if row.song == song.name])
                if chosen.json:
                    chosen.json.write_text(json.dumps([asdict(row) for row in found]) + "\n", encoding="utf-8")


def report(found: list[Row]) -> None:
    """One song's lines."""
    real = sum(row.real for row in found)
    lost = f"a random pick loses {random_regret(found):.2f} dB, {PLAIN} loses {plain_regret(found):.2f} dB"
    print(f"{found[0].song}: {len(found)} variants, {real} real; {lost}")
    for scorer in found[0].scores:
        likeness, missed = correlation(found, scorer), regret(found, scorer)
        print(f"    {scorer:14} rank correlation {likeness:5.2f}   regret {missed:5.2f} dB", flush=True)


if __name__ == "__main__":
    main()
