"""BS-RoFormer and Mel-Band RoFormer whose STFT is outside: complex masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from midistems_graph.audio.values import Complex64, Float32
from midistems_graph.models.contracts.base import Contract, Network, Segments, fits, within
from midistems_graph.models.grid import Grid, step_of, trapezoid
from midistems_graph.models.manifest import ManifestError
from midistems_graph.models.sessions import Tensor
from midistems_graph.models.spectra import analysed, synthesised


@dataclass(frozen=True)
class RoformerMask(Contract):
    """[batch, 2 * bins, frames, 2] -> masks [batch, (stems,) 2 * bins, frames, 2], complex numbers as re, im.

    The channels of stereo alternate along the bins: index = bin * 2 + channel. Half of each segment is shared with the
    next one; fades of a tenth; the ends of the song are mirrored. Mel networks leave DC silent (`silent_dc`).
    """

    id: ClassVar[str] = "roformer-mask"
    title: ClassVar[str] = "RoFormer, masks"

    n_fft: int = field(default=2048, metadata=within(64, 65536))
    hop: int = field(default=441, metadata=within(16, 16384))
    frames: int = field(default=801, metadata=within(2, 8192))
    silent_dc: bool = False

    def __post_init__(self) -> None:
        if self.n_fft % 2 or self.hop > self.n_fft // 2:
            raise ManifestError(f"n_fft {self.n_fft} and hop {self.hop} do not go together")

    def length(self, wanted: int) -> int:
        return self.hop * (self.frames - 1)

    @property
    def numbers(self) -> float:
        return (self.n_fft + 2) / self.hop

    def grid(self, length: int, overlap: float, total: int) -> Grid:
        return mirrored(length, overlap or 2, total)

    def estimate(self, segments: Segments, networks: Sequence[Network]) -> Float32:
        sound, stems, threads = segments.sound, segments.stems, segments.threads
        spectrum = analysed(sound, self.n_fft, self.hop, threads=threads)
        n, channels, frames, bins = spectrum.shape
        interleaved = spectrum.transpose(0, 3, 1, 2).reshape(n, bins * channels, frames)
        tensor = np.stack([interleaved.real, interleaved.imag], axis=-1)
        masks = np.zeros((n, stems, bins * channels, frames, 2), np.float32)
        for network in networks:
            network.stack(network(tensor)[0], masks)
        factors: Complex64 = np.ascontiguousarray(masks).view(np.complex64)[..., 0]
        factors = factors.reshape(n, stems, bins, channels, frames).transpose(0, 1, 3, 4, 2)
        made = factors * spectrum[:, None]
        if self.silent_dc:
            made[..., 0] = 0
        return synthesised(made, self.n_fft, self.hop, sound.shape[-1], threads=threads)

    @classmethod
    def recognise(cls, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Mapping[str, Any] | None:
        if len(inputs) != 1 or len(outputs) != 1 or not fits(inputs[0], None, 2050, None, 2):
            return None
        if inputs[0].shape[1] != 2050 or inputs[0].shape[3] != 2:
            return None
        frames = inputs[0].shape[2]
        return {"frames": frames} if isinstance(frames, int) else {}


def mirrored(length: int, overlap: float, total: int) -> Grid:
    """Segments with short fades that begin before the song, in its mirror image; not in a song too short for it."""
    step = step_of(length, overlap)
    border = length - step
    return Grid(trapezoid(length), step, lead=border if total > 2 * border else 0, edges="reflect")
