"""Knobs take values from files, people and edges: 1, 1.0 and True stay apart, and every refusal is a sentence."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.node.contract import Range
from midistems_graph.node.knob import Knob, KnobError

FLAG = Knob("flag", "bool", False)
COUNT = Knob("count", "int", 1, Range(0, 2**60))
LEVEL = Knob("level", "float", 0.0, Range(-60, 60, "dB"))
MODE = Knob("mode", "choice", "mean", choices=("mean", "max"))
SIZE = Knob("size", "choice", 512, choices=(512, 1024))
NAME = Knob("name", "text", "")
BANDS = Knob("bands", "numbers", (), Range(0, 20000, "Hz"))
STEMS = Knob("stems", "texts", ())
ALL = [FLAG, COUNT, LEVEL, MODE, SIZE, NAME, BANDS, STEMS]


@pytest.mark.parametrize(
    ("knob", "given_value", "value"),
    [
        (FLAG, True, True),
        (COUNT, 3, 3),
        (COUNT, 3.0, 3),
        (COUNT, 2**53 + 1, 2**53 + 1),
        (LEVEL, 3, 3.0),
        (LEVEL, -60, -60.0),
        (MODE, "max", "max"),
        (SIZE, 1024.0, 1024),
        (NAME, "", ""),
        (BANDS, [1, 2.5], (1.0, 2.5)),
        (STEMS, ["vocals"], ("vocals",)),
    ],
)
def test_values_come_out_in_the_type_of_the_knob(knob, given_value, value):
    coerced = knob.coerce(given_value)
    assert (type(coerced), coerced) == (type(value), value)


@pytest.mark.parametrize(
    ("knob", "value", "allowed"),
    [
        (FLAG, 1, "true or false"),
        (FLAG, "true", "true or false"),
        (COUNT, True, "a whole number"),
        (COUNT, 1.5, "a whole number"),
        (COUNT, "1", "a whole number"),
        (COUNT, -1, "0 to"),
        (COUNT, math.inf, "a whole number"),
        (COUNT, math.nan, "a whole number"),
        (LEVEL, True, "-60 to 60 dB"),
        (LEVEL, "loud", "-60 to 60 dB"),
        (LEVEL, 60.5, "-60 to 60 dB"),
        (LEVEL, math.nan, "-60 to 60 dB"),
        (LEVEL, 10**400, "-60 to 60 dB"),
        (MODE, "min", "one of mean, max"),
        (SIZE, "512", "one of 512, 1024"),
        (SIZE, 513.0, "one of 512, 1024"),
        (Knob("one", "choice", 1, choices=(1, 2)), True, "one of 1, 2"),
        (NAME, 1, "text"),
        (BANDS, 1.0, "a list of numbers"),
        (BANDS, [True], "a list of numbers"),
        (BANDS, [30000], "0 to 20000 Hz"),
        (BANDS, [10**400], "0 to 20000 Hz"),
        (STEMS, "vocals", "a list of texts"),
        (STEMS, [1], "a list of texts"),
    ],
)
def test_what_is_refused_names_knob_value_and_range(knob, value, allowed):
    with pytest.raises(KnobError) as caught:
        knob.coerce(value)
    sentence = str(caught.value)
    assert repr(knob.name) in sentence and repr(value).strip("[]")[:50] in sentence and allowed in sentence


@pytest.mark.parametrize("value", [-0.0, 0])
def test_there_is_one_zero(value):
    bands = Knob("bands", "numbers", (), Range(-1, 1))
    zeros = [LEVEL.coerce(value), *bands.coerce([value])]
    assert [math.copysign(1, zero) for zero in zeros] == [1, 1]


def test_a_long_value_is_shortened():
    with pytest.raises(KnobError) as caught:
        MODE.coerce("x" * 1000)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize(
    ("knob", "text", "value"),
    [
        (FLAG, "Yes", True),
        (FLAG, "off", False),
        (COUNT, "3", 3),
        (COUNT, "9007199254740993", 2**53 + 1),
        (LEVEL, "-3", -3.0),
        (LEVEL, "1e1", 10.0),
        (MODE, "max", "max"),
        (SIZE, "1024", 1024),
        (NAME, " 1 ", " 1 "),
        (BANDS, "100, 200,", (100.0, 200.0)),
        (STEMS, "vocals, drums/kick", ("vocals", "drums/kick")),
        (STEMS, "", ()),
    ],
)
def test_what_people_type(knob, text, value):
    parsed = knob.parse(text)
    assert (type(parsed), parsed) == (type(value), value)


@pytest.mark.parametrize(
    ("knob", "text"), [(FLAG, "maybe"), (COUNT, "1.5"), (COUNT, "many"), (LEVEL, "nan"), (MODE, "min"), (BANDS, "1,x")]
)
def test_what_people_mistype(knob, text):
    with pytest.raises(KnobError, match=knob.name):
        knob.parse(text)


@pytest.mark.parametrize("knob", ALL, ids=lambda k: k.name)
def test_what_is_allowed_is_said_in_words(knob):
    assert knob.allowed


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), lambda v: st.lists(v, max_size=3)
)


@given(st.sampled_from(ALL), ANYTHING)
def test_any_value_is_taken_for_good_or_refused_in_a_sentence(knob, value):
    try:
        taken = knob.coerce(value)
    except KnobError:
        return
    again = knob.coerce(taken)
    assert (type(again), again) == (type(taken), taken)


@given(st.sampled_from(ALL), st.text(max_size=12))
def test_any_text_is_taken_or_refused_in_a_sentence(knob, text):
    try:
        taken = knob.parse(text)
    except KnobError:
        return
    assert knob.coerce(taken) == taken


def test_whole_bounds_are_said_whole():
    assert Knob("seed", "int", 0, Range(0, 2**31 - 1)).allowed == "0 to 2147483647"
    assert Knob("gain", "float", 0.0, Range(-120.0, 0.05, "dB")).allowed == "-120 to 0.05 dB"
