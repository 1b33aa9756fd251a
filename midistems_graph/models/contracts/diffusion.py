"""Generative networks that know a score: from a noisy mixture back to its stems along a stochastic equation."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.models.contracts.base import within
from midistems_graph.models.contracts.generative import Ask, Generative, Noise, without_sum
from midistems_graph.models.manifest import ManifestError


@dataclass(frozen=True)
class Score(Generative):
    """State, mixture and time -> score (see `Generative` for the tensors).

    Forward in time, noise of deviation `sigma_min` to `sigma_max` is added while stems drift to the mixture. Backward,
    from time 1 to `last`, `correctors` steps of Langevin's dynamics at the signal-to-noise ratio `snr` and a
    predictor's step along the reverse equation take turns. The last step adds no noise.

    Song et al., "Score-based generative modeling through stochastic differential equations", ICLR 2021, algorithms 2
    and 5.
    """

    correctors: int = field(default=1, metadata=within(0, 10))
    snr: float = field(default=0.5, metadata=within(0.001, 10))
    sigma_min: float = field(default=0.05, metadata=within(1e-6, 100))
    sigma_max: float = field(default=0.5, metadata=within(1e-6, 100))
    last: float = field(default=0.03, metadata=within(0, 0.5))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sigma_max <= self.sigma_min:
            raise ManifestError(f"sigma_max is {self.sigma_max:g}; it must be above sigma_min, {self.sigma_min:g}")

    @abstractmethod
    def begun(self, mixture: Float32, noise: Float32) -> Float32:
        """The state at time 1."""

    @abstractmethod
    def drift(self, state: Float32, mixture: Float32) -> Float32:
        """How a state moves by itself as time goes on."""

    @abstractmethod
    def deviation(self, time: float) -> float:
        """Of the noise that there is at a time: what a corrector's step is measured by."""

    def borders(self) -> list[float]:
        """The times between which predictors step."""
        return self.times(1.0, self.last)

    def states(self, mixture: Float32, ask: Ask, noise: Noise) -> Iterator[Float32]:
        draws = iter(range(1 << 30))
        state = self.begun(mixture, noise(next(draws)))
        yield state
        borders = self.borders()
        for time, after in pairwise(borders):
            for _ in range(self.correctors):
                size = 2 * (self.snr * self.deviation(time)) ** 2
                state = state + np.float32(size) * ask(state, time)
                state += np.float32(math.sqrt(2 * size)) * noise(next(draws))
            step, strength = time - after, self.strength(time)
            state = state + np.float32(step) * (np.float32(strength**2) * ask(state, time) - self.drift(state, mixture))
            if after > borders[-1]:
                state += np.float32(strength * math.sqrt(step)) * noise(next(draws))
            yield state

    def strength(self, time: float) -> float:
        """How much noise is added per root of time: g(t)."""
        ratio = self.sigma_max / self.sigma_min
        return float(self.sigma_min * ratio**time * math.sqrt(2 * math.log(ratio)))


@dataclass(frozen=True)
class Diffusion(Score):
    """DiffSep: stems mix until each is their mean; `mixing` says how quickly. Tensors are those of `Generative`.

    Scheibler et al., "Diffusion-based generative speech source separation", ICASSP 2023, eq. 9 to 16.
    """

    id: ClassVar[str] = "diffusion"
    title: ClassVar[str] = "Diffusion, DiffSep"

    mixing: float = field(default=2.0, metadata=within(0, 100))

    def begun(self, mixture: Float32, noise: Float32) -> Float32:
        rows = noise.shape[1]
        state = np.repeat(mixture[:, None] / np.float32(rows), rows, axis=1)
        state += self.coloured(noise, 1.0)
        return state

    def drift(self, state: Float32, mixture: Float32) -> Float32:
        return np.float32(-self.mixing) * without_sum(state)

    def deviation(self, time: float) -> float:
        return max(self.deviations(time))

    def deviations(self, time: float) -> tuple[float, float]:
        """Deviations of the noise at a time: along the stems' mean, and across it."""
        log = math.log(self.sigma_max / self.sigma_min)
        grown = math.exp(2 * log * time)
        along = self.sigma_min**2 * (grown - 1)
        across = self.sigma_min**2 * (grown - math.exp(-2 * self.mixing * time)) * log / (self.mixing + log)
        return math.sqrt(along), math.sqrt(across)

    def coloured(self, noise: Float32, time: float) -> Float32:
        """White noise [segments, stems, ...] as strong as the equation's is at a time, along and across the mean."""
        along, across = self.deviations(time)
        apart = without_sum(noise)
        return np.float32(along) * (noise - apart) + np.float32(across) * apart


@dataclass(frozen=True)
class Sgmse(Score):
    """SGMSE: in the STFT, with magnitudes bent, every stem drifts to the mixture; `pull` says how quickly. Tensors are
    those of `Generative`.

    The last of `steps` steps goes from `last` to 0.

    Richter et al., "Speech enhancement and dereverberation with diffusion-based generative models", TASLP 2023, eq. 5
    to 9 and section IV.
    """

    id: ClassVar[str] = "sgmse"
    title: ClassVar[str] = "Diffusion, SGMSE"

    samples: int = field(default=255 * 128, metadata=within(1, 1 << 26))
    n_fft: int = field(default=510, metadata=within(0, 65536))
    exponent: float = field(default=0.5, metadata=within(0.1, 1))
    factor: float = field(default=0.15, metadata=within(1e-6, 1e6))
    pull: float = field(default=1.5, metadata=within(0, 100))

    def borders(self) -> list[float]:
        even = 1 - np.linspace(0, 1, self.steps) if self.steps > 1 else np.ones(1)
        return [*(float(time) for time in self.last + (1 - self.last) * even**self.schedule), 0.0]

    def begun(self, mixture: Float32, noise: Float32) -> Float32:
        return mixture[:, None] + np.float32(self.deviation(1.0)) * noise

    def drift(self, state: Float32, mixture: Float32) -> Float32:
        return np.float32(self.pull) * (mixture[:, None] - state)

    def deviation(self, time: float) -> float:
        log = math.log(self.sigma_max / self.sigma_min)
        grown = math.exp(2 * log * time) - math.exp(-2 * self.pull * time)
        return self.sigma_min * math.sqrt(grown * log / (self.pull + log))
