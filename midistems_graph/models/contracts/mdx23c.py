"""MDX23C (TFC-TDF v3): all stems from one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.models.contracts.base import Contract, Network, Segments, fits, within
from midistems_graph.models.contracts.mdx import check_stft
from midistems_graph.models.contracts.roformer_mask import mirrored
from midistems_graph.models.grid import Grid
from midistems_graph.models.sessions import Tensor
from midistems_graph.models.spectra import analysed, as_channels, from_channels, synthesised


@dataclass(frozen=True)
class Mdx23c(Contract):
    """[batch, 4, dim_f, dim_t] -> [batch, stems, 4, dim_f, dim_t], or one stem without that axis.

    Bins as left re, left im, right re, right im. Eight segments cover an instant, faded over a tenth of their length.
    """

    id: ClassVar[str] = "mdx23c"
    title: ClassVar[str] = "MDX23C"

    n_fft: int = field(default=8192, metadata=within(0, 65536))
    hop: int = field(default=1024, metadata=within(64, 16384))
    dim_f: int = field(default=4096, metadata=within(1, 32768))
    dim_t: int = field(default=256, metadata=within(2, 8192))

    def __post_init__(self) -> None:
        check_stft("mdx23c", self.n_fft, self.hop, self.dim_f)

    def length(self, wanted: int) -> int:
        return self.hop * (self.dim_t - 1)

    @property
    def numbers(self) -> float:
        return 2.0 * self.dim_f / self.hop

    def grid(self, length: int, overlap: float, total: int) -> Grid:
        return mirrored(length, overlap or 8, total)

    def estimate(self, segments: Segments, networks: Sequence[Network]) -> Float32:
        sound, stems, threads = segments.sound, segments.stems, segments.threads
        out = np.zeros((sound.shape[0], stems, *sound.shape[1:]), np.float32)
        tensor = as_channels(analysed(sound, self.n_fft, self.hop, threads=threads), self.dim_f)
        for network in networks:
            bins = from_channels(network(tensor)[0])
            network.stack(synthesised(bins, self.n_fft, self.hop, sound.shape[-1], threads=threads), out)
        return out

    @classmethod
    def recognise(cls, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Mapping[str, Any] | None:
        if len(inputs) != 1 or len(outputs) != 1 or not fits(inputs[0], None, 4, 4096, None):
            return None
        dim_t = inputs[0].shape[3]
        if inputs[0].shape[2] != 4096 or not isinstance(dim_t, int):
            return None
        return {"dim_f": 4096, "dim_t": dim_t}
