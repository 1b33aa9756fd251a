import math

import numpy as np
import pyloudnorm
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from midistems_graph.audio.loudness import LoudnessMeter, integrated_loudness, k_weighting, peak_db, true_peak_db
from midistems_graph.audio.values import Audio, Float32


def sine(frequency: float, rate: int, seconds: float, phase: float = 0.0) -> Float32:
    """A sine of full scale [1, n] that swells and fades, so that its ends have no peaks of their own."""
    n = int(seconds * rate)
    swell = np.minimum(1, np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.1 * n))
    return (swell * np.sin(2 * np.pi * frequency / rate * np.arange(n) + phase))[None].astype(np.float32)


def reference(audio: Audio) -> float:
    """pyloudnorm with the filters of the standard, over whole steps of 100 ms; step k ends at sample k * rate // 10."""
    steps = (10 * (audio.span.frames + 1) - 1) // audio.rate
    n = steps * audio.rate // 10
    meter = pyloudnorm.Meter(audio.rate, filter_class="DeMan")
    return float(meter.integrated_loudness(audio.samples[:, :n].T.astype(np.float64)))


def test_k_weighting_has_the_coefficients_printed_in_bs_1770() -> None:
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585]
    low_cut = [1, -2, 1, 1, -1.99004745483398, 0.99007225036621]
    assert np.allclose(k_weighting(48000), [shelf, low_cut], atol=1e-6)


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_a_full_scale_sine_reads_minus_3_01(rate: int) -> None:
    n = np.arange(5 * rate)
    tone = np.sin(2 * np.pi * 997 / rate * n)
    assert integrated_loudness(Audio.of(tone, rate)) == pytest.approx(-3.01, abs=0.02)
    both = Audio.of(np.stack([tone, tone]) / 10, rate)
    assert integrated_loudness(both) == pytest.approx(-20.0, abs=0.02)


def test_surround_speakers_weigh_more_and_the_lfe_nothing() -> None:
    tone = np.sin(2 * np.pi * 997 / 48000 * np.arange(48000 * 2))
    for channel, gain in enumerate([1, 1, 1, 0, 1.41, 1.41]):
        samples = np.zeros((6, len(tone)), np.float32)
        samples[channel] = tone
        expected = -3.01 + 10 * math.log10(gain) if gain else -math.inf
        assert integrated_loudness(Audio.of(samples, 48000)) == pytest.approx(expected, abs=0.03)
    samples[3] = tone
    unplaced = Audio(samples, Audio.of(samples, 48000).span, "6 channels")
    assert integrated_loudness(unplaced) == pytest.approx(0, abs=0.03)


def test_a_real_song_reads_as_in_pyloudnorm(song: Audio) -> None:
    assert integrated_loudness(song) == pytest.approx(reference(song), abs=0.01)
    quiet_start = song.samples * np.minimum(1, np.arange(song.span.frames) / song.span.frames) ** 4  # works the gates
    fading = Audio.of(quiet_start, song.rate)
    assert integrated_loudness(fading) == pytest.approx(reference(fading), abs=0.01)


@given(st.sampled_from([8000, 11025, 22050, 44100, 192000]), st.integers(1, 5), st.floats(0.45, 3))
@example(11025, 1, 0.5)  # ends half a sample short of its fifth step
@settings(max_examples=25)
def test_any_rate_and_up_to_five_channels_read_as_in_pyloudnorm(rate: int, channels: int, seconds: float) -> None:
    samples = 0.1 * np.random.default_rng(channels).standard_normal((channels, int(rate * seconds)))
    audio = Audio.of(samples.astype(np.float32), rate)
    audio = Audio(audio.samples, audio.span, "5.0" if channels == 5 else "")
    if channels == 4:  # pyloudnorm takes the fourth channel for a surround speaker
        samples[3] *= 0
        audio = Audio.of(samples, rate)
    assert integrated_loudness(audio) == pytest.approx(reference(audio), abs=0.01)


@given(st.lists(st.integers(0, 30_000), min_size=1, max_size=12), st.sampled_from([11025, 44100]))
@settings(max_examples=25)
def test_blocks_do_not_matter(lengths: list[int], rate: int) -> None:
    samples = (0.2 * np.random.default_rng(1).standard_normal((2, sum(lengths)))).astype(np.float32)
    meter = LoudnessMeter(rate, 2)
    at = 0
    for length in lengths:
        meter.add(samples[:, at : at + length])
        at += length
    assert meter.lufs == pytest.approx(integrated_loudness(Audio.of(samples, rate)), abs=1e-9)
    assert meter.peak_db == peak_db(samples)
    assert meter.true_peak_db == pytest.approx(true_peak_db(samples), abs=1e-4)


def test_silence_and_short_sound_have_no_loudness() -> None:
    silence = Audio.of(np.zeros((2, 44100)), 44100)
    assert integrated_loudness(silence) == -math.inf
    assert peak_db(silence.samples) == true_peak_db(silence.samples) == -math.inf
    assert integrated_loudness(Audio.of(np.ones((1, 17639)), 44100)) == -math.inf
    assert math.isfinite(integrated_loudness(Audio.of(np.ones((1, 17640)), 44100)))
    assert LoudnessMeter(44100, 2).true_peak_db == -math.inf


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_true_peak_finds_what_lies_between_the_samples(rate: int) -> None:
    tone = sine(rate / 4, rate, 0.5, math.pi / 4)
    assert peak_db(tone) == pytest.approx(-3.01, abs=0.01)
    assert true_peak_db(tone) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("place", [*range(0, 5000, 311), 65_000, 65_535, 65_536, 70_000, 99_000, 99_990])
def test_true_peak_misses_no_place(place: int) -> None:
    samples = np.zeros((1, 100_000), np.float32)
    samples[0, place : place + 2] = 1  # two full samples: the signal swells between them to 4 / pi = 2.1 dB
    assert true_peak_db(samples) == pytest.approx(20 * math.log10(4 / math.pi), abs=0.3)


def test_true_peak_is_at_least_the_sample_peak_of_a_real_song(song: Audio) -> None:
    loud = song.samples / np.abs(song.samples).max()
    assert 0 <= true_peak_db(loud) < 3
