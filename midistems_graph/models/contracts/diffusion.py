"""Generative networks that know a score: from a noisy mixture back to its stems along a stochastic equation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import ClassVar

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.models.contracts.base import Contract, Network, Segments, within
from midistems_graph.models.contracts.flow import without_sum
from midistems_graph.models.contracts.roformer_mask import mirrored
from midistems_graph.models.grid import Grid
from midistems_graph.models.manifest import ManifestError


@dataclass(frozen=True)
class Diffusion(Contract):
    """State [batch, stems, channels, samples], mixture [batch, channels, samples] and time [batch] -> score, of the
    state's shape.

    DiffSep: forward in time, stems mix until each is their mean, while noise of deviation `sigma_min` to `sigma_max`
    is added. Backward, from time 1 to `last`, a predictor takes the reverse equation's steps, and `correctors` steps
    of Langevin's dynamics follow each, at the signal-to-noise ratio `snr`. `mixing` says how quickly stems mix.

    Scheibler et al., "Diffusion-based generative speech source separation", ICASSP 2023, eq. 9 to 16; Song et al.,
    "Score-based generative modeling through stochastic differential equations", ICLR 2021, algorithms 2 and 5.
    """

    id: ClassVar[str] = "diffusion"
    title: ClassVar[str] = "Diffusion, score network"
    together: ClassVar[bool] = True
    draws: ClassVar[bool] = True

    samples: int = field(default=352800, metadata=within(1, 1 << 26))
    steps: int = field(default=30, metadata=within(1, 1000))
    correctors: int = field(default=1, metadata=within(0, 10))
    snr: float = field(default=0.5, metadata=within(0.001, 10))
    sigma_min: float = field(default=0.05, metadata=within(1e-6, 100))
    sigma_max: float = field(default=0.5, metadata=within(1e-6, 100))
    mixing: float = field(default=2.0, metadata=within(0, 100))
    last: float = field(default=0.03, metadata=within(0, 0.5))

    def __post_init__(self) -> None:
        if self.sigma_max <= self.sigma_min:
            raise ManifestError(f"sigma_max is {self.sigma_max:g}; it must be above sigma_min, {self.sigma_min:g}")

    def length(self, wanted: int) -> int:
        return self.samples

    def grid(self, length: int, overlap: float, total: int) -> Grid:
        return mirrored(length, overlap or 2, total)

    def with_steps(self, steps: int) -> Diffusion:
        return replace(self, steps=steps)

    def estimate(self, segments: Segments, networks: Sequence[Network]) -> Float32:
        (network,) = networks
        sound, rows = segments.sound, network.rows
        shape = (len(rows), sound.shape[1])
        draws = iter(range(1 << 30))

        def score(state: Float32, time: float) -> Float32:
            return network(state, sound, np.full(len(sound), time, np.float32))[0]

        state = np.repeat(sound[:, None] / np.float32(len(rows)), len(rows), axis=1)
        state += self.coloured(segments.noise(*shape, draw=next(draws)), 1.0)
        times = np.linspace(1.0, self.last, self.steps + 1)
        for time, after in pairwise(times):
            for _ in range(self.correctors):
                state = self._corrected(state, score(state, time), segments.noise(*shape, draw=next(draws)), time)
            step = float(time - after)
            strength = self._strength(time)
            state = state + np.float32(step) * (
                np.float32(self.mixing) * without_sum(state) + np.float32(strength**2) * score(state, time)
            )
            if after > times[-1]:  # the last step adds no noise
                state = state + np.float32(strength * math.sqrt(step)) * segments.noise(*shape, draw=next(draws))
        out = np.zeros((len(sound), segments.stems, *sound.shape[1:]), np.float32)
        network.stack(state.astype(np.float32, copy=False), out)
        return out

    def _corrected(self, state: Float32, score: Float32, noise: Float32, time: float) -> Float32:
        """One step of annealed Langevin dynamics, shaped by the noise that there is at this time."""
        deviation = max(self._deviations(time))
        step = 2 * (self.snr * deviation) ** 2
        corrected: Float32 = state + np.float32(step) * score + np.float32(math.sqrt(2 * step)) * noise
        return corrected

    def _strength(self, time: float) -> float:
        """How much noise is added per root of time: g(t)."""
        ratio = self.sigma_max / self.sigma_min
        return float(self.sigma_min * ratio**time * math.sqrt(2 * math.log(ratio)))

    def _deviations(self, time: float) -> tuple[float, float]:
        """Deviations of the noise at a time: along the stems' mean, and across it."""
        log = math.log(self.sigma_max / self.sigma_min)
        grown = math.exp(2 * log * time)
        along = self.sigma_min**2 * (grown - 1)
        across = self.sigma_min**2 * (grown - math.exp(-2 * self.mixing * time)) * log / (self.mixing + log)
        return math.sqrt(along), math.sqrt(across)

    def coloured(self, noise: Float32, time: float) -> Float32:
        """White noise [segments, stems, ...] as strong as the equation's is at a time, along and across the mean."""
        along, across = self._deviations(time)
        apart = without_sum(noise)
        return np.float32(along) * (noise - apart) + np.float32(across) * apart
