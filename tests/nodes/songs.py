"""Songs with true stems for tests, if MIDISTEMS_TEST_SONGS names a folder of them, and figures about estimates."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from midistems_graph.audio.demo import demo_stems
from midistems_graph.audio.stft import Stft
from midistems_graph.node import Audio, Stems, StftSettings
from midistems_nodes.measure.ratios import Ratios

SONGS = Path(os.environ.get("MIDISTEMS_TEST_SONGS", "/nonexistent"))
FOLDERS = sorted(path for path in SONGS.glob("*") if any(path.glob("mixture.*")))
on_songs = pytest.mark.skipif(not FOLDERS, reason="MIDISTEMS_TEST_SONGS names no folder of songs")


def true_stems(folder: Path, seconds: float = 6) -> tuple[Audio, Stems]:
    """The first seconds of a song's mixture and true stems."""
    stems = {}
    for file in sorted(file for file in folder.glob("*.flac") if file.stem != "mixture"):
        rate = soundfile.info(file).samplerate
        samples, rate = soundfile.read(file, frames=int(seconds * rate), dtype="float32", always_2d=True)
        stems[file.stem] = Audio.of(np.ascontiguousarray(samples.T), rate)
    mixture = Audio.of(sum(stem.samples for stem in stems.values()), rate)
    return mixture, Stems(stems, complete=True)


def song_of_the_demo(seconds: int) -> Stems:
    """True stems, the first seconds of the demo song."""
    read = {name: soundfile.read(path, dtype="float32", stop=44100 * seconds) for name, path in demo_stems().items()}
    return Stems({name: Audio.of(samples.T.copy(), rate) for name, (samples, rate) in read.items()}, complete=True)


def sizes(rate: int) -> dict[str, int]:
    """STFT knobs for a sample rate."""
    return {"n_fft": 2048, "hop": 512} if rate > 24000 else {"n_fft": 1024, "hop": 256}


def ratio_masked(mixture: Audio, stems: Stems) -> Stems:
    """What ideal ratio masks make of a mixture."""
    transform = Stft(StftSettings(**sizes(mixture.rate)), mixture.span)
    bins = transform.forward(mixture.samples)
    strengths = {name: np.abs(transform.forward(audio.samples)) for name, audio in stems.audio.items()}
    whole = sum(strengths.values()) + np.float32(1e-12)
    made = {name: transform.inverse(bins * (strength / whole)) for name, strength in strengths.items()}
    return stems.map({name: mixture.with_samples(samples) for name, samples in made.items()})


def sdr(estimate: Audio, true: Audio) -> float:
    return ratios(estimate, true).sdr


def si_sdr(estimate: Audio, true: Audio) -> float:
    return ratios(estimate, true).si_sdr()


def ratios(estimate: Audio, true: Audio) -> Ratios:
    found = Ratios(true.channels)
    found.add(estimate.samples, true.samples)
    return found
