import numpy as np
import pytest
from songs import si_sdr

from midistems_graph.audio.stft import Stft
from midistems_graph.node import Audio, NodeError, Stems, StftSettings
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.spatial.mvdr import beam_model, mvdr
from midistems_nodes.spatial.wiener import filter_stems, spatial_model, wiener

RATE = 8000
SIZES = {"n_fft": 512, "hop": 128}


def panned(*places, length=32000, seed=0):
    """Noises that come and go, each at a place: its level in every channel."""
    rng = np.random.default_rng(seed)
    made = {}
    for number, place in enumerate(places):
        swell = 0.5 + 0.5 * np.sin(np.arange(length) * (number + 1) / 900)
        noise = 0.1 * swell * rng.standard_normal(length)
        made[f"stem {number}"] = Audio.of(np.outer(place, noise).astype(np.float32), RATE)
    stems = Stems(made, complete=True)
    return Audio.of(sum(audio.samples for audio in made.values()), RATE), stems


def muddled(stems, amount=0.3):
    """Estimates that each hold a part of the others."""
    whole = sum(audio.samples for audio in stems.audio.values())
    return stems.map(
        {n: a.with_samples((1 - amount) * a.samples + amount * (whole - a.samples)) for n, a in stems.audio.items()}
    )


def refined(mixture, stems, iterations=1):
    knobs = {"iterations": iterations, **SIZES, "run": FakeRun(mixture.span)}
    return wiener(mixture, stems, spatial_model(Tiles(mixture, 5000), Tiles(stems, 5000), **knobs), **knobs)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_one_round_is_the_formula_of_the_paper(channels):
    rng = np.random.default_rng(1)
    shape = (3, channels, 40, 9)
    stems = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)
    mixture = stems.sum(axis=0) + 0.1
    strength = np.mean(np.abs(stems) ** 2, axis=1)
    places = np.einsum("jatf,jbtf->jfab", stems, stems.conj()) / strength.sum(axis=1)[:, :, None, None]
    expected = np.empty_like(stems)
    for t, f in np.ndindex(40, 9):
        whole = sum(strength[j, t, f] * places[j, f] for j in range(3))
        whole = whole + 1e-5 * np.trace(whole).real / channels * np.eye(channels)
        for j in range(3):
            expected[j, :, t, f] = strength[j, t, f] * places[j, f] @ np.linalg.inv(whole) @ mixture[:, t, f]
    made = stems.copy()
    filter_stems(mixture, made, places.astype(np.complex64), FakeRun())
    assert np.abs(made - expected).max() < 2e-3 * np.abs(expected).max()


def test_stems_that_stand_apart_are_parted():
    mixture, truth = panned((1.0, 0.1), (0.3, 1.0))
    rough = muddled(truth)
    made = refined(mixture, rough, iterations=2)
    for name in truth:
        assert si_sdr(made[name], truth[name]) > si_sdr(rough[name], truth[name]) + 3
    assert np.abs(mixture.samples - sum(audio.samples for audio in made.audio.values())).max() < 1e-6
    assert made.complete


def test_what_is_next_to_silent_is_parted_as_if_it_were_loud():
    mixture, truth = panned((1.0, 0.1), (0.3, 1.0))
    rough, quiet = muddled(truth), np.float32(2**-37)  # -223 dB, as at the end of a fade
    loud = refined(mixture, rough)
    still = refined(
        mixture.with_samples(mixture.samples * quiet),
        rough.map({n: a.with_samples(a.samples * quiet) for n, a in rough.audio.items()}),
    )
    for name in loud:
        np.testing.assert_allclose(still[name].samples / quiet, loud[name].samples, atol=1e-4)


def test_mono_is_a_plain_wiener_filter():
    mixture, truth = panned((1.0,), (1.0,))
    made = refined(mixture, truth)
    transform = Stft(StftSettings(512, 128), mixture.span)
    one, other = (np.abs(transform.forward(audio.samples)) ** 2 for audio in truth.audio.values())
    # Spatial covariances of mono are 1, but for the song's ends, where pieces see their reflection.
    expected = transform.inverse(transform.forward(mixture.samples) * (one / (one + other + 1e-12)).astype(np.float32))
    assert si_sdr(made["stem 0"], mixture.with_samples(expected)) > 40


def test_a_beam_cancels_what_stands_elsewhere():
    """Two sources in two channels: one steady filter parts them as far as the estimates tell where they stand."""
    mixture, truth = panned((1.0, 0.2), (0.3, 1.0))
    knobs = {**SIZES, "run": FakeRun(mixture.span)}
    made = mvdr(mixture, truth, beam_model(Tiles(mixture, 4000), Tiles(truth, 4000), **knobs), **knobs)
    for name in truth:
        assert si_sdr(made[name], truth[name]) > si_sdr(mixture, truth[name]) + 25
        level = np.sum(made[name].samples ** 2) / np.sum(truth[name].samples ** 2)
        assert level == pytest.approx(1, abs=0.05)  # let through undistorted


def test_a_beam_of_three_microphones():
    mixture, truth = panned((1.0, 0.5, 0.2), (0.3, 1.0, 0.4), (0.2, 0.3, 1.0))
    knobs = {**SIZES, "run": FakeRun(mixture.span)}
    made = mvdr(mixture, truth, beam_model(Tiles(mixture), Tiles(truth), **knobs), **knobs)
    assert min(si_sdr(made[name], truth[name]) - si_sdr(mixture, truth[name]) for name in truth) > 20


def test_mono_has_no_beam():
    mixture, truth = panned((1.0,), (1.0,))
    with pytest.raises(NodeError, match="two channels or more"):
        beam_model(Tiles(mixture), Tiles(truth), **SIZES, run=FakeRun())
