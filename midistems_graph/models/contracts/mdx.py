"""MDX-Net (KUIELab, UVR): one file per stem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.models.contracts.base import Contract, Network, Segments, fits, within
from midistems_graph.models.grid import Grid, hann, step_of
from midistems_graph.models.manifest import ManifestError
from midistems_graph.models.sessions import Tensor
from midistems_graph.models.spectra import analysed, as_channels, from_channels, synthesised


@dataclass(frozen=True)
class Mdx(Contract):
    """[batch, 4, dim_f, dim_t] -> the same: the lowest bins as left re, left im, right re, right im.

    The STFT is centred with reflected ends; its lowest `silent_bins` are silent. Its size cannot be told from a file.
    What comes out is made louder by `compensate`. The outer half windows of a segment are context alone.
    """

    id: ClassVar[str] = "mdx"
    title: ClassVar[str] = "MDX-Net"

    n_fft: int = field(default=0, metadata=within(0, 65536))
    hop: int = field(default=1024, metadata=within(64, 16384))
    dim_f: int = field(default=3072, metadata=within(1, 32768))
    dim_t: int = field(default=256, metadata=within(2, 8192))
    compensate: float = field(default=1.0, metadata=within(0.1, 10))
    silent_bins: int = field(default=3, metadata=within(0, 100))

    def __post_init__(self) -> None:
        check_stft("mdx", self.n_fft, self.hop, self.dim_f)
        if self.length(0) <= self.n_fft:
            raise ManifestError(
                f"the model's segments of {self.length(0)} samples are no longer than n_fft, {self.n_fft}"
            )

    def length(self, wanted: int) -> int:
        return self.hop * (self.dim_t - 1)

    @property
    def numbers(self) -> float:
        return 2.0 * self.dim_f / self.hop

    def grid(self, length: int, overlap: float, total: int) -> Grid:
        margin = self.n_fft // 2
        return Grid(hann(length), step_of(length, overlap or 4 / 3, most=length - 2 * margin), lead=margin)

    def estimate(self, segments: Segments, networks: Sequence[Network]) -> Float32:
        sound, stems, threads = segments.sound, segments.stems, segments.threads
        out = np.zeros((sound.shape[0], stems, *sound.shape[1:]), np.float32)
        tensor = as_channels(analysed(sound, self.n_fft, self.hop, threads=threads), self.dim_f)
        tensor[:, :, : self.silent_bins] = 0
        for network in networks:
            bins = from_channels(network(tensor)[0])
            made = synthesised(bins, self.n_fft, self.hop, sound.shape[-1], threads=threads)
            network.stack(made * np.float32(self.compensate), out)
        return out

    @classmethod
    def recognise(cls, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Mapping[str, Any] | None:
        if len(inputs) != 1 or len(outputs) != 1 or not fits(inputs[0], None, 4, None, None):
            return None
        dim_f, dim_t = inputs[0].shape[2:]
        same = fits(outputs[0], None, 4, dim_f, dim_t)
        if dim_f not in (2048, 2560, 3072) or not isinstance(dim_t, int) or not same:
            return None
        return {"dim_f": dim_f, "dim_t": dim_t}


def check_stft(contract: str, n_fft: int, hop: int, dim_f: int) -> None:
    """Raise ManifestError for an STFT that there is not."""
    if n_fft == 0:
        raise ManifestError(f"the contract {contract} needs the parameter n_fft, which the file itself does not tell")
    if n_fft % 2 or not n_fft // 256 <= hop <= n_fft // 2 or dim_f > n_fft // 2 + 1:
        raise ManifestError(
            f"n_fft {n_fft}, hop {hop} and {dim_f} bins do not go together; n_fft is even, the hop at most its half, "
            "and there are at most n_fft / 2 + 1 bins"
        )
