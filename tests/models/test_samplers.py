"""Generative families on velocities and scores that are known in closed form."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import tiny
from onnx import helper

from midistems_graph.models.contracts.base import Network, Segments
from midistems_graph.models.contracts.bridge import Bridge
from midistems_graph.models.contracts.diffusion import Diffusion, Sgmse
from midistems_graph.models.contracts.flow import Flow
from midistems_graph.models.contracts.generative import Noise
from midistems_graph.models.manifest import ManifestError
from midistems_graph.models.sessions import NetworkError
from midistems_graph.models.spectra import analysed
from midistems_graph.models.trajectory import trajectory
from midistems_graph.node import Audio, Span
from midistems_graph.node.testing import FakeRun

N = 40_000
RATE, PULL = 1.5, 0.3


def of(function, stems=2):
    """A network that is a Python function of state, mixture and time."""
    return Network("f", lambda arrays: [np.float32(function(*arrays))], (), (), tuple(range(stems)))


def segments(mixture=0.8, seed=0, start=0, length=N):
    return Segments(np.full((1, 1, length), mixture, np.float32), (start,), 2, seed=seed)


def linear(state, mixture, time):
    return RATE * state + PULL


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("midpoint", 2), ("heun", 2)])
def test_errors_of_a_linear_velocity_fall_as_theory_says(solver, order):
    begun = Noise((0,), (2, 1, N))()
    exact = np.exp(RATE) * begun + PULL * (np.exp(RATE) - 1) / RATE
    errors = []
    for steps in (8, 16):
        made = Flow(samples=N, steps=steps, solver=solver).estimate(segments(), [of(linear)])
        errors.append(np.abs(made - exact).max())
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.2)


@pytest.mark.parametrize("solver", ["euler", "midpoint", "heun"])
def test_a_consistent_flow_adds_up_to_the_mixture_at_every_step(solver):
    seen = []

    def wild(state, mixture, time):
        seen.append(state)
        return np.sin(3 * state) + 5 * mixture[:, None] + time

    made = Flow(samples=N, steps=7, solver=solver, consistent=True).estimate(segments(), [of(wild)])
    for state in (*seen, made):
        assert np.abs(state.sum(axis=1) - 0.8).max() < 1e-6 * np.abs(state).max() + 1e-6


def test_noise_hangs_on_seed_and_place_alone():
    def noise(start=-5000, length=20_000, seed=0, draw=0):
        return Noise((start,), (2, 1, length), seed)(draw)

    whole = noise()
    np.testing.assert_array_equal(noise(3000, 5000), whole[..., 8000:13_000])
    assert np.abs(whole - noise(seed=1)).max() > 1
    assert np.abs(whole - noise(draw=1)).max() > 1
    assert abs(whole.mean()) < 0.03 and whole.std() == pytest.approx(1, abs=0.02)


POWERS = (1.0, 0.25)
"""Of two independent normal stems."""


def gaussian_score(contract):
    """The score of noisy stems of a known mixture: along and across their mean they are normal."""
    share = POWERS[0] / sum(POWERS)
    spread = POWERS[0] * POWERS[1] / sum(POWERS)

    def score(state, mixture, time):
        t = float(time[0])
        along, across = contract.deviations(t)
        faded = np.exp(-contract.mixing * t)
        middle, apart = state.mean(axis=1), (state[:, 0] - state[:, 1]) / 2
        pull_middle = (middle - mixture / 2) / along**2  # half of 1 / (along^2 / 2)
        variance = faded**2 * spread + across**2 / 2
        pull_apart = (apart - faded * mixture * (2 * share - 1) / 2) / variance / 2
        return np.stack([-pull_middle - pull_apart, -pull_middle + pull_apart], axis=1)

    return score


def test_diffusion_draws_stems_as_they_are_distributed():
    """Of the mixture m the first stem has the mean m p1 / (p1 + p2) and the variance p1 p2 / (p1 + p2)."""
    errors = []
    for steps in (6, 60):
        contract = Diffusion(samples=N, steps=steps)
        made = contract.estimate(segments(), [of(gaussian_score(contract))])[0, :, 0]
        mean, variance = 0.8 * POWERS[0] / sum(POWERS), POWERS[0] * POWERS[1] / sum(POWERS)
        errors.append(abs(made[0].mean() - mean) + abs(made[0].var() - variance))
        assert made.sum(axis=0).mean() == pytest.approx(0.8, abs=0.02)
    assert errors[1] < 0.05 and errors[1] < errors[0]


def test_sgmse_draws_bins_as_they_are_distributed():
    """A stem that is normal, whatever the mixture is: how it drifts to the mixture and what its score is are known.

    The reverse equation's error is of the first order in the step; correctors make less of it with the same steps.
    """
    mean, variance = 0.4, 0.3  # of the real part; of the complex number
    mixture = np.full((1, 2, 40, 500), 0.7, np.float32)
    drawn = Noise((0,), (1, 2, 40, 500), scale=np.sqrt(0.5))
    errors = {}
    for steps, correctors in ((15, 0), (30, 0), (60, 0), (30, 1)):
        contract = Sgmse(steps=steps, correctors=correctors, sigma_max=2.0, pull=3.0, last=0.01)
        asked = []

        def score(state, time, contract=contract, asked=asked):
            asked.append(time)
            faded = np.exp(-contract.pull * time)
            middle = (1 - faded) * mixture[:, None]
            middle[:, :, 0] += np.float32(faded * mean)
            return -(state - middle) / (faded**2 * variance + contract.deviation(time) ** 2)

        *_, last = contract.states(mixture, score, drawn)
        real, imaginary = last[:, :, 0], last[:, :, 1]
        errors[steps, correctors] = abs(real.mean() - mean) + abs(real.var() + imaginary.var() - variance)
        assert len(asked) == steps * (1 + correctors) and asked[0] == 1 and min(asked) == pytest.approx(0.01)
    assert errors[15, 0] > 1.6 * errors[30, 0] > 1.6**2 * errors[60, 0]
    assert errors[30, 1] < errors[30, 0]


def test_a_state_in_the_stft_is_bent_and_comes_back():
    contract = Sgmse()
    sound = np.random.default_rng(0).standard_normal((2, 1, contract.samples)).astype(np.float32)
    given = Segments(sound, (0, contract.samples), 1)
    tensor = contract._tensor(given)
    bins = analysed(sound, 510, 128)
    assert tensor.shape == (2, 2, 256, 256) == (2, 2, 510 // 2 + 1, contract.samples // 128 + 1)
    magnitude = np.hypot(tensor[:, 0], tensor[:, 1]).swapaxes(1, 2)
    np.testing.assert_allclose(magnitude, 0.15 * np.sqrt(np.abs(bins[:, 0])), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(contract._sound(tensor[:, None], given)[:, 0], sound, atol=2e-5)


POSTERIOR = POWERS[0] * POWERS[1] / sum(POWERS)


def denoiser(strength, mean=0.3):
    """What is to be expected of a normal stem on a Brownian bridge of known strength."""

    def expected(state, mixture, time):
        t = float(time[0])
        drift, noise = 1 - t, strength**2 * t * (1 - t)
        gain = drift * POSTERIOR / (drift**2 * POSTERIOR + noise) if t < 1 else 0.0
        return mean + gain * (state - drift * mean - t * mixture[:, None])

    return expected


def test_a_bridge_with_noise_draws_stems_as_they_are_distributed():
    errors = []
    for steps in (10, 20, 40, 80):
        contract = Bridge(samples=N, steps=steps, noise=1.0, schedule=2.0)
        (made,) = contract.estimate(replace(segments(), stems=1), [of(denoiser(1.0), 1)])[0]
        errors.append(abs(made.mean() - 0.3) + abs(made.var() - POSTERIOR))
    assert errors[-1] < 0.02 and all(a > 1.45 * b for a, b in pairwise(errors))  # nearly halved: the first order


def test_a_bridge_without_noise_blends_mixture_and_estimate():
    """Where the estimate is a x + b, a step keeps r + a (1 - r) of the distance from b / (1 - a), r = s / t."""
    a, b, steps = 0.5, 0.2, 8
    contract = Bridge(samples=100, steps=steps)
    given = segments(length=100)
    states = list(contract.trajectory(given, [of(lambda x, m, t: a * x + b)]))
    assert len(states) == steps + 1
    np.testing.assert_array_equal(states[0][0, 1], given.sound[0])
    shares = [(steps - i - 1) / (steps - i) for i in range(steps)]
    expected = 0.4 + (0.8 - 0.4) * np.prod([share + a * (1 - share) for share in shares])
    np.testing.assert_allclose(states[-1], expected, rtol=1e-5)


def test_a_schedule_moves_steps_towards_the_stems():
    even, late = Flow(steps=4).times(0, 1), Flow(steps=4, schedule=2.0).times(0, 1)
    assert even == [0, 0.25, 0.5, 0.75, 1] and late == pytest.approx([0, 0.4375, 0.75, 0.9375, 1])
    assert np.diff(late).min() == pytest.approx(np.diff(late)[-1])
    with pytest.raises(ManifestError, match="do not add up"):
        Flow(consistent=True, n_fft=512, samples=12800, exponent=0.5)
    with pytest.raises(ManifestError, match="whole hops"):
        Flow(n_fft=512, samples=100_000)


def test_a_flow_network_runs_in_windows_with_its_seed(tmp_path, runner):
    """Velocity = mixture - state / 2, in ONNX, through the runner."""
    shape, samples = ["b", 2, 2, 6000], 6000
    nodes = [
        helper.make_node("Unsqueeze", ["mixture", "axis"], ["m"]),
        helper.make_node("Mul", ["state", "half"], ["s"]),
        helper.make_node("Sub", ["m", "s"], ["v"]),
        helper.make_node("ReduceMean", ["time"], ["t"], keepdims=0),
        helper.make_node("Mul", ["t", "zero"], ["z"]),
        helper.make_node("Add", ["v", "z"], ["out"]),
    ]
    inputs = {"state": shape, "mixture": ["b", 2, samples], "time": ["b"]}
    constants = {"axis": np.array([1]), "half": np.float32(0.5), "zero": np.float32(0)}
    network = tiny.network(inputs, {"out": shape}, nodes, constants)
    parameters = {"samples": samples, "consistent": True}
    model = tiny.stored(tmp_path, tiny.manifest("flow", ["a", "b"], parameters=parameters), network)
    audio = Audio.of(0.1 * np.random.default_rng(0).standard_normal((2, 25_000)), 44100)

    def stems(span=audio.span, **settings):
        return runner(model, **settings).separate(audio, run=FakeRun(span))

    whole = stems()
    np.testing.assert_allclose(whole["a"].samples + whole["b"].samples, audio.samples, atol=1e-5)
    window = Span(9000, 12_000, 25_000, 44100)
    np.testing.assert_array_equal(stems(window)["a"].samples, whole["a"].crop(window).samples)
    assert np.abs(stems(seed=1)["a"].samples - whole["a"].samples).max() > 0.1
    assert np.abs(stems(steps=3)["a"].samples - whole["a"].samples).max() > 1e-3


def test_a_trajectory_has_a_row_per_step_and_comes_to_its_end(tmp_path, runner):
    """A velocity of 1 - state / 2 without noise: the distance from the end falls with every step."""
    shape = ["b", 2, 2, 6000]
    nodes = [
        helper.make_node("Mul", ["state", "half"], ["s"]),
        helper.make_node("Sub", ["one", "s"], ["v"]),
        helper.make_node("ReduceMean", ["mixture"], ["m"], keepdims=0),
        helper.make_node("ReduceMean", ["time"], ["t"], keepdims=0),
        helper.make_node("Add", ["m", "t"], ["both"]),
        helper.make_node("Mul", ["both", "zero"], ["z"]),
        helper.make_node("Add", ["v", "z"], ["out"]),
    ]
    inputs = {"state": shape, "mixture": ["b", 2, 6000], "time": ["b"]}
    constants = {"half": np.float32(0.5), "one": np.float32(1), "zero": np.float32(0)}
    network = tiny.network(inputs, {"out": shape}, nodes, constants)
    parameters = {"samples": 6000, "noise": 0.0}
    model = tiny.stored(tmp_path, tiny.manifest("flow", ["a", "b"], parameters=parameters), network)
    audio = Audio.of(np.full((2, 20_000), 0.7, np.float32), 44100)
    scores = trajectory(runner(model, steps=4), audio, 0.2, run=FakeRun(audio.span))
    assert list(scores.rows) == ["0", "1", "2", "3", "4"] and "change" not in scores.rows["0"]
    state, states = 0.0, [0.0]
    for _ in range(4):
        state += (1 - state / 2) / 4
        states.append(state)
    for row, at, before in zip(scores.rows.values(), states, [0.0, *states], strict=False):
        assert row["rest"] == pytest.approx(20 * np.log10(abs(0.7 - 2 * at) / 0.7), abs=1e-3)
        if at > 0:
            assert row["change"] == pytest.approx(20 * np.log10((at - before) / state), abs=1e-3)
        if at < state:
            assert row["distance"] == pytest.approx(20 * np.log10((state - at) / state), abs=1e-3)
    assert scores.rows["4"]["distance"] == -200
    plain = tiny.stored(
        tmp_path, tiny.manifest("waveform", ["a"], parameters={"samples": 6000}), tiny.times(["b", 2, 6000], 1.0)
    )
    with pytest.raises(NetworkError, match="takes no steps"):
        trajectory(runner(plain), audio, 0.0, run=FakeRun(audio.span))
