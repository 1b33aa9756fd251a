from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.audio.strokes import Stroke, StrokeError, gains

CELL = (0.005, 5.0)
SECONDS = np.linspace(0, 2, 201)
HZ = np.linspace(0, 4000, 401)

places = st.lists(st.tuples(st.floats(0, 36_000), st.floats(0, 96_000)), min_size=3, max_size=20)
shapes = st.sampled_from([("rectangle", ()), ("lasso", ()), ("brush", (0.05, 2.0)), ("harmonic", (20.0,))])


def covered(text: str) -> set[tuple[int, int]]:
    """Cells of a hundredth of a second and ten Hz."""
    return set(zip(*(axis.tolist() for axis in np.nonzero(Stroke.parse(text).covers(SECONDS, HZ, CELL))), strict=True))


@given(shapes, places, st.floats(-120, 24))
def test_a_stroke_is_its_text(shape, drawn, gain):  # type: ignore[no-untyped-def]
    name, size = shape
    stroke = Stroke.of(name, gain, drawn, size)
    assert Stroke.parse(str(stroke)) == stroke and str(Stroke.parse(str(stroke))) == str(stroke)
    assert abs(float(stroke.places[0][0]) - drawn[0][0]) < 1e-6


def test_seconds_are_exact() -> None:
    stroke = Stroke.parse("rectangle -40 0.1,200 2.5,800")
    assert stroke.places == ((Fraction(1, 10), 200.0), (Fraction(5, 2), 800.0))
    assert str(Stroke.parse("rectangle  -40.0 0.10,200 2.500,800")) == "rectangle -40 0.1,200 2.5,800"


def test_a_rectangle_covers_what_lies_between_its_corners_whichever_they_are() -> None:
    cells = covered("rectangle -40 0.5,1000 0.6,1200")
    assert cells == covered("rectangle -40 0.6,1000 0.5,1200")
    assert {(50, 100), (60, 120), (55, 110)} <= cells and not {(48, 110), (55, 125)} & cells


def test_a_lasso_covers_its_inside_and_not_its_hole() -> None:
    cells = covered("lasso -40 0.2,500 1,500 1,2000 0.8,2000 0.8,700 0.4,700 0.4,2000 0.2,2000")
    assert {(30, 150), (90, 150), (60, 60)} <= cells and (60, 150) not in cells


def test_a_brush_is_as_wide_in_semitones_everywhere() -> None:
    low = [hz for t, hz in covered("brush -40 0.05,12 1,400") if t == 100]
    high = [hz for t, hz in covered("brush -40 0.05,12 1,1600") if t == 100]
    assert set(range(21, 80)) <= set(low) <= set(range(20, 81))
    assert set(range(81, 320)) <= set(high) <= set(range(80, 321))
    assert {t for t, _ in covered("brush -40 0.05,12 1,400")} == set(range(95, 106))


def test_a_brush_has_no_gaps_along_its_path() -> None:
    cells = covered("brush -40 0.02,1 0.2,500 1.8,3000")
    assert {t for t, _ in cells} >= set(range(20, 181))


@pytest.mark.parametrize(
    "text", ["rectangle 6 0.5001,1001 0.5002,1002", "brush 6 0.0001,0.001 0.5001,1001", "harmonic 6 0.1 0.5001,1001"]
)
def test_the_thinnest_stroke_does_not_slip_between_the_cells(text: str) -> None:
    assert (50, 100) in covered(text)


def test_harmonics_follow_a_path() -> None:
    cells = covered("harmonic -40 10 0.5,200 1.5,300")
    assert {(50, 20), (50, 40), (100, 25), (100, 50), (100, 75), (150, 30)} <= cells
    assert (50, 30) not in cells and (100, 37) not in cells


def test_gains_are_factors_that_add_up_in_decibels() -> None:
    strokes = [Stroke.parse("rectangle -20 0,0 1,2000"), Stroke.parse("rectangle -20 0.5,1000 2,4000")]
    factors = gains(strokes, SECONDS, HZ, CELL)
    assert factors.dtype == np.float32
    assert factors[20, 50] == pytest.approx(0.1) and factors[75, 150] == pytest.approx(0.01) and factors[150, 50] == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no stroke"),
        ("rectangle -40 1,2", "1 places"),
        ("rectangle -40 1,2 3", "'3' is no place"),
        ("rectangle loud 1,2 3,4", "'loud' is no plain number"),
        ("rectangle -40 1,2 nan,4", "'nan' is no plain number"),
        ("rectangle -40 1e9,2 3,4", "is no plain number"),
        ("brush -40 0.1 1,2", "needs 2 sizes"),
        ("brush -40 0,1 1,2", "needs 2 sizes above 0"),
        ("rectangle 30 1,2 3,4", "-120 to 24 dB"),
    ],
)
def test_what_is_no_stroke_is_said(text: str, said: str) -> None:
    with pytest.raises(StrokeError, match=said):
        Stroke.parse(text)
