import tracemalloc
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_songs import RATE, Generated, noise, part

from midistems_graph.audio.values import Audio, Magnitude, Span, StftSettings
from midistems_graph.editor.pictures.building import build
from midistems_graph.editor.pictures.sources import NotDrawable, ValueSource
from midistems_graph.editor.pictures.waveform import POINT, WaveformPyramid

SONG = noise(300_000)


def finished(song: Audio) -> WaveformPyramid:
    pyramid = WaveformPyramid(song.span, song.channels)
    pyramid.add(song)
    return pyramid


PYRAMID = finished(SONG)

zooms = st.tuples(st.floats(0, 6.5), st.floats(1e-4, 6.5), st.integers(1, 300))


@given(zooms)
def test_fine_zooms_are_exact(zoom: tuple[float, float, int]) -> None:
    start, length, width = zoom
    length = min(length, width * (2 * POINT - 1) / RATE)
    shown = PYRAMID.query(start, start + length, width, ValueSource(SONG))
    edges = np.floor(np.linspace(start * RATE, (start + length) * RATE, width + 1) + 1e-6).astype(int)
    for pixel, (a, b) in enumerate(pairwise(edges)):
        samples = SONG.samples[:, a : max(b, a + 1)]
        assert shown.seen[pixel] == bool(samples.size)
        if samples.size:
            assert np.array_equal(shown.low[:, pixel], samples.min(axis=1))
            assert np.array_equal(shown.high[:, pixel], samples.max(axis=1))


@given(zooms)
def test_coarse_zooms_hold_their_samples_and_at_most_half_a_pixel_more(zoom: tuple[float, float, int]) -> None:
    start, length, width = zoom
    length = max(length, width * 2 * POINT / RATE)
    shown = PYRAMID.query(start, start + length, width, ValueSource(SONG))
    edges = np.linspace(start * RATE, (start + length) * RATE, width + 1)
    slack = length * RATE / width / 2
    rounded = SONG.samples.astype(np.float16)
    for pixel, (a, b) in enumerate(pairwise(edges)):
        inner = rounded[:, int(np.ceil(a)) : int(b - slack)]
        outer = rounded[:, max(0, int(a - slack)) : int(np.ceil(b))]
        if a >= SONG.span.total or not inner.size:
            continue
        assert (shown.high[:, pixel] >= inner.max(axis=1)).all()
        assert (shown.high[:, pixel] <= outer.max(axis=1)).all()
        assert (shown.low[:, pixel] <= inner.min(axis=1)).all()
        assert (shown.low[:, pixel] >= outer.min(axis=1)).all()


@pytest.mark.parametrize("per_pixel", [128, 512, 1024, 8192])
def test_pixels_that_end_on_points_are_exact(per_pixel: int) -> None:
    width = SONG.span.total // per_pixel
    shown = PYRAMID.query(0, width * per_pixel / RATE, width)
    blocks = SONG.samples[:, : width * per_pixel].reshape(2, width, per_pixel).astype(np.float16)
    assert np.array_equal(shown.low, blocks.min(axis=2))
    assert np.array_equal(shown.high, blocks.max(axis=2))


@settings(max_examples=20)
@given(st.lists(st.integers(1, SONG.span.total - 1), max_size=6, unique=True), st.randoms())
def test_tiles_in_any_order_give_the_same_pyramid(cuts: list[int], random: Random) -> None:
    bounds = [0, *sorted(cuts), SONG.span.total]
    tiles = [part(SONG, a, b) for a, b in pairwise(bounds)]
    random.shuffle(tiles)
    pyramid = WaveformPyramid(SONG.span, 2)
    for tile in tiles:
        pyramid.add(tile)
    assert np.array_equal(pyramid.points, PYRAMID.points)
    assert pyramid.coverage.count == SONG.span.total


def test_what_is_not_there_is_not_seen() -> None:
    pyramid = WaveformPyramid(SONG.span, 2)
    pyramid.add(part(SONG, 0, 150_016))
    shown = pyramid.query(-1.0, 8.0, 900)
    seconds = np.arange(900) / 100 - 1
    assert not shown.seen[(seconds < -0.01) | (seconds > 150_016 / RATE)].any()
    assert shown.seen[(seconds >= 0) & (seconds < 150_000 / RATE - 0.02)].all()
    assert not shown.high[:, ~shown.seen].any()


def test_nan_and_huge_samples_do_no_harm() -> None:
    samples = SONG.samples.copy()
    samples[0, 1000], samples[1, 100_000] = np.nan, 1e9
    shown = finished(Audio.of(samples, RATE)).query(0, 6, 500)
    assert np.isfinite(shown.high).all() and np.isfinite(shown.low).all()


def test_magnitudes_have_no_waveform() -> None:
    magnitude = Magnitude(np.zeros((2, 2, 2049)), Span.whole(1024, RATE), StftSettings())
    with pytest.raises(NotDrawable, match="magnitude has no waveform"):
        WaveformPyramid(magnitude.span, 2).add(magnitude)


def test_ten_minutes_take_little_memory() -> None:
    song = Generated(600)
    tracemalloc.start()
    pyramid = WaveformPyramid(song.span, 2)
    shares = list(build(pyramid, song))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert shares[-1] == 1
    assert peak < 30e6  # the song has 212 MB
