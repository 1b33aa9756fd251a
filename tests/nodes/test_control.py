import math

import numpy as np
import pytest

from midistems_graph.node import Audio, NodeError, Number, Text
from midistems_nodes.control.choose import select, switch
from midistems_nodes.control.constant import number, text

A, B, C = (Audio.of(np.full(3, value), 8000) for value in (1, 2, 3))


def scores(*figures):
    return tuple(Number(figure, "dB") for figure in figures)


def test_constants():
    assert number(value=-3.5, unit="dB") == Number(-3.5, "dB")
    assert text(value="vocals") == Text("vocals")


def test_a_switch_lets_one_through_and_says_how_many_there_are():
    assert switch((A, B), index=2) is B
    with pytest.raises(NodeError, match="no choice 3: 2 signals"):
        switch((A, B), index=3)


def test_the_best_score_wins_the_first_of_equals_and_never_an_undefined_one():
    assert select((A, B, C), scores(1, 7, 7)) is B
    assert select((A, B, C), scores(1, 7, -math.inf), best="lowest") is C
    assert select((A, B), scores(math.nan, -math.inf)) is B
    assert select((A, B), scores(math.nan, math.inf), best="lowest") is B
    with pytest.raises(NodeError, match="2 signals are connected and 1 scores"):
        select((A, B), scores(1))
