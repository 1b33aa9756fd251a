"""Figures as curves: over time as they are computed, over the rows of a table, and what is read under the pointer."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_engine import Edges, take
from test_gallery import Wall

from midistems_graph.audio.values import Curves, Number, Scores, Span
from midistems_graph.document.graph import Address
from midistems_graph.editor.pictures.sources import NotDrawable
from midistems_graph.editor.pictures.traces import of_curves, of_scores, read_traces, segments
from midistems_graph.editor.pictures.wishes import Wish
from midistems_nodes.loop.trace import begun, extended

RATE, HOP, SECONDS = 1000, 10, 20


def pitch() -> Curves:
    """220 Hz in the first half, nothing in the second; sureness rises from 0 to 1."""
    span = Span.whole(SECONDS * RATE, RATE)
    frames = len(span.stft_frames(HOP))
    hz = np.where(np.arange(frames) * HOP < SECONDS * RATE / 2, 220.0, 0.0)
    values = np.stack([hz, np.linspace(0, 1, frames)]).astype(np.float32)
    return Curves(values, ("pitch", "confidence"), ("Hz", ""), span, HOP)


def test_curves_over_time_have_gaps_where_there_is_no_pitch_and_a_lane_for_each_unit() -> None:
    traces = of_curves([pitch()], 5.0, 15.0, 100)
    (places, values), *more = segments(traces.places, traces.values[0])
    assert not more and set(values.tolist()) == {220.0} and places[-1] == pytest.approx(0.5, abs=0.02)
    assert [lane.unit for lane in traces.lanes] == ["Hz", ""]
    low, high = traces.lanes[1].low, traces.lanes[1].high
    assert low < 0.25 < 0.75 < high
    assert traces.words(0.2) == "pitch 220 Hz   confidence 0.3525" and traces.words(0.9) == "confidence 0.6975"


def test_what_is_not_computed_yet_is_a_gap() -> None:
    edges = Edges(pitch=pitch())
    edges.until["pitch"] = Fraction(8)
    traces = read_traces(edges, Address("pitch", "out"), edges.ready(Address("pitch", "out")), 0.0, 20.0, 200)
    assert traces is not None
    (places, _), *more = segments(traces.places, traces.values[1])
    assert not more and places[-1] == pytest.approx(0.4, abs=0.01)


def test_a_table_is_a_curve_for_each_figure_over_its_rows() -> None:
    rounds = Scores(
        {"0": {"sdr": 3.0}, "1": {"sdr": 4.5, "error": -12.0}, "2": {"sdr": 4.0, "error": -20.0}}, {"sdr": "dB"}
    )
    traces = of_scores(rounds)
    assert traces.names == ("sdr", "error") and traces.units == ("dB", "") and not traces.is_table
    assert np.isnan(traces.values[1, 0]) and traces.values[0].tolist() == [3.0, 4.5, 4.0]
    assert traces.words(0.5) == "1   sdr 4.5 dB   error -12"
    assert of_scores(Scores({"vocals": {"sdr": 3.0}, "drums": {"sdr": 1.0}})).is_table
    assert of_scores(Scores({})).words(0.5) == "" and of_scores(Scores({})).lanes == ()


def test_the_gallery_gives_traces_and_says_what_has_none(tmp_path: Path) -> None:
    wall = Wall(Edges(pitch=pitch(), number=Number(3.0)), tmp_path)
    try:
        made = wall.whole(Wish("a", "traces", take("pitch"), 0.0, 20.0, 300, 100))
        assert made.traces is not None and made.picture is None and made.value(0.25, 0).startswith("pitch 220 Hz")
        wall.gallery.want([Wish("a", "traces", take("number"), 0.0, 20.0, 300, 100)])
        assert "carries number" in wall.until(lambda m: bool(m.sentence)).sentence
    finally:
        wall.gallery.close()
    with pytest.raises(NotDrawable, match="no curve"):
        read_traces(Edges(n=Number(1.0)), Address("n", "out"), [(Fraction(0), Fraction(1))], 0.0, 1.0, 10)


def test_the_trace_of_a_loop_is_a_curve_of_its_scores_over_the_steps() -> None:
    traces = of_scores(extended(extended(begun(7.5, 20.0), 8.0, 0.25, 80.0), 8.25, 0.5, 80.0))
    assert traces.names == ("score", "gain", "r", "asked") and not traces.is_table
    np.testing.assert_array_equal(traces.values[0], np.float32([7.5, 8.0, 8.25]))
    ((places, values),) = segments(traces.places, traces.values[0])
    assert len(places) == 3 and values[-1] == 8.25
