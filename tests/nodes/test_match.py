import numpy as np
import pytest
from scipy import signal
from songs import song_of_the_demo

from midistems_graph.node.testing import FakeRun
from midistems_nodes.filter.match import match


@pytest.fixture(scope="module")
def parts():
    """The band of the demo song as it was published, and as it lies in the song: another master, under the voice."""
    stems = song_of_the_demo(8)
    band = stems.audio["drums"].samples + stems.audio["bass"].samples + stems.audio["other"].samples
    shelf = signal.butter(1, [150, 6000], "bandpass", fs=44100, output="sos")
    swell = 1 + 0.1 * np.sin(2 * np.pi * np.arange(band.shape[1]) / band.shape[1])
    mastered = 0.5 * swell * (band + 0.8 * signal.sosfilt(shelf, band))
    voice = stems.audio["vocals"]
    return voice.with_samples(band), voice, voice.with_samples((mastered + voice.samples).astype(np.float32))


def remainder_db(taken, song, voice):
    """What is left of the band once it is taken away, against the band's own level in the song."""
    left = song.samples - taken.samples - voice.samples
    whole = song.samples - voice.samples
    return 10 * np.log10(np.sum(left.astype(float) ** 2) / np.sum(whole.astype(float) ** 2))


def test_another_master_is_undone_under_a_voice(parts):
    band, voice, song = parts
    assert remainder_db(band, song, voice) > -8
    assert remainder_db(match(band, song, run=FakeRun()), song, voice) < -15


def test_without_a_voice_nearly_nothing_is_left(parts):
    band, voice, song = parts
    alone = song.with_samples(song.samples - voice.samples)
    silence = voice.with_samples(0 * voice.samples)
    assert remainder_db(match(band, alone, time=1, run=FakeRun()), alone, silence) < -30


def test_the_level_is_changed_by_no_more_than_is_allowed(parts):
    band, _, _ = parts
    loud = band.with_samples(8 * band.samples)
    made = match(band, loud, most=6.0, run=FakeRun())
    assert 20 * np.log10(np.std(made.samples) / np.std(band.samples)) == pytest.approx(6, abs=0.01)
