"""Open-Unmix: one file per stem, each from magnitudes to magnitudes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from midistems_graph.audio.values import Complex64, Float32
from midistems_graph.models.contracts.base import Contract, Network, Segments, fits, within
from midistems_graph.models.grid import Grid, step_of, triangle
from midistems_graph.models.manifest import ManifestError
from midistems_graph.models.sessions import Tensor
from midistems_graph.models.spectra import analysed, synthesised
from midistems_graph.models.wiener import refined

SECONDS = 20
"""Its networks look along time in both directions: longer segments are better."""


@dataclass(frozen=True)
class OpenUnmix(Contract):
    """[batch, 2, 2049, frames] -> the same: magnitudes of the mixture, of the stem.

    With the phase of the mixture, or after `wiener` rounds of multichannel Wiener filtering in windows of `window`
    frames, which shares the mixture among the stems: then all files are needed. `frames` 0 leaves the length of
    segments open.
    """

    id: ClassVar[str] = "open-unmix"
    title: ClassVar[str] = "Open-Unmix"
    together: ClassVar[bool] = True

    n_fft: int = field(default=4096, metadata=within(64, 65536))
    hop: int = field(default=1024, metadata=within(16, 16384))
    frames: int = field(default=0, metadata=within(0, 65536))
    wiener: int = field(default=1, metadata=within(0, 10))
    window: int = field(default=300, metadata=within(1, 65536))

    def __post_init__(self) -> None:
        if self.n_fft % 2 or self.hop > self.n_fft // 2:
            raise ManifestError(f"n_fft {self.n_fft} and hop {self.hop} do not go together")

    def length(self, wanted: int) -> int:
        if self.frames:
            return self.hop * (self.frames - 1)
        return max(1, round((wanted or SECONDS * 44100) / self.hop)) * self.hop

    @property
    def numbers(self) -> float:
        return (self.n_fft / 2 + 1) / self.hop

    def grid(self, length: int, overlap: float, total: int) -> Grid:
        return Grid(triangle(length), step_of(length, overlap or 4 / 3), edges="reflect")

    def estimate(self, segments: Segments, networks: Sequence[Network]) -> Float32:
        sound, stems, threads = segments.sound, segments.stems, segments.threads
        spectrum = analysed(sound, self.n_fft, self.hop, threads=threads)
        magnitude = np.abs(spectrum)
        used = [each for each in networks if self.wiener or each.rows[0] is not None]
        made = np.stack([network(magnitude.swapaxes(-1, -2))[0].swapaxes(-1, -2) for network in used], axis=1)
        unit = np.divide(spectrum, magnitude, out=np.zeros_like(spectrum), where=magnitude > 0)
        bins: Complex64 = (made * unit[:, None]).astype(np.complex64, copy=False)
        if self.wiener:
            for segment, mixture in zip(bins, spectrum, strict=True):
                refined(segment, mixture, self.wiener, self.window)
        kept = [(i, row) for i, each in enumerate(used) if (row := each.rows[0]) is not None]
        out = np.empty((len(sound), stems, *sound.shape[1:]), np.float32)
        for i, row in kept:
            out[:, row] = synthesised(bins[:, i], self.n_fft, self.hop, sound.shape[-1], threads=threads)
        return out

    @classmethod
    def recognise(cls, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Mapping[str, Any] | None:
        shaped = len(inputs) == len(outputs) == 1 and fits(inputs[0], None, 2, 2049, None)
        if not shaped or inputs[0].shape[2] != 2049:
            return None
        frames = inputs[0].shape[3]
        return {"frames": frames} if isinstance(frames, int) else {}
