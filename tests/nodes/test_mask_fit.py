"""Masks fitted at test time: gradients against finite differences, and what fitting comes to."""

import numpy as np
import pytest

from midistems_graph.node import Audio
from midistems_graph.node.testing import FakeRun
from midistems_nodes.mask import objectives
from midistems_nodes.mask.fit import fit
from midistems_nodes.measure.ratios import Ratios

RATE = 16000
TIME = np.arange(RATE) / RATE
RNG = np.random.default_rng(3)
SMALL = {"n_fft": 512, "hop": 128}


def bins(frames=3, count=65):
    return RNG.standard_normal((frames, count)) + 1j * RNG.standard_normal((frames, count))


@pytest.mark.parametrize(
    "make",
    [
        lambda song, source: objectives.mel(song, source, RATE, 12),
        lambda song, source: objectives.si_sar(song, source, 4.0),
        lambda song, source: objectives.psychoacoustic(song, source, RATE),
    ],
    ids=["mel", "si_sar", "psychoacoustic"],
)
def test_gradients_are_those_of_finite_differences(make):
    song = bins()
    loss = make(song, 0.5 * song + 0.5 * bins())
    mask = RNG.uniform(0.1, 0.9, song.shape)
    slope = loss(mask)[1]
    for frame, place in [(0, 3), (1, 20), (2, 40), (2, 60)]:
        nudge = np.zeros_like(mask)
        nudge[frame, place] = 1e-6
        measured = (loss(mask + nudge)[0] - loss(mask - nudge)[0])[frame] / 2e-6
        assert measured == pytest.approx(slope[frame, place], rel=1e-4, abs=1e-6)


def si_sdr(estimate, true):
    ratios = Ratios(true.channels)
    ratios.add(estimate.samples, true.samples)
    return ratios.si_sdr()


def sources():
    """A gliding tone and noise that comes and goes."""
    tone = 0.3 * np.sin(2 * np.pi * (300 * TIME + 200 * TIME**2))
    noise = 0.1 * RNG.standard_normal(len(TIME)) * (TIME % 0.4 < 0.2)
    return Audio.of(tone, RATE), Audio.of(noise, RATE)


@pytest.mark.parametrize("objective", ["mel", "si_sar", "psychoacoustic"])
def test_a_true_reference_leads_near_the_source(objective):
    tone, noise = sources()
    song = tone.with_samples(tone.samples + noise.samples)
    made = fit(song, (tone,), objective=objective, run=FakeRun(song.span), **SMALL)
    assert si_sdr(made.stem, tone) > si_sdr(song, tone) + 8
    np.testing.assert_allclose(made.stem.samples + made.rest.samples, song.samples, atol=1e-6)


def test_a_reference_out_of_phase_serves_as_well_for_mel():
    tone, noise = sources()
    song = tone.with_samples(tone.samples + noise.samples)
    turned = tone.with_samples(-tone.samples)
    made = fit(song, (turned,), run=FakeRun(song.span), **SMALL)
    assert si_sdr(made.stem, tone) > si_sdr(song, tone) + 8


def test_artefacts_fall_as_they_weigh_more():
    """SI-SAR by projection on source and rest, for a reference that is the source with a stranger's noise."""
    tone, noise = sources()
    song = tone.with_samples(tone.samples + noise.samples)
    wrong = tone.with_samples(tone.samples + 0.1 * RNG.standard_normal(tone.samples.shape).astype(np.float32))
    figures = []
    for weight in (1.0, 30.0):
        made = fit(song, (wrong,), objective="si_sar", artefacts=weight, run=FakeRun(song.span), **SMALL).stem.samples[
            0
        ]
        basis = np.stack([tone.samples[0], noise.samples[0]], axis=1).astype(float)
        rest = made - basis @ np.linalg.lstsq(basis, made, rcond=None)[0]
        figures.append(np.sum(rest**2) / np.sum(made**2))
    assert figures[1] < 0.7 * figures[0]
