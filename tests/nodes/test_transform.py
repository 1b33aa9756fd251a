import numpy as np
import pytest

from midistems_graph.node import Audio, NodeError, Span
from midistems_graph.node.testing import FakeRun
from midistems_nodes.transform.polar import combine, magnitude, phase
from midistems_nodes.transform.resample import resample, resample_like
from midistems_nodes.transform.spectrogram import istft, stft

RUN = FakeRun()


def noise(length=20011, rate=44100):
    return Audio.of(np.random.default_rng(1).standard_normal((2, length)).astype(np.float32), rate)


def test_there_and_back_is_the_very_signal():
    audio = noise()
    back = istft(stft(audio, n_fft=1024, hop=256, run=RUN), run=RUN)
    assert np.abs(back.samples - audio.samples).max() < 2e-6


def test_magnitude_and_phase_make_the_spectrogram_again():
    whole = stft(noise(), run=RUN)
    again = combine(magnitude(whole), phase(whole))
    assert np.abs(again.bins - whole.bins).max() < 1e-6 * np.abs(whole.bins).max()


def test_settings_without_an_inverse_are_refused_in_words():
    with pytest.raises(NodeError, match="hop must be 16 to 2048 samples"):
        stft(noise(), n_fft=4096, hop=4096, run=RUN)


def test_magnitude_and_phase_of_other_settings_are_refused():
    one, other = stft(noise(), n_fft=1024, hop=256, run=RUN), stft(noise(), n_fft=2048, hop=256, run=RUN)
    with pytest.raises(NodeError, match="1024/256 hann, another with 2048/256 hann"):
        combine(magnitude(one), phase(other))


@pytest.mark.parametrize("length", [1, 2, 1001, 20011])
def test_a_round_trip_through_another_rate_keeps_the_length(length):
    audio = noise(length)
    up = resample(audio, rate=48000, run=FakeRun(Span.whole(-(-length * 160 // 147), 48000)))
    back = resample(up, rate=44100, run=FakeRun(audio.span))
    assert back.span == audio.span
    np.testing.assert_array_equal(resample_like(audio, up, run=FakeRun(audio.span)).samples, back.samples)


def test_a_tone_keeps_its_pitch_at_another_rate():
    tone = np.sin(2 * np.pi * 1000 * np.arange(44100) / 44100)
    out = resample(Audio.of(tone, 44100), rate=48000, run=FakeRun(Span.whole(48000, 48000))).samples[0]
    exact = np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000)
    assert np.abs(out - exact)[2000:-2000].max() < 1e-5


def test_an_unusual_ratio_is_said():
    run = FakeRun(Span.whole(48000, 48000))
    resample(noise(44099, 44099), rate=48000, run=run)
    assert "unusual ratio" in run.warnings[0]
