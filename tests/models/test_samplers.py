"""Generative families on velocities and scores that are known in closed form."""

import numpy as np
import pytest
import tiny
from onnx import helper

from midistems_graph.models.contracts.base import Network, Segments
from midistems_graph.models.contracts.diffusion import Diffusion
from midistems_graph.models.contracts.flow import Flow
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
    begun = segments().noise(2, 1)
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
    whole = segments(start=-5000, length=20_000).noise(2, 1)
    part = segments(start=3000, length=5000).noise(2, 1)
    np.testing.assert_array_equal(part, whole[..., 8000:13_000])
    assert np.abs(whole - segments(seed=1, start=-5000, length=20_000).noise(2, 1)).max() > 1
    assert np.abs(whole - segments(start=-5000, length=20_000).noise(2, 1, draw=1)).max() > 1
    assert abs(whole.mean()) < 0.03 and whole.std() == pytest.approx(1, abs=0.02)


POWERS = (1.0, 0.25)
"""Of two independent normal stems."""


def gaussian_score(contract):
    """The score of noisy stems of a known mixture: along and across their mean they are normal."""
    share = POWERS[0] / sum(POWERS)
    spread = POWERS[0] * POWERS[1] / sum(POWERS)

    def score(state, mixture, time):
        t = float(time[0])
        along, across = contract._deviations(t)
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
