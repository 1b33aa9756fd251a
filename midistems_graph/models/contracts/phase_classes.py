"""Networks that tell the phase of a stem: PhaseNet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from midistems_graph.audio.values import Float32
from midistems_graph.models.contracts.base import Contract, Network, Segments, within
from midistems_graph.models.contracts.roformer_mask import mirrored
from midistems_graph.models.grid import Grid
from midistems_graph.models.manifest import ManifestError
from midistems_graph.models.sessions import NetworkError


@dataclass(frozen=True)
class PhaseClasses(Contract):
    """Magnitude of a stem [batch, bins, frames] and mixture [batch, 2, bins, frames] (re, im), or the magnitude alone
    -> logits [batch, bins, frames, classes].

    Class q of Q is the phase 2 pi q / Q, with `relative` the difference from the mixture's. The lowest `bins` (0: all);
    what is above keeps the mixture's phase. The channels of a song are its batch. Of a segment of `frames` the middle
    half counts.

    Takahashi et al., "PhaseNet: discretized phase modeling with deep neural network for audio source separation",
    Interspeech 2018.
    """

    id: ClassVar[str] = "phase-classes"
    title: ClassVar[str] = "Phase classes"

    n_fft: int = field(default=4096, metadata=within(64, 65536))
    hop: int = field(default=1024, metadata=within(16, 16384))
    bins: int = field(default=0, metadata=within(0, 32769))
    frames: int = field(default=64, metadata=within(4, 8192))
    relative: bool = False

    def __post_init__(self) -> None:
        if self.n_fft % 2 or self.hop > self.n_fft // 2 or self.bins > self.n_fft // 2 + 1:
            raise ManifestError(f"n_fft {self.n_fft}, hop {self.hop} and {self.bins} bins do not go together")

    def length(self, wanted: int) -> int:
        return self.hop * self.frames

    @property
    def numbers(self) -> float:
        return (self.bins or self.n_fft / 2 + 1) / self.hop

    def grid(self, length: int, overlap: float, total: int) -> Grid:
        return mirrored(length, overlap or 2, total)

    def estimate(self, segments: Segments, networks: Sequence[Network]) -> Float32:
        names = ", ".join(network.name for network in networks)
        raise NetworkError(f"{names} gives phases, not stems; use the node phase.classes")
