"""HTDemucs with its STFT inside the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.models.contracts.base import Contract, Network, Segments, fits, within
from midistems_graph.models.grid import Grid, step_of, triangle
from midistems_graph.models.sessions import Tensor

SEGMENT = 343980
"""7.8 s at 44100 Hz."""


@dataclass(frozen=True)
class HtdemucsWaveform(Contract):
    """[batch, 2, 343980] -> [batch, stems, 2, 343980].

    A quarter of each segment is shared with the next one, weighted by triangles; a last segment that leaves the song is
    centred among its real neighbours. Of the files of a fine-tuned bag each gives one row.
    """

    id: ClassVar[str] = "htdemucs-waveform"
    title: ClassVar[str] = "HTDemucs, whole"
    normalises: ClassVar[bool] = True

    samples: int = field(default=SEGMENT, metadata=within(1024, 1 << 26))

    def length(self, wanted: int) -> int:
        return self.samples

    def grid(self, length: int, overlap: float, total: int) -> Grid:
        return demucs_grid(length, overlap)

    def estimate(self, segments: Segments, networks: Sequence[Network]) -> Float32:
        sound, stems = segments.sound, segments.stems
        out = np.zeros((sound.shape[0], stems, *sound.shape[1:]), np.float32)
        for network in networks:
            network.stack(network(sound)[0], out)
        return out

    @classmethod
    def recognise(cls, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Mapping[str, Any] | None:
        shaped = len(inputs) == len(outputs) == 1 and fits(inputs[0], None, 2, SEGMENT)
        return {} if shaped and inputs[0].shape[2] == SEGMENT else None


def demucs_grid(length: int, overlap: float) -> Grid:
    """Segments as Demucs lays them: from the song's first sample on, a quarter shared."""
    step = step_of(length, overlap) if overlap else length * 3 // 4  # a step is rounded down there
    return Grid(triangle(length), step, centred=True)
