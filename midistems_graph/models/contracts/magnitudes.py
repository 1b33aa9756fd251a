"""Networks on magnitudes that give all stems at once: U-Nets, Spectrogram-Channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from midistems_graph.audio.values import Complex64, Float32
from midistems_graph.models.contracts.base import Contract, Network, Segments, one_of, within
from midistems_graph.models.contracts.roformer_mask import mirrored
from midistems_graph.models.grid import Grid
from midistems_graph.models.manifest import ManifestError
from midistems_graph.models.sessions import NetworkError
from midistems_graph.models.spectra import analysed, synthesised


@dataclass(frozen=True)
class Magnitudes(Contract):
    """[batch, channels, bins, frames] -> [batch, stems * channels, bins, frames], or with an axis of its own for the
    stems: masks, or magnitudes (`gives`).

    The lowest `bins` of an STFT (0: all); what is above is silent. Channels of one stem follow one another. With
    `normalised` the masks of all stems are divided by their sum: they share the mixture. Phases are the mixture's.

    Oh et al., "Spectrogram-Channels U-Net", arXiv 1810.11520.
    """

    id: ClassVar[str] = "magnitudes"
    title: ClassVar[str] = "Magnitudes, all stems"
    together: ClassVar[bool] = True

    n_fft: int = field(default=1024, metadata=within(64, 65536))
    hop: int = field(default=256, metadata=within(16, 16384))
    bins: int = field(default=0, metadata=within(0, 32769))
    frames: int = field(default=128, metadata=within(2, 8192))
    gives: str = field(default="masks", metadata=one_of("masks", "magnitudes"))
    normalised: bool = False

    def __post_init__(self) -> None:
        if self.n_fft % 2 or self.hop > self.n_fft // 2 or self.bins > self.n_fft // 2 + 1:
            raise ManifestError(f"n_fft {self.n_fft}, hop {self.hop} and {self.bins} bins do not go together")

    def length(self, wanted: int) -> int:
        return self.hop * (self.frames - 1)

    @property
    def numbers(self) -> float:
        return (self.bins or self.n_fft / 2 + 1) / self.hop

    def grid(self, length: int, overlap: float, total: int) -> Grid:
        return mirrored(length, overlap or 2, total)

    def estimate(self, segments: Segments, networks: Sequence[Network]) -> Float32:
        sound, threads = segments.sound, segments.threads
        n, channels, length = sound.shape
        spectrum = analysed(sound, self.n_fft, self.hop, threads=threads)
        spectrum = spectrum[..., : self.bins or None]
        magnitude = np.abs(spectrum)
        tensor = magnitude.swapaxes(-1, -2)
        parts = []
        for network in networks:
            made = network(tensor)[0]
            parts.append(made.reshape(n, made.size // tensor.size, channels, *tensor.shape[-2:]).swapaxes(-1, -2))
        masks = np.concatenate(parts, axis=1)
        if self.gives == "magnitudes":
            masks = np.divide(masks, magnitude[:, None], out=np.zeros_like(masks), where=magnitude[:, None] > 0)
        if self.normalised:
            whole = masks.sum(axis=1, keepdims=True)
            even = np.full_like(masks, 1 / masks.shape[1])
            masks = np.divide(masks, whole, out=even, where=whole > 0)
        rows = [row for network in networks for row in network.rows]
        if len(rows) != masks.shape[1]:
            names = ", ".join(network.name for network in networks)
            raise NetworkError(f"{names}: {masks.shape[1]} stems come out where the manifest names {len(rows)}")
        wanted = np.zeros((n, segments.stems, *masks.shape[2:]), np.float32)
        for made_here, row in enumerate(rows):
            if row is not None:
                wanted[:, row] = masks[:, made_here]
        bins: Complex64 = wanted * spectrum[:, None]
        return synthesised(bins, self.n_fft, self.hop, length, threads=threads)
