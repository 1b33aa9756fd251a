"""Segments: what is added up equals what went in, at every length, overlap, batch and window, ends included."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from midistems_graph.models.contracts.htdemucs_waveform import demucs_grid
from midistems_graph.models.contracts.mdx import Mdx
from midistems_graph.models.contracts.roformer_mask import mirrored
from midistems_graph.models.contracts.spleeter import Spleeter
from midistems_graph.models.contracts.waveform import Waveform
from midistems_graph.models.grid import Grid, hann, step_of, trapezoid, triangle

GRIDS = {
    "mdx": lambda length, overlap, total: Mdx(n_fft=256, hop=64, dim_f=64, dim_t=16).grid(64 * 15, overlap, total),
    "demucs": lambda length, overlap, total: demucs_grid(length, overlap),
    "roformer": mirrored,
    "waveform": lambda length, overlap, total: Waveform(samples=length).grid(length, overlap, total),
    "shrinking": lambda length, overlap, total: Waveform(samples=3 * length, margin=length).grid(
        3 * length, overlap, total
    ),
}


@pytest.mark.parametrize("family", GRIDS)
@settings(max_examples=60)
@given(
    total=st.integers(1, 5000),
    length=st.integers(16, 700),
    overlap=st.sampled_from([0.0, 1.0, 1.1, 4 / 3, 2.0, 2.5, 8.0]),
    shift=st.sampled_from([0.0, 0.5, 0.9]),
    window=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
@example(total=1, length=16, overlap=1.0, shift=0.0, window=(0.0, 1.0))
def test_every_sample_counts_and_a_window_has_the_segments_of_the_song(family, total, length, overlap, shift, window):
    grid = GRIDS[family](length, overlap, total).shifted(shift)

    def sums(start: int, stop: int) -> np.ndarray:
        weights = np.zeros(stop - start)
        for number in grid.numbers(start, stop, total):
            place = grid.place(number, total)
            assert place.read <= place.start < place.stop <= place.read + grid.length or place.stop <= place.start
            low, high = max(place.start, start), min(place.stop, stop)
            if low < high:
                weights[low - start : high - start] += grid.weights[low - place.start : high - place.start]
        return weights

    whole = sums(0, total)
    assert whole.min() >= 1e-4 * (1 - 1e-6)
    start, stop = sorted(round(share * total) for share in window)
    np.testing.assert_array_equal(sums(start, stop), whole[start:stop])


def test_frames_of_spleeter_cover_all_fully():
    grid = Spleeter().grid(Spleeter().length(0), 0, 10**9)
    sums = np.zeros(2_000_000)
    for number in grid.numbers(0, len(sums), 10**9):
        place = grid.place(number, 10**9)
        low, high = max(0, place.start), min(len(sums), place.stop)
        sums[low:high] += grid.weights[low - place.start : high - place.start]
    np.testing.assert_allclose(sums, 1.5, rtol=1e-6)  # the sum of squared Hann windows at a quarter's hop


def test_an_overlap_of_two_halves_the_step():
    assert step_of(1000, 2) == 500 and step_of(1000, 1) == 1000 and step_of(343980, 4 / 3) == 257985
    assert step_of(1000, 0.5) == 1000 and step_of(1000, 1, most=600) == 600


@pytest.mark.parametrize("window", [hann, triangle, trapezoid])
@pytest.mark.parametrize("length", [1, 2, 9, 1000])
def test_windows_are_positive_and_symmetric(window, length):
    weights = window(length)
    assert weights.dtype == np.float32 and len(weights) == length and weights.min() > 0
    if window is not triangle:
        np.testing.assert_allclose(weights, weights[::-1], atol=1e-6)


def test_a_last_segment_of_demucs_is_centred_among_its_neighbours():
    grid = demucs_grid(100, 0)
    place = grid.place(2, 200)  # 150 to 200: half a segment; 25 samples of neighbours on each side
    assert (place.read, place.start, place.stop) == (125, 150, 200)
    assert isinstance(grid, Grid) and grid.numbers(0, 200, 200) == range(3)
