from fractions import Fraction

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from midistems_graph.audio.resample import resample, resample_blocks, resample_context, resampled_span
from midistems_graph.audio.values import Audio, Span, ceil_div

RATES = (8000, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 96000)
rates = st.sampled_from(RATES)


def noise(channels: int, length: int, seed: int = 0) -> np.ndarray:
    return (0.3 * np.random.default_rng(seed).standard_normal((channels, length))).astype(np.float32)


def db(error: np.ndarray, reference: np.ndarray) -> float:
    """Largest error over largest sample, in dB."""
    return float(20 * np.log10(np.max(np.abs(error)) / np.max(np.abs(reference)) + 1e-30))


@given(rates, rates, st.integers(0, 5000), st.integers(1, 8))
@settings(max_examples=60)
def test_a_whole_song_keeps_its_length_in_seconds(old: int, new: int, length: int, channels: int) -> None:
    result = resample(Audio.of(noise(channels, length), old), new)
    assert result.span == Span.whole(ceil_div(length * new, old), new)
    assert result.channels == channels
    assert np.isfinite(result.samples).all()


@given(rates, rates, st.data())
@settings(max_examples=40)
def test_a_stretch_with_context_equals_the_whole_song(old: int, new: int, data: st.DataObject) -> None:
    total = 3 * old + data.draw(st.integers(0, 1000))
    start = data.draw(st.integers(0, total - 2000))
    span = Span(start, start + 2000, total, old)
    song = Audio.of(noise(2, total, seed=start), old)
    context = Fraction(resample_context(old, new))
    around = Span.of_seconds(
        max(Fraction(0), Fraction(span.start, old) - context),
        min(Fraction(total, old), Fraction(span.stop, old) + context),
        Fraction(total, old),
        old,
    )
    wanted = resampled_span(span, new)
    whole = resample(song, new).crop(wanted).samples
    tile = resample(song.crop(around), new).crop(wanted).samples
    assert db(tile - whole, whole) < -120


@pytest.mark.parametrize(("old", "new"), [(44100, 48000), (11025, 48000), (48000, 44100), (40960, 40980)])
def test_late_stretches_do_not_drift(old: int, new: int) -> None:
    total = 60 * old
    song = Audio.of(noise(1, total), old)
    margin = int(resample_context(old, new) * old) + 1
    around = Span(total - old // 2, total - old // 4, total, old)
    wanted = resampled_span(Span(around.start + margin, around.stop - margin, total, old), new)
    whole = resample(song, new).crop(wanted).samples
    tile = resample(song.crop(around), new).crop(wanted).samples
    assert db(tile - whole, whole) < -120


def test_rates_that_soxr_cannot_keep_in_time_need_the_whole_song() -> None:
    assert resample_context(44100, 44101) == float("inf")
    assert resample_context(44100, 48000) < 0.01


@given(rates, rates, st.integers(0, 20000), st.integers(0, 20000))
def test_neighbouring_stretches_partition_the_samples(old: int, new: int, a: int, b: int) -> None:
    cut, total = min(a, b), max(a, b)
    left, right = resampled_span(Span(0, cut, total, old), new), resampled_span(Span(cut, total, total, old), new)
    assert left.start == 0
    assert left.stop == right.start
    assert right.stop == right.total == ceil_div(total * new, old)


@pytest.mark.parametrize("old", [16000, 44100, 48000])
@pytest.mark.parametrize("new", [8000, 22050, 88200, 96000])
def test_tones_are_what_they_were_whatever_soxr_is_installed(old: int, new: int) -> None:
    """Against the tones themselves, so that another quality, delay or end of a stream would be seen."""

    def tones(rate: int) -> np.ndarray:
        t = np.arange(rate) / rate
        high = 0.2 * min(old, new)  # from half as much again on the filter falls, by 0.01 dB at most
        return sum(np.sin(2 * np.pi * f * t + f) for f in (31, 997, high)).astype(np.float32)[None]

    result = resample(Audio.of(tones(old), old), new).samples
    inner = slice(new // 10, -new // 10)
    assert db((result - tones(new))[:, inner], tones(new)) < -120


def test_equals_soxr_itself() -> None:
    song = noise(2, 200_000)
    expected = soxr.resample(song.T, 48000, 44100).T
    result = resample(Audio.of(song, 48000), 44100).samples[:, : expected.shape[1]]
    assert db(result - expected, expected) < -120


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=8), rates, rates)
@settings(max_examples=30)
def test_blocks_of_a_file_give_the_same_as_the_whole(lengths: list[int], old: int, new: int) -> None:
    song = noise(2, sum(lengths))
    blocks = np.split(song, np.cumsum(lengths)[:-1], axis=1)
    streamed = np.concatenate([np.zeros((2, 0)), *resample_blocks(blocks, old, new, song.shape[1])], axis=1)
    whole = resample(Audio.of(song, old), new).samples
    assert streamed.shape == whole.shape
    assert np.max(np.abs(streamed - whole), initial=0) < 1e-6


def test_silence_stays_silence() -> None:
    assert not resample(Audio.of(np.zeros((2, 5000)), 44100), 48000).samples.any()


def test_the_same_rate_is_the_same_audio() -> None:
    song = Audio.of(noise(1, 10), 44100)
    assert resample(song, 44100) is song


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="the sample rate must be a whole number"):
        resample(Audio.of(noise(1, 10), 44100), 0)
