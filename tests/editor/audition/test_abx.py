"""Blind comparison: the lots are fair, the answers counted, chance reckoned as in the textbook."""

from __future__ import annotations

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.editor.audition.abx import Abx


@given(st.lists(st.booleans(), max_size=60))
def test_the_p_value_is_that_of_the_binomial_test(right: list[bool]) -> None:
    session = Abx(planned=60, seed=1)
    for good in right:
        hidden = session.hidden()
        assert session.answer(hidden if good else ("B" if hidden == "A" else "A")) == good
    if right:
        expected = scipy.stats.binomtest(sum(right), len(right), 0.5, alternative="greater").pvalue
        assert session.p_value == pytest.approx(expected, rel=1e-9)
    else:
        assert session.p_value == 1.0


def test_lots_are_fair_and_repeatable() -> None:
    session, again = Abx(400, seed=7), Abx(400, seed=7)
    for _ in range(400):
        assert session.hidden() == again.hidden()
        session.answer("A")
        again.answer("B")
    assert 150 < session.right < 250


def test_the_verdict_is_a_sentence() -> None:
    session = Abx(seed=2)
    assert session.verdict == "no answer yet"
    session.answer(session.hidden())
    assert session.verdict == "1 of 1 right, p = 0.500: this may be guessing; try 16 times"
    for _ in range(9):
        session.answer(session.hidden())
    assert session.verdict == "10 of 10 right, p = 0.001: a difference was heard"


def test_the_number_of_trials_is_fixed_before() -> None:
    session = Abx(planned=2, seed=3)
    session.answer("A")
    assert not session.is_over
    session.answer("B")
    assert session.is_over
    with pytest.raises(ValueError, match="all 2 trials are answered"):
        session.answer("A")
    assert session.trials == 2
