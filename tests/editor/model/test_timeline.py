from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.editor.model.timeline import SHORTEST, Timeline, moment

SONG = Timeline.of(200.0, 44100)


def test_zooming_keeps_the_moment_under_the_pointer() -> None:
    seen = SONG.zoomed(50.0, 0.25)
    assert seen.length == pytest.approx(50)
    assert seen.share(50.0) == pytest.approx(SONG.share(50.0))


@given(
    st.floats(0.01, 40_000),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0.001, 1000), st.floats(-1e5, 1e5)), max_size=8),
)
def test_a_view_never_leaves_the_song_and_never_shrinks_to_nothing(
    total: float, steps: list[tuple[float, float, float]]
) -> None:
    view = Timeline.of(total, 44100)
    for at, factor, moved in steps:
        view = view.zoomed(view.at(at), factor).moved(moved)
        assert -1e-9 <= view.start < view.stop <= view.total + 1e-6
        assert view.length >= SHORTEST / 44100 * 0.999


def test_it_goes_down_to_samples_and_back_to_the_song() -> None:
    seen = SONG
    for _ in range(100):
        seen = seen.zoomed(123.4, 0.5)
    assert seen.length == pytest.approx(SHORTEST / 44100) and seen.shows(123.4)
    assert seen.whole() == SONG


def test_it_turns_like_a_page_and_leaves_alone_who_looks_elsewhere() -> None:
    seen = SONG.around(10, 20)
    turned = seen.following(20.4, 20.6)
    assert turned.shows(20.6) and turned.length == seen.length and turned.start > seen.start
    assert seen.following(100.0, 100.1) is seen
    assert SONG.following(0.0, 300.0) is SONG


@pytest.mark.parametrize(
    ("length", "labels"),
    [
        (200.0, ["0:00", "0:15", "0:30"]),
        (2.5, ["0:00.0", "0:00.2", "0:00.4"]),
        (0.01, ["0:00.000", "0:00.001", "0:00.002"]),
        (7200.0, ["0:00", "10:00", "20:00"]),
    ],
)
def test_labels_stand_at_round_moments(length: float, labels: list[str]) -> None:
    ticks = Timeline(10_000.0, 0.0, length).ticks(1200)
    assert [tick.label for tick in ticks if tick.label][:3] == labels


@given(st.floats(0.0005, 20_000), st.floats(200, 3000))
def test_labels_never_stand_too_close(length: float, width: float) -> None:
    ticks = [tick for tick in Timeline(50_000.0, 3.0, 3.0 + length).ticks(width) if tick.label]
    places = [(tick.seconds - 3.0) / length * width for tick in ticks]
    assert all(b - a > 70 for a, b in itertools.pairwise(places))
    assert len({tick.label for tick in ticks}) == len(ticks)


def test_moments_are_written_as_finely_as_they_differ() -> None:
    assert [moment(62.3456, step) for step in (1, 0.1, 0.001, 0.000_01)] == ["1:02", "1:02.3", "1:02.346", "1:02.34560"]
    assert moment(3723.0, 1) == "1:02:03"
    assert moment(59.9999, 0.1) == "1:00.0"
