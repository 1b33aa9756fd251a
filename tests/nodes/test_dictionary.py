"""Sources learned from clips: new ones do not spoil old ones."""

import numpy as np
import pytest

from midistems_graph.node import Audio, NodeError
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.measure.ratios import Ratios
from midistems_nodes.separate.dictionary import dictionary, learn_source, needed_sources

RATE = 16000
TIME = np.arange(2 * RATE) / RATE
SIZE = {"n_fft": 1024, "hop": 256, "iterations": 40}


def notes(pitches, seed, colour):
    """Quarter-second notes with harmonics that fall off by a power: another colour for every instrument."""
    rng = np.random.default_rng(seed)
    sound = np.zeros_like(TIME)
    for start in range(0, len(TIME), RATE // 4):
        pitch, at = rng.choice(pitches), slice(start, start + RATE // 4)
        sound[at] = sum(np.sin(2 * np.pi * pitch * k * TIME[at]) / k**colour for k in range(1, 8))
    return Audio.of(0.1 * sound, RATE)


def hiss(seed):
    return Audio.of(0.05 * np.random.default_rng(seed).standard_normal(len(TIME)) * (TIME % 0.5 < 0.2), RATE)


def learned(*clips):
    known = None
    for name, clip in clips:
        known = learn_source(Tiles(clip), known, name=name, components=6, run=FakeRun(clip.span), **SIZE)
    return known


def separated(song, sources):
    used = needed_sources(Tiles(song), sources, run=FakeRun(song.span), **SIZE)
    return dictionary(song, used, run=FakeRun(song.span), **SIZE)


def si_sdr(estimate, true):
    ratios = Ratios(1)
    ratios.add(estimate.samples, true.samples)
    return ratios.si_sdr()


ORGAN, BASS = [440.0, 550.0, 660.0], [80.0, 110.0]


def test_old_sources_are_not_forgotten_when_a_new_one_is_learned():
    clips = [("organ", notes(ORGAN, 1, 1)), ("noise", hiss(2)), ("bass", notes(BASS, 3, 2))]
    organ, noise, bass = notes(ORGAN, 11, 1), hiss(12), notes(BASS, 13, 2)
    song = organ.with_samples(organ.samples + noise.samples)
    before, after = (separated(song, learned(*clips[:count])) for count in (2, 3))
    for name, true in (("organ", organ), ("noise", noise)):
        assert si_sdr(before[name], true) > si_sdr(song, true) + 5
        assert si_sdr(after[name], true) > si_sdr(before[name], true) - 0.1
    wider = song.with_samples(song.samples + bass.samples)
    assert si_sdr(separated(wider, learned(*clips))["bass"], bass) > si_sdr(wider, bass) + 5


def test_learned_spectra_stay_as_they_are():
    first = learned(("organ", notes(ORGAN, 1, 1)))
    second = learned(("organ", notes(ORGAN, 1, 1)), ("noise", hiss(2)))
    np.testing.assert_array_equal(second.arrays["organ"], first.arrays["organ"])
    again = learned(("organ", notes(ORGAN, 1, 1)), ("organ", notes(BASS, 1, 1)))
    np.testing.assert_array_equal(again.arrays["organ"][: len(first.arrays["organ"])], first.arrays["organ"])


def test_what_cannot_be_learned_is_said():
    silent = Audio.of(np.zeros(RATE), RATE)
    with pytest.raises(NodeError, match="silent"):
        learn_source(Tiles(silent), name="organ", run=FakeRun(silent.span), **SIZE)
    clip = notes(ORGAN, 1, 1)
    known = learned(("organ", clip))
    with pytest.raises(NodeError, match="FFT size"):
        learn_source(Tiles(clip), known, name="noise", n_fft=2048, run=FakeRun(clip.span))
    with pytest.raises(NodeError, match="n_fft"):
        dictionary(clip, known, n_fft=2048, run=FakeRun(clip.span))
