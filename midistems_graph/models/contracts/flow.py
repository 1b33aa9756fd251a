"""Generative networks that know a velocity: from noise to stems along an ordinary differential equation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.models.contracts.base import one_of, within
from midistems_graph.models.contracts.generative import Ask, Generative, Noise, without_sum
from midistems_graph.models.manifest import ManifestError


@dataclass(frozen=True)
class Flow(Generative):
    """State, mixture and time -> velocity (see `Generative` for the tensors).

    From noise at time 0 to stems at time 1, in `steps` steps. With `consistent` (FLOSS) the state begins as the mixture
    shared equally plus noise that adds up to nothing, and every velocity is freed of what would change the sum: then
    the stems add up to the mixture at every step. `noise` is the deviation of what it begins with.

    Yuan et al., "FlowSep", arXiv 2409.07614; Scheibler et al., "Source separation by flow matching", arXiv 2505.16119.
    """

    id: ClassVar[str] = "flow"
    title: ClassVar[str] = "Flow matching"

    steps: int = field(default=10, metadata=within(1, 1000))
    solver: str = field(default="euler", metadata=one_of("euler", "midpoint", "heun"))
    consistent: bool = False
    noise: float = field(default=1.0, metadata=within(0, 100))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.consistent and self.exponent != 1:
            raise ManifestError(
                f"stems whose magnitudes are raised to {self.exponent:g} do not add up; with consistent, exponent is 1"
            )

    def states(self, mixture: Float32, ask: Ask, noise: Noise) -> Iterator[Float32]:
        def velocity(state: Float32, time: float) -> Float32:
            made = ask(state, time)
            return without_sum(made) if self.consistent else made

        state = noise() * np.float32(self.noise)
        if self.consistent:
            state = without_sum(state) + mixture[:, None] / np.float32(state.shape[1])
        yield state
        for time, after in pairwise(self.times(0.0, 1.0)):
            state = stepped(state, velocity, time, after - time, self.solver)
            yield state


def stepped(state: Float32, velocity: Ask, time: float, step: float, solver: str) -> Float32:
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
