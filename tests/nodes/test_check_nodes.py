"""Every check once true and once false, at levels that are known."""

import math

import numpy as np
import pytest

from midistems_graph.node import Audio, CheckFailed, NodeError, Number, Scores, Stems
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.check.figure import figure
from midistems_nodes.check.levels import clipping, level, silent
from midistems_nodes.check.null import null

RATE = 8000
TONE = np.sin(2 * np.pi * 997 * np.arange(10 * RATE) / RATE)[None].astype(np.float32)


def audio(samples):
    return Tiles(Audio.of(samples, RATE), 3001)


def stems(**parts):
    return Tiles(Stems({name: Audio.of(samples, RATE) for name, samples in parts.items()}), 3001)


def test_null_holds_at_its_depth_and_not_below():
    parts = stems(a=TONE, b=0.001 * TONE)
    assert null(audio(TONE), parts, at_most=-59.9, run=FakeRun()).value == pytest.approx(-60, abs=0.01)
    with pytest.raises(CheckFailed, match=r"the null depth is -60 dB, allowed is at most -60\.1 dB"):
        null(audio(TONE), parts, at_most=-60.1, run=FakeRun())
    assert null(audio(TONE), stems(a=TONE), run=FakeRun()).value == -math.inf


def test_clipping_looks_at_every_stem():
    assert clipping(audio(TONE), run=FakeRun()).value == pytest.approx(0, abs=0.01)
    with pytest.raises(CheckFailed, match=r"the highest sample of loud is 6\.0.. dBFS, allowed is at most 0 dBFS"):
        clipping(stems(soft=0.1 * TONE, loud=2 * TONE), run=FakeRun())


def test_silence_is_asked_of_its_stretch_only():
    intro = TONE.copy()
    intro[:, : 8 * RATE] *= 1e-4
    assert silent(audio(intro), run=FakeRun()).value == pytest.approx(-83, abs=0.1)
    assert silent(audio(intro), start=0, stop=8, at_most=-80, run=FakeRun()).value < -80
    with pytest.raises(CheckFailed, match=r"the level of voice from 0 to 9 s is -12\.\d+ dBFS"):
        silent(stems(voice=intro, other=0 * intro), stop=9, run=FakeRun())


def test_silence_where_nothing_was_run_is_said_and_not_claimed():
    run = FakeRun()
    assert math.isnan(silent(audio(TONE), start=20, stop=30, run=run).value)
    assert run.warnings == ["nothing of 20 to 30 s was run, so nothing was checked"]
    with pytest.raises(NodeError, match="set stop later than start"):
        silent(audio(TONE), start=5, stop=5, run=FakeRun())


@pytest.mark.parametrize(("of", "unit"), [("loudness", "LUFS"), ("true_peak", "dBTP"), ("peak", "dBFS")])
def test_levels_have_a_floor_and_a_ceiling(of, unit):
    found = level(audio(0.1 * TONE), of=of, at_least=-24, at_most=-19, run=FakeRun())
    assert found.unit == unit and -24 <= found.value <= -19
    with pytest.raises(CheckFailed, match=f"{unit}, allowed is at least -19 {unit}"):
        level(audio(0.1 * TONE), of=of, at_least=-19, at_most=-6, run=FakeRun())
    with pytest.raises(CheckFailed, match=f"{unit}, allowed is at most -24 {unit}"):
        level(audio(0.1 * TONE), of=of, at_least=-60, at_most=-24, run=FakeRun())


def test_any_figure_has_its_bounds():
    assert figure(Number(7.0, "dB"), low=6).rows == {"": {"value": 7.0}}
    with pytest.raises(CheckFailed, match=r"value is 7 dB, allowed is at least 8 dB"):
        figure(Number(7.0, "dB"), low=8)
    table = Scores({"vocals": {"si_sdr": 7.0, "level": 0.0}, "drums": {"si_sdr": 4.0, "level": 9.0}}, {"si_sdr": "dB"})
    assert figure(table, row="vocals", name="si_sdr", low=6).rows == {"vocals": {"si_sdr": 7.0}}
    with pytest.raises(CheckFailed, match="si_sdr of drums is 4 dB, allowed is at least 6 dB"):
        figure(table, name="si_sdr", low=6)
    with pytest.raises(CheckFailed, match="level of drums is 9, allowed is at most 3"):
        figure(table, name="level", bound="between", low=-3, high=3)
    with pytest.raises(CheckFailed, match="level of drums is 9, allowed is at most 5"):
        figure(table, name="level", bound="at_most", high=5)


def test_a_figure_that_is_not_there_is_no_success():
    with pytest.raises(CheckFailed, match="no figure for value"):
        figure(Number(math.nan, "dB"))
    table = Scores({"vocals": {"si_sdr": 7.0, "level": 0.0}})
    with pytest.raises(NodeError, match="no row 'bass'; it has vocals"):
        figure(table, row="bass")
    with pytest.raises(NodeError, match="no figure 'sdr'; it has level, si_sdr"):
        figure(table, name="sdr")
    with pytest.raises(NodeError, match="set name to one of level, si_sdr"):
        figure(table)
