"""RoFormer networks that take and give real and imaginary parts apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.models.contracts.base import Contract, Network, Segments, fits, within
from midistems_graph.models.contracts.roformer_mask import mirrored
from midistems_graph.models.grid import Grid
from midistems_graph.models.sessions import Tensor
from midistems_graph.models.spectra import analysed, synthesised


@dataclass(frozen=True)
class RoformerSplit(Contract):
    """Real and imaginary [batch, 2, bins, frames] -> real and imaginary [batch, stems, 2, bins, frames]."""

    id: ClassVar[str] = "roformer-split"
    title: ClassVar[str] = "RoFormer, real and imaginary"

    n_fft: int = field(default=2048, metadata=within(64, 65536))
    hop: int = field(default=441, metadata=within(16, 16384))
    frames: int = field(default=801, metadata=within(2, 8192))

    def length(self, wanted: int) -> int:
        return self.hop * (self.frames - 1)

    def grid(self, length: int, overlap: float, total: int) -> Grid:
        return mirrored(length, overlap or 2, total)

    def estimate(self, segments: Segments, networks: Sequence[Network]) -> Float32:
        sound, stems, threads = segments.sound, segments.stems, segments.threads
        spectrum = analysed(sound, self.n_fft, self.hop, threads=threads).swapaxes(-1, -2)
        made = np.zeros((2, spectrum.shape[0], stems, *spectrum.shape[1:]), np.float32)
        for network in networks:
            for part, output in zip(made, network(spectrum.real, spectrum.imag), strict=True):
                network.stack(output, part)
        bins = np.empty((*made.shape[1:4], *made.shape[:3:-1]), np.complex64)
        bins.real, bins.imag = made.swapaxes(-1, -2)
        return synthesised(bins, self.n_fft, self.hop, sound.shape[-1], threads=threads)

    @classmethod
    def recognise(cls, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Mapping[str, Any] | None:
        if len(inputs) != 2 or len(outputs) != 2 or not all(fits(each, None, 2, 1025, None) for each in inputs):
            return None
        frames = inputs[0].shape[3]
        return {"frames": frames} if isinstance(frames, int) else {}
