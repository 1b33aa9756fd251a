import tracemalloc
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_songs import RATE, Generated, noise, part

from midistems_graph.audio.stft import stft
from midistems_graph.audio.values import Audio, Magnitude, Mask, StftSettings
from midistems_graph.editor.pictures.building import build, done
from midistems_graph.editor.pictures.sources import ValueSource
from midistems_graph.editor.pictures.spectrogram import SpectrogramPyramid, detail
from midistems_graph.editor.pictures.strength import Channel

STFT = StftSettings(512, 128)
SONG = noise(200_003)


def finished(song: Audio, **options: object) -> SpectrogramPyramid:
    pyramid = SpectrogramPyramid(song.span, STFT, **options)  # type: ignore[arg-type]
    for _ in build(pyramid, ValueSource(song)):
        pass
    assert done(pyramid) == 1
    return pyramid


def expected_codes(power: np.ndarray) -> np.ndarray:
    """Power relative to a sine of full scale, in steps of 120 / 255 dB above -120 dB."""
    level = 10 * np.log10(np.maximum(power.astype(np.float64), 1e-30)) + 120
    return np.clip(np.round(level / 120 * 255), 0, 255)


def power_of(samples: np.ndarray) -> np.ndarray:
    """Power [channels, frames, bins] of all frames, straight from the transform."""
    bins = stft(Audio.of(samples, RATE), STFT).bins.astype(np.complex128)
    return np.abs(bins * 2 / np.hanning(513)[:-1].sum()) ** 2


FRAMES = expected_codes(power_of(SONG.samples).mean(axis=0))
PYRAMID = finished(SONG)


def agree(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal bytes, but for roundings of halves."""
    difference = np.abs(a.astype(int) - b)
    return bool(difference.max() <= 1 and (difference > 0).mean() < 1e-3)


@settings(max_examples=50)
@given(st.floats(0, 4.4), st.floats(0.01, 4.5), st.integers(1, 250))
def test_a_pixel_is_the_strongest_of_its_frames(start: float, length: float, width: int) -> None:
    shown = PYRAMID.query(start, start + length, width)
    frames = np.linspace(start, start + length, width + 1) * RATE / STFT.hop + 0.5
    column = max(1.0, length * RATE / STFT.hop / width)
    for pixel, (a, b) in enumerate(pairwise(frames)):
        assert shown.seen[pixel] == (a < len(FRAMES))
        inner = FRAMES[int(np.ceil(a)) : int(b - column)]
        outer = FRAMES[max(0, int(a - column)) : int(np.ceil(b)) + 1]
        if len(inner):
            assert (shown.codes[pixel] >= inner.max(axis=0) - 1).all()
        if len(outer) and shown.seen[pixel]:
            assert (shown.codes[pixel] <= outer.max(axis=0) + 1).all()


def test_one_pixel_per_frame_shows_the_frames() -> None:
    count, hop = len(FRAMES), STFT.hop
    shown = PYRAMID.query(-hop / 2 / RATE, (count - 0.5) * hop / RATE, count)
    assert shown.seen.all()
    assert agree(shown.codes, FRAMES)


@pytest.mark.parametrize("channel", ["left", "right", "mid", "side"])
def test_channels(channel: Channel) -> None:
    left, right = SONG.samples
    mixed = {"left": left, "right": right, "mid": (left + right) / 2, "side": (left - right) / 2}[channel]
    assert agree(finished(SONG, channel=channel).columns[: len(FRAMES)], expected_codes(power_of(mixed)[0]))


def test_mono_has_no_side() -> None:
    assert not finished(noise(20_000, channels=1), channel="side").columns.any()


@settings(max_examples=20)
@given(st.lists(st.integers(1, len(FRAMES) - 1), max_size=6, unique=True), st.randoms(), st.sampled_from([1, 40]))
def test_stretches_in_any_order_give_the_same_pyramid(cuts: list[int], random: Random, share: int) -> None:
    options = {"limit_bytes": len(FRAMES) * 257 // share}
    bounds = [0, *sorted(cuts), len(FRAMES)]
    pyramid = SpectrogramPyramid(SONG.span, STFT, **options)
    spans = [pyramid.span_of(a, b) for a, b in pairwise(bounds)]
    random.shuffle(spans)
    for span in spans:
        pyramid.add(SONG.crop(span))
    assert done(pyramid) == 1
    assert np.array_equal(pyramid.columns, finished(SONG, **options).columns)


def test_probes_are_frames_of_the_pyramid() -> None:
    pyramid = SpectrogramPyramid(SONG.span, STFT)
    places = [0, 7, 100, 101, len(FRAMES) - 1]
    pyramid.add_probes([SONG.crop(pyramid.span_of(place, place + 1)) for place in places])
    assert np.array_equal(pyramid.columns[places], PYRAMID.columns[places])
    assert not any(pyramid.coverage.missing(place, place + 1) for place in places)


def test_a_stretch_from_inside_leaves_out_frames_that_look_beyond_it() -> None:
    pyramid = SpectrogramPyramid(SONG.span, STFT)
    pyramid.add(part(SONG, 10_000, 20_000))
    (before, _), (_, after) = pyramid.coverage.missing(0, len(FRAMES))
    first, stop = pyramid.coverage.missing(0, len(FRAMES))[0][1], pyramid.coverage.missing(0, len(FRAMES))[1][0]
    assert (before, after) == (0, len(FRAMES))
    assert first * STFT.hop - 256 >= 10_000 and (stop - 1) * STFT.hop + 256 <= 20_000
    assert np.array_equal(pyramid.columns[first:stop], PYRAMID.columns[first:stop])


def test_values_in_bins_are_shown_as_they_are() -> None:
    spectrogram = stft(SONG, STFT)
    for value in (spectrogram, Magnitude(np.abs(spectrogram.bins), SONG.span, STFT)):
        pyramid = SpectrogramPyramid.like(value)
        for _ in build(pyramid, ValueSource(value)):
            pass
        assert agree(pyramid.columns[: len(FRAMES)], FRAMES)
    mask = Mask(np.linspace(-1, 2, 257)[np.newaxis, np.newaxis].repeat(len(FRAMES), 1), SONG.span, STFT)
    pyramid = SpectrogramPyramid.like(mask)
    pyramid.add(mask)
    assert np.array_equal(pyramid.columns[0], np.floor(np.clip(np.linspace(-1, 2, 257), 0, 1) * 255 + 0.5))


def test_detail_shows_frames_between_the_frames() -> None:
    click = np.zeros((1, RATE), np.float32)
    click[0, 20_000] = 1
    song = Audio.of(click, RATE)
    pyramid = SpectrogramPyramid(song.span, StftSettings(4096, 1024))
    assert pyramid.is_coarse(0.4, 0.5, 400) and not pyramid.is_coarse(0, 60, 400)
    shown = detail(pyramid, ValueSource(song), 0.3, 0.6, 300)
    assert shown is not None and shown.seen.all()
    strongest = shown.codes[:, 100].argmax()
    assert abs(0.3 + (strongest + 0.5) * 0.001 - 20_000 / RATE) < 0.006
    beyond = detail(pyramid, ValueSource(song), 0.9, 1.1, 300)
    assert beyond is not None and not beyond.seen[170:].any() and beyond.seen[:140].all()


def test_where_nothing_is_computed_nothing_is_shown() -> None:
    half = Generated(60, until=30)
    pyramid = SpectrogramPyramid(half.span)
    for _ in build(pyramid, half):
        pass
    assert 0.48 < done(pyramid) < 0.5
    shown = pyramid.query(0, 60, 600)
    assert shown.seen[:297].all() and not shown.seen[301:].any() and not shown.codes[301:].any()
    half.until = 60
    for _ in build(pyramid, half):
        pass
    assert done(pyramid) == 1


def test_the_focus_comes_before_the_rest() -> None:
    song = Generated(60)
    pyramid = SpectrogramPyramid(song.span)
    steps = build(pyramid, song, focus=(40.0, 45.0))
    next(step for step in steps if not pyramid.coverage.missing(40 * 43 + 3, 45 * 43))
    assert done(pyramid) < 0.3


def test_an_hour_is_shown_after_reading_a_small_share_of_it() -> None:
    song = Generated(3600)
    pyramid = SpectrogramPyramid(song.span)
    for _ in build(pyramid, song):
        if pyramid.query(0, 3600, 1200).seen.all():
            break
    assert song.read_samples < 0.01 * song.span.total


def test_a_long_song_keeps_within_its_memory() -> None:
    song = Generated(600)
    tracemalloc.start()
    pyramid = SpectrogramPyramid(song.span, limit_bytes=8 << 20)
    assert list(build(pyramid, song))[-1] == 1
    pyramid.query(0, 600, 1200)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert pyramid.pool > 1
    assert peak < 11.2e6 + 50e6  # all levels, and the work on ten seconds
