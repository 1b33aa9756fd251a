"""What separators and phase nodes reach on real songs, SI-SDR in dB; songs are found through MIDISTEMS_TEST_SONGS."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from midistems_graph.node import Audio, Stems
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.phase.misi import misi
from midistems_nodes.separate.hpss import hpss
from midistems_nodes.separate.repet import repet
from midistems_nodes.separate.repet_sim import repet_sim

FOLDER = os.environ.get("MIDISTEMS_TEST_SONGS", "")
RUN = FakeRun(threads=2)

pytestmark = pytest.mark.skipif(not FOLDER, reason="MIDISTEMS_TEST_SONGS is not set")


def load(song, name, seconds=60):
    path = Path(FOLDER) / song / f"{name}.flac"
    if not path.exists():
        pytest.skip(f"there is no {song} among the songs")
    rate = soundfile.info(path).samplerate
    samples, rate = soundfile.read(path, frames=seconds * rate, dtype="float32", always_2d=True)
    return Audio.of(samples.T, rate)


def si_sdr(estimate, truth):
    signal, target = (audio.samples.astype(float).ravel() for audio in (estimate, truth))
    target *= (signal @ target) / (target @ target)
    return 10 * np.log10(np.sum(target**2) / np.sum((signal - target) ** 2))


def sizes(audio):
    return {"n_fft": 1024, "hop": 256} if audio.rate < 32000 else {"n_fft": 2048, "hop": 512}


def by_repet(song):
    audio = load(song, "mixture")
    model = repet.reduce(Tiles(audio), **sizes(audio), run=RUN)
    return repet(audio, model, **sizes(audio), run=RUN)


@pytest.mark.parametrize(
    ("song", "stem", "part", "reached"),
    [
        ("fof_war_of_freedom", "guitar", "harmonic", 1.3),
        ("fof_metal_madness", "guitar", "harmonic", 1.2),
        ("wun_so_easy", "vocals", "harmonic", 1.0),
        ("wun_so_easy", "accompaniment", "percussive", 3.7),
    ],
)
def test_hpss(song, stem, part, reached):
    audio = load(song, "mixture")
    assert si_sdr(hpss(audio, **sizes(audio), run=RUN)[part], load(song, stem)) > reached - 0.1


@pytest.mark.parametrize(("stem", "reached"), [("vocals", 2.5), ("accompaniment", 5.6)])
def test_repet_on_a_pop_song(stem, reached):
    assert si_sdr(by_repet("wun_so_easy")[stem], load("wun_so_easy", stem)) > reached


def test_repet_on_five_singers():
    songs = [f"mir1k_{name}" for name in ("Ani_1_04", "amy_10_04", "davidson_1_04", "stool_1_04", "yifen_1_04")]
    assert np.mean([si_sdr(by_repet(song)["vocals"], load(song, "vocals")) for song in songs]) > 2.5


def test_repet_sim_on_a_pop_song():
    audio = load("wun_so_easy", "mixture")
    stems = repet_sim(audio, **sizes(audio), run=RUN)
    assert si_sdr(stems["vocals"], load("wun_so_easy", "vocals")) > 0
    assert si_sdr(stems["accompaniment"], load("wun_so_easy", "accompaniment")) > 2.8


def test_misi_with_true_magnitudes():
    parts = {name: load("fof_war_of_freedom", name, seconds=4) for name in ("guitar", "backing", "mixture")}
    mixture = parts.pop("mixture")
    made = misi(mixture, Stems(parts, complete=True), start="mixture", iterations=20, run=RUN)
    assert si_sdr(made["guitar"], parts["guitar"]) > 28
