from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.editor.pictures.axes import FrequencyAxis, Scale, note_of, written

SCALES: list[Scale] = ["linear", "log", "mel"]


@given(st.sampled_from(SCALES), st.floats(20, 20_000), st.floats(0, 1))
def test_places_and_frequencies_are_inverse(scale: Scale, hz: float, place: float) -> None:
    axis = FrequencyAxis(20, 20_000, scale)
    assert axis.hz(axis.place(hz)) == pytest.approx(hz)
    assert axis.place(axis.hz(place)) == pytest.approx(place, abs=1e-9)


def test_scales_differ_as_they_should() -> None:
    assert FrequencyAxis(0, 20_000, "linear").place(1000) == pytest.approx(0.05)
    assert FrequencyAxis(20, 20_000, "log").place(632.4555) == pytest.approx(0.5, abs=1e-6)
    assert FrequencyAxis(0, 20_000, "mel").place(1000) == pytest.approx(1000 / 3816.9, abs=2e-3)


@given(st.sampled_from(SCALES), st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 10)), max_size=12))
def test_zooming_stays_within_what_there_is(scale: Scale, steps: list[tuple[float, float]]) -> None:
    axis = FrequencyAxis(30, 22_050, scale)
    for place, factor in steps:
        axis = axis.zoomed(place, factor, 22_050)
        assert 0 <= axis.low < axis.high <= 22_050


def test_zooming_keeps_the_frequency_under_the_pointer() -> None:
    axis = FrequencyAxis(30, 22_050, "log")
    zoomed = axis.zoomed(axis.place(1000), 0.5, 22_050)
    assert zoomed.place(1000) == pytest.approx(axis.place(1000))


@given(st.sampled_from(SCALES), st.floats(60, 2000), st.floats(20, 4000), st.floats(100, 18_000))
def test_labels_have_room(scale: Scale, height: float, low: float, width: float) -> None:
    axis = FrequencyAxis(low, low + width, scale)
    ticks = axis.ticks(height)
    places = [axis.place(hz) * height for hz, _ in ticks]
    assert all(b - a >= 25.9 for a, b in itertools.pairwise(places))
    assert ticks or height < 120


def test_the_roundest_frequencies_are_labelled_first() -> None:
    assert [label for _, label in FrequencyAxis(30, 22_050, "log").ticks(110)] == ["100", "1k", "10k"]
    assert written(2500) == "2.5k" and written(40) == "40"


def test_notes() -> None:
    assert [note_of(hz) for hz in (440.0, 261.6256, 82.0, 450.0, 3.0)] == ["A4", "C4", "E2 -9", "A4 +39", ""]


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(ValueError, match="widen"):
        FrequencyAxis(0, 1000, "log")
