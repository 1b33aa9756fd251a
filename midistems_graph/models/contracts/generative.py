"""What generative families share: states in the waveform, the STFT or latents, seeded noise, steps and their times.

A state holds all stems at once. It begins as noise, or as the mixture with noise, and a network that is asked at every
step tells where it goes. What a family adds is how a step is taken (`states`).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from midistems_graph.audio.values import Complex64, Float32
from midistems_graph.models.contracts.base import Contract, Network, Segments, within
from midistems_graph.models.contracts.roformer_mask import mirrored
from midistems_graph.models.grid import Grid, trapezoid
from midistems_graph.models.manifest import ManifestError
from midistems_graph.models.sessions import NetworkError
from midistems_graph.models.spectra import analysed, as_channels, from_channels, synthesised

Ask = Callable[[Float32, float], Float32]
"""What the network says of a state [segments, stems, ...] at a time: a tensor of the state's shape."""

SAMPLES_AT_ONCE, FRAMES_AT_ONCE = 4096, 16
"""So much noise is drawn at once."""


@dataclass(frozen=True)
class Noise:
    """Normal noise [segments, *shape]: the same at the same place of the song in every segment.

    starts    where each segment begins, counted in what the last axis counts (samples, frames)
    shape     stems and what a stem is made of; the last axis is time
    seed      of the generator
    block     so much of the last axis is drawn at once
    scale     its deviation
    """

    starts: tuple[int, ...]
    shape: tuple[int, ...]
    seed: int = 0
    block: int = SAMPLES_AT_ONCE
    scale: float = 1.0

    def __call__(self, draw: int = 0) -> Float32:
        """One of many drawings, by number."""
        *rows, length = self.shape
        out = np.empty((len(self.starts), *self.shape), np.float32)
        for segment, start in zip(out, self.starts, strict=True):
            for block in range(start // self.block, -(-(start + length) // self.block)):
                rng = np.random.default_rng([self.seed, draw, block + (1 << 40)])
                drawn = rng.standard_normal((*rows, self.block), np.float32)
                low, high = max(start, block * self.block), min(start + length, (block + 1) * self.block)
                first = block * self.block
                segment[..., low - start : high - start] = drawn[..., low - first : high - first]
        return out if self.scale == 1 else np.multiply(out, np.float32(self.scale), out=out)


@dataclass(frozen=True)
class Generative(Contract):
    """State [batch, stems, channels, samples], mixture [batch, channels, samples] and time [batch] -> a tensor of the
    state's shape. The axis of stems may be missing where there is one.

    With `n_fft` the state is an STFT: [batch, stems, 2 * channels, bins, frames] (re, im), the mixture [batch, 2 *
    channels, bins, frames]. Its magnitudes are raised to `exponent` and multiplied by `factor`; noise has the deviation
    1 as a complex number. `schedule` is 1 for even steps, above 1 for steps that become smaller towards the stems.
    """

    together: ClassVar[bool] = True
    draws: ClassVar[bool] = True

    samples: int = field(default=352800, metadata=within(1, 1 << 26))
    steps: int = field(default=30, metadata=within(1, 1000))
    schedule: float = field(default=1.0, metadata=within(0.1, 10))
    n_fft: int = field(default=0, metadata=within(0, 65536))
    hop: int = field(default=128, metadata=within(16, 16384))
    exponent: float = field(default=1.0, metadata=within(0.1, 1))
    factor: float = field(default=1.0, metadata=within(1e-6, 1e6))

    def __post_init__(self) -> None:
        if self.n_fft and (self.n_fft % 2 or self.hop > self.n_fft // 2 or self.samples % self.hop):
            raise ManifestError(
                f"n_fft {self.n_fft}, hop {self.hop} and segments of {self.samples} samples do not go together; "
                "n_fft is even, the hop at most its half, and segments are whole hops"
            )

    @abstractmethod
    def states(self, mixture: Float32, ask: Ask, noise: Noise) -> Iterator[Float32]:
        """States on the way, [segments, stems, ...], for a mixture [segments, ...]: where it begins, then one after
        every step. The last one holds the stems."""

    def length(self, wanted: int) -> int:
        return self.samples

    def grid(self, length: int, overlap: float, total: int) -> Grid:
        grid = mirrored(length, overlap or 2, total)
        if not self.n_fft:
            return grid
        step = max(1, grid.step // self.hop) * self.hop  # segments share their frames, and so their noise
        return Grid(trapezoid(length), step, lead=length - step if grid.lead else 0, edges="reflect")

    def estimate(self, segments: Segments, networks: Sequence[Network]) -> Float32:
        *_, last = self.trajectory(segments, networks)
        return last

    def trajectory(self, segments: Segments, networks: Sequence[Network]) -> Iterator[Float32]:
        """The wanted stems as they are at the beginning and after every step: [segments, stems, channels, length]."""
        (network,) = networks
        mixture = self._tensor(segments)
        noise = Noise(
            tuple(start // self.hop for start in segments.starts) if self.n_fft else segments.starts,
            (len(network.rows), *mixture.shape[1:]),
            segments.seed,
            FRAMES_AT_ONCE if self.n_fft else SAMPLES_AT_ONCE,
            math.sqrt(0.5) if self.n_fft else 1.0,  # complex numbers share it among their parts
        )
        for state in self.states(mixture, _asked(network, mixture), noise):
            out = np.zeros((len(mixture), segments.stems, *mixture.shape[1:]), np.float32)
            network.stack(state.astype(np.float32, copy=False), out)
            yield self._sound(out, segments)

    def times(self, first: float, last: float) -> list[float]:
        """The borders of the steps."""
        done = 1 - (1 - np.linspace(0, 1, self.steps + 1)) ** self.schedule
        return [float(time) for time in first + (last - first) * done]

    def _tensor(self, segments: Segments) -> Float32:
        """Segments as networks see them."""
        if not self.n_fft:
            return segments.sound
        bins = analysed(segments.sound, self.n_fft, self.hop, threads=segments.threads)
        return as_channels(_bent(bins, self.exponent, self.factor), self.n_fft // 2 + 1)

    def _sound(self, stems: Float32, segments: Segments) -> Float32:
        """Stems as sound."""
        if not self.n_fft:
            return stems
        bins = from_channels(stems)
        bins = _bent(bins / np.float32(self.factor), 1 / self.exponent, 1.0)
        return synthesised(bins, self.n_fft, self.hop, segments.sound.shape[-1], threads=segments.threads)


def without_sum(stems: Float32) -> Float32:
    """Stems [segments, stems, ...] without their mean: they add up to nothing."""
    rest: Float32 = stems - stems.mean(axis=1, keepdims=True, dtype=np.float32)
    return rest


def _bent(bins: Complex64, exponent: float, factor: float) -> Complex64:
    """Bins whose magnitudes are raised to a power and multiplied; their phases stay."""
    if exponent == 1:
        return bins * np.float32(factor)
    magnitude = np.abs(bins)
    gain = np.power(magnitude, np.float32(exponent - 1), out=np.zeros_like(magnitude), where=magnitude > 0)
    return bins * (gain * np.float32(factor))


def _asked(network: Network, mixture: Float32) -> Ask:
    """A network as a function of state and time; it may have no axis of stems."""

    def ask(state: Float32, time: float) -> Float32:
        bare = bool(network.inputs) and len(network.inputs[0].shape) == state.ndim - 1 and state.shape[1] == 1
        times = np.full(len(state), time, np.float32)
        made = network(state[:, 0] if bare else state, mixture, times)[0]
        if made.size != state.size:
            raise NetworkError(
                f"the network {network.name} gives {list(made.shape)} for a state of {list(state.shape)}; the contract "
                "wants the same shape, so correct it or its parameters in the manifest"
            )
        return made.reshape(state.shape)

    return ask
