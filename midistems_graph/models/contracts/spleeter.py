"""Spleeter: one file per stem, all of which share the mixture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.models.contracts.base import Contract, Network, Segments, fits, one_of
from midistems_graph.models.grid import Grid
from midistems_graph.models.sessions import Tensor
from midistems_graph.models.spectra import added, added_weights, framed, in_threads

N_FFT, HOP, FRAMES, BINS = 4096, 1024, 512, 1024
TINY = np.float32(1e-10)


@dataclass(frozen=True)
class Spleeter(Contract):
    """[2, splits, 512, 1024] -> the same: magnitudes of channels, splits, frames, bins; estimates of one stem's.

    Each stem's share of a bin is its power over the sum of all. Above the 1024 bins the share is nothing (`zeros`), or
    the mean over the frame's bins (`average`: then the stems add up to the mixture). Frames are not centred, the first
    ends where the song begins. Splits do not overlap; their frames do.
    """

    id: ClassVar[str] = "spleeter"
    title: ClassVar[str] = "Spleeter"
    together: ClassVar[bool] = True

    extension: str = field(default="average", metadata=one_of("average", "zeros"))

    def length(self, wanted: int) -> int:
        return (FRAMES - 1) * HOP + N_FFT

    def grid(self, length: int, overlap: float, total: int) -> Grid:
        return Grid(added_weights(FRAMES, N_FFT, HOP), FRAMES * HOP, lead=N_FFT, weighted=True)

    def estimate(self, segments: Segments, networks: Sequence[Network]) -> Float32:
        sound, stems, threads = segments.sound, segments.stems, segments.threads
        count, channels, length = sound.shape
        spectrum = np.empty((count, channels, FRAMES, N_FFT // 2 + 1), np.complex64)
        tensor = np.empty((channels, count, FRAMES, BINS), np.float32)
        each = [(segment, channel) for segment in range(count) for channel in range(channels)]

        def analyse(segment: int, channel: int) -> None:
            bins = spectrum[segment, channel]
            framed(sound[segment, channel], N_FFT, HOP, bins)
            np.abs(bins[:, :BINS], out=tensor[channel, segment])

        in_threads(analyse, each, threads)
        estimates = [network(tensor, batch=1)[0] for network in networks]
        places = [network.rows[0] for network in networks]
        out = np.zeros((count, stems, channels, length), np.float32)

        def synthesise(segment: int, channel: int) -> None:
            bins, made = spectrum[segment, channel], np.zeros((FRAMES, N_FFT // 2 + 1), np.complex64)
            powers = [np.square(estimate[channel, segment]) for estimate in estimates]
            whole = sum(powers, start=np.full_like(powers[0], TINY))
            for place, power in zip(places, powers, strict=True):
                if place is not None:
                    power += TINY / np.float32(len(powers))
                    power /= whole
                    np.multiply(bins[:, :BINS], power, out=made[:, :BINS])
                    if self.extension == "average":
                        np.multiply(bins[:, BINS:], power.mean(axis=1, keepdims=True), out=made[:, BINS:])
                    added(made, N_FFT, HOP, out[segment, place, channel])

        in_threads(synthesise, each, threads)
        return out

    @classmethod
    def recognise(cls, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Mapping[str, Any] | None:
        shaped = len(inputs) == len(outputs) == 1 and fits(inputs[0], 2, None, FRAMES, BINS)
        return {} if shaped and inputs[0].shape[2:] == (FRAMES, BINS) else None
