"""Networks from waveform to waveforms, with everything else inside: RoFormer exports, SepFormer, Wave-U-Net."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.models.contracts.base import Contract, Network, Segments, fits, within
from midistems_graph.models.contracts.roformer_mask import mirrored
from midistems_graph.models.grid import Grid, step_of
from midistems_graph.models.manifest import ManifestError
from midistems_graph.models.sessions import Tensor


@dataclass(frozen=True)
class Waveform(Contract):
    """[batch, channels, samples] -> [batch, stems, channels, samples], or one stem without that axis.

    `samples` is the length of a segment (0: any length will do). An output that is shorter than its input by
    2 * `margin` samples lies in its middle. Half of each segment is shared with the next one.
    """

    id: ClassVar[str] = "waveform"
    title: ClassVar[str] = "Waveform"

    samples: int = field(default=352800, metadata=within(0, 1 << 26))
    margin: int = field(default=0, metadata=within(0, 1 << 24))

    def __post_init__(self) -> None:
        if 0 < self.samples <= 2 * self.margin:
            raise ManifestError(f"segments of {self.samples} samples leave nothing between margins of {self.margin}")

    def length(self, wanted: int) -> int:
        return self.samples or max(2 * self.margin + 1, wanted or 352800)

    def grid(self, length: int, overlap: float, total: int) -> Grid:
        if not self.margin:
            return mirrored(length, overlap or 2, total)
        kept = length - 2 * self.margin
        weights = np.zeros(length, np.float32)
        weights[self.margin : length - self.margin] = mirrored(kept, overlap or 2, total).weights
        step = step_of(kept, overlap or 2)
        return Grid(weights, step, lead=self.margin + kept - step, edges="reflect")

    def estimate(self, segments: Segments, networks: Sequence[Network]) -> Float32:
        sound, stems = segments.sound, segments.stems
        out = np.zeros((sound.shape[0], stems, *sound.shape[1:]), np.float32)
        inner = out[..., self.margin : sound.shape[-1] - self.margin]
        for network in networks:
            network.stack(network(sound)[0], inner)
        return out

    @classmethod
    def recognise(cls, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Mapping[str, Any] | None:
        if len(inputs) != 1 or len(outputs) != 1 or not fits(inputs[0], None, None, None):
            return None
        samples = inputs[0].shape[2]
        return {"samples": samples if isinstance(samples, int) else 0}
