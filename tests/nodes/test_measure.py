import math

import numpy as np
import pytest

from midistems_graph.audio.loudness import integrated_loudness
from midistems_graph.node import Audio, NodeError, Stems
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.measure.distortion import compare, sdr, si_sdr
from midistems_nodes.measure.loudness import loudness
from midistems_nodes.measure.null_depth import null_depth

RATE = 8000
LENGTH = 2 * RATE
TIME = np.arange(LENGTH) / RATE
TONE = np.stack([np.sin(2 * np.pi * 440 * TIME), np.cos(2 * np.pi * 440 * TIME)]).astype(np.float32)
ERROR = np.stack([np.sin(2 * np.pi * 100 * TIME), np.sin(2 * np.pi * 100 * TIME)]).astype(np.float32)
"""Orthogonal to TONE over whole periods, of equal energy."""


def tiles(samples, length=3001):
    return Tiles(Audio.of(samples, RATE), length)


def figure(node, estimate, reference, run=None, **knobs):
    return node(tiles(estimate), tiles(reference), run=run or FakeRun(), **knobs).value


def le_roux(estimate, reference):
    e, s = estimate.astype(np.float64).ravel(), reference.astype(np.float64).ravel()
    target = s * (e @ s) / (s @ s)
    return 10 * np.log10(np.sum(target**2) / np.sum((target - e) ** 2))


@pytest.mark.parametrize("error", [1.0, 0.1, 1e-3])
@pytest.mark.parametrize("level", [1.0, 0.2, 5.0])
def test_si_sdr_is_the_ratio_of_tone_and_error_at_any_level(error, level):
    expected = -20 * math.log10(error)
    assert figure(si_sdr, level * (TONE + error * ERROR), TONE) == pytest.approx(expected, abs=1e-3)


def test_si_sdr_is_the_formula_of_the_paper():
    rng = np.random.default_rng(0)
    reference = rng.standard_normal((2, LENGTH)).astype(np.float32)
    estimate = (0.3 * reference + 0.2 * rng.standard_normal((2, LENGTH)) + 0.1).astype(np.float32)
    assert figure(si_sdr, estimate, reference) == pytest.approx(le_roux(estimate, reference), abs=1e-6)
    centred = [x - x.mean(axis=1, keepdims=True, dtype=np.float64) for x in (estimate, reference)]
    assert figure(si_sdr, estimate, reference, zero_mean=True) == pytest.approx(le_roux(*centred), abs=1e-6)


def test_sdr_counts_an_error_of_level():
    assert figure(sdr, 0.9 * TONE, TONE) == pytest.approx(20, abs=1e-4)
    assert figure(sdr, TONE + 0.01 * ERROR, TONE) == pytest.approx(40, abs=1e-3)
    assert figure(si_sdr, 0.5 * TONE, TONE) > 140


def test_tiles_do_not_matter():
    noisy = TONE + 0.1 * ERROR
    one = si_sdr(tiles(noisy, LENGTH), tiles(TONE, LENGTH), run=FakeRun()).value
    assert figure(si_sdr, noisy, TONE) == pytest.approx(one, abs=1e-9)


def test_the_edges_are_said():
    silence = np.zeros_like(TONE)
    assert figure(si_sdr, TONE, TONE) == figure(sdr, TONE, TONE) == math.inf
    assert figure(si_sdr, silence, TONE) == -math.inf
    assert figure(sdr, silence, TONE) == 0
    for node in (si_sdr, sdr):
        run = FakeRun()
        assert math.isnan(figure(node, TONE, silence, run))
        assert run.warnings == ["the reference is silent, so there is no figure about the estimate"]


def test_streams_that_do_not_match_are_refused():
    with pytest.raises(NodeError, match="equally long"):
        figure(sdr, TONE[:, :-1], TONE)


def test_null_depth_is_relative_to_the_loudest():
    stems = Stems({"a": Audio.of(TONE, RATE), "b": Audio.of(-0.999 * TONE, RATE)})
    mixture = tiles(0.002 * TONE)
    assert null_depth(mixture, Tiles(stems, 3001), run=FakeRun()).value == pytest.approx(-60, abs=0.01)
    assert null_depth(tiles(TONE), Tiles(Stems({"a": Audio.of(TONE, RATE)}), 3001), run=FakeRun()).value == -math.inf
    silent = Stems({"a": Audio.of(0 * TONE, RATE)})
    assert null_depth(tiles(0 * TONE), Tiles(silent, 3001), run=FakeRun()).value == -math.inf
    assert null_depth(tiles(TONE), Tiles(silent, 3001), run=FakeRun()).value == pytest.approx(0)


def test_compare_finds_stems_by_their_names_and_says_what_it_misses():
    references = Stems({"vocals": Audio.of(TONE, RATE), "drums": Audio.of(ERROR, RATE), "bass": Audio.of(TONE, RATE)})
    kit = {"drums/kick": Audio.of(ERROR / 2, RATE), "drums/snare": Audio.of(ERROR / 2, RATE)}
    estimates = Stems({"Voice": Audio.of(0.5 * (TONE + 0.1 * ERROR), RATE), **kit})
    run = FakeRun()
    table = compare(Tiles(estimates, 3001), Tiles(references, 3001), run=run)
    assert list(table.rows) == ["vocals", "drums"]
    assert table.rows["vocals"]["si_sdr"] == pytest.approx(20, abs=1e-3)
    assert table.rows["vocals"]["level"] == pytest.approx(20 * math.log10(0.5) + 10 * math.log10(1.01), abs=1e-3)
    assert table.rows["drums"]["sdr"] == math.inf
    assert run.warnings == ["there is no estimate of bass; the table leaves them out"]


def test_loudness_and_peaks():
    samples = np.stack([np.sin(2 * np.pi * 997 * np.arange(96000) / 48000)] * 2)
    levels = loudness(Tiles(Audio.of(0.1 * samples, 48000), 10007), run=FakeRun())
    assert levels.loudness.value == pytest.approx(-20, abs=0.05)
    assert levels.loudness.value == pytest.approx(integrated_loudness(Audio.of(0.1 * samples, 48000)), abs=1e-6)
    assert levels.true_peak.value == pytest.approx(-20, abs=0.1)
    assert levels.peak.value == pytest.approx(-20, abs=0.01)
    assert (levels.loudness.unit, levels.true_peak.unit, levels.peak.unit) == ("LUFS", "dBTP", "dBFS")
