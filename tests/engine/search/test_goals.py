"""Goals and fronts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.engine.search.goals import COST, Goal, GoalError, front

FIGURES = {"compare_save.vocals.si_sdr": 6.0, "compare_save.drums.si_sdr": 2.0, "null..value": -120.0,
           "compare_mixture.vocals.si_sdr": -3.0, "tree.drums/kick.depth": -9.0}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [("si_sdr", 4.0), ("compare_save.si_sdr", 4.0), ("compare_save.vocals.si_sdr", 6.0), ("null.value:min", -120.0),
     ("compare_mixture.si_sdr", -3.0), ("tree.drums/kick.depth", -9.0)],
)  # fmt: skip
def test_a_goal_is_the_mean_of_what_its_name_means(text, expected):
    assert Goal.parse(text).of(FIGURES) == expected


def test_what_is_not_there_is_no_number_and_worse_than_anything():
    missing = Goal.parse("sdr").of(FIGURES)
    assert math.isnan(missing)
    assert Goal("x").better(-100.0, missing) and not Goal("x").better(missing, -100.0)
    for text in ("", ":min", "si_sdr:up"):
        with pytest.raises(GoalError):
            Goal.parse(text)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_the_front_is_what_no_other_point_beats(rows):
    goals = [Goal("a"), Goal("b", low=True), COST]
    found = front(rows, goals)
    for i, (a, b, c) in enumerate(rows):
        beaten = any(x >= a and y <= b and z <= c and (x, y, z) != (a, b, c) for x, y, z in rows)
        assert (i in found) == (not beaten)


def test_a_point_without_a_value_is_not_on_the_front():
    assert front([(1.0, math.nan), (0.0, 5.0)], [Goal("a"), COST]) == {1}
