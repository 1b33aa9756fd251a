"""Generative networks that know a velocity: from noise to stems along an ordinary differential equation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.models.contracts.base import Contract, Network, Segments, one_of, within
from midistems_graph.models.contracts.roformer_mask import mirrored
from midistems_graph.models.grid import Grid

Velocity = Callable[[Float32, float], Float32]
"""The velocity of a state at a time from 0 (noise) to 1 (stems)."""


@dataclass(frozen=True)
class Flow(Contract):
    """State [batch, stems, channels, samples], mixture [batch, channels, samples] and time [batch] -> velocity, of the
    state's shape.

    From noise at time 0 to stems at time 1, in `steps` steps. With `consistent` (FLOSS) the state begins as the mixture
    shared equally plus noise that adds up to nothing, and every velocity is freed of what would change the sum: then
    the stems add up to the mixture at every step. `noise` is the deviation of what it begins with.

    Yuan et al., "FlowSep", arXiv 2409.07614; Scheibler et al., "Source separation by flow matching", arXiv 2505.16119.
    """

    id: ClassVar[str] = "flow"
    title: ClassVar[str] = "Flow matching"
    together: ClassVar[bool] = True
    draws: ClassVar[bool] = True

    samples: int = field(default=352800, metadata=within(1, 1 << 26))
    steps: int = field(default=10, metadata=within(1, 1000))
    solver: str = field(default="euler", metadata=one_of("euler", "midpoint", "heun"))
    consistent: bool = False
    noise: float = field(default=1.0, metadata=within(0, 100))

    def length(self, wanted: int) -> int:
        return self.samples

    def grid(self, length: int, overlap: float, total: int) -> Grid:
        return mirrored(length, overlap or 2, total)

    def with_steps(self, steps: int) -> Flow:
        return replace(self, steps=steps)

    def estimate(self, segments: Segments, networks: Sequence[Network]) -> Float32:
        (network,) = networks
        sound, rows = segments.sound, network.rows

        def velocity(state: Float32, time: float) -> Float32:
            made = network(state, sound, np.full(len(sound), time, np.float32))[0]
            return without_sum(made) if self.consistent else made

        state = segments.noise(len(rows), sound.shape[1]) * np.float32(self.noise)
        if self.consistent:
            state = without_sum(state) + sound[:, None] / np.float32(len(rows))
        for step in range(self.steps):
            state = stepped(state, velocity, step / self.steps, 1 / self.steps, self.solver)
        out = np.zeros((len(sound), segments.stems, *sound.shape[1:]), np.float32)
        network.stack(state, out)
        return out


def without_sum(stems: Float32) -> Float32:
    """Stems [segments, stems, ...] without their mean: they add up to nothing."""
    rest: Float32 = stems - stems.mean(axis=1, keepdims=True, dtype=np.float32)
    return rest


def stepped(state: Float32, velocity: Velocity, time: float, step: float, solver: str) -> Float32:
    """The state after one step: Euler's of the first order, the midpoint's and Heun's of the second."""
    h = np.float32(step)
    first = velocity(state, time)
    match solver:
        case "midpoint":
            return state + h * velocity(state + h / 2 * first, time + step / 2)
        case "heun":
            return state + h / 2 * (first + velocity(state + h * first, time + step))
        case _:
            return state + h * first
