"""HTDemucs whose STFT is outside: its core takes a waveform and a spectrogram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from midistems_graph.audio.values import Float32, ceil_div
from midistems_graph.models.contracts.base import Contract, Network, Segments, fits, within
from midistems_graph.models.contracts.htdemucs_waveform import SEGMENT, demucs_grid
from midistems_graph.models.grid import Grid
from midistems_graph.models.sessions import Tensor
from midistems_graph.models.spectra import analysed, as_channels, from_channels, synthesised

N_FFT, HOP = 4096, 1024
SCALE = np.float32(1 / 64)
"""The STFT is divided by the root of its size."""

OUTER = HOP // 2 * 3
"""Samples that are mirrored at both ends before the STFT."""


@dataclass(frozen=True)
class Htdemucs(Contract):
    """Waveform [batch, 2, 343980] and spectrogram [batch, 4, 2048, 336] -> spectrograms [batch, stems, 4, 2048, 336]
    and waveforms [batch, stems, 2, 343980], whose sum is the stem.

    The spectrogram as left re, left im, right re, right im, without the highest bin, of frames 2 and on of the segment
    with its ends mirrored by 1536 samples; or real and imaginary parts apart, [batch, 2, 2048, 336] each, in and out.
    Segments lie as in the whole HTDemucs.
    """

    id: ClassVar[str] = "htdemucs"
    title: ClassVar[str] = "HTDemucs, core"
    normalises: ClassVar[bool] = True

    samples: int = field(default=SEGMENT, metadata=within(8192, 1 << 26))

    def length(self, wanted: int) -> int:
        return self.samples

    @property
    def numbers(self) -> float:
        return 5.0  # the sound, and an STFT with a hop of a quarter

    def grid(self, length: int, overlap: float, total: int) -> Grid:
        return demucs_grid(length, overlap)

    def estimate(self, segments: Segments, networks: Sequence[Network]) -> Float32:
        sound, stems, threads = segments.sound, segments.stems, segments.threads
        n, channels, length = sound.shape
        frames = ceil_div(length, HOP)
        around = ((0, 0), (0, 0), (OUTER, OUTER + frames * HOP - length))
        spectrum = analysed(np.pad(sound, around, mode="reflect"), N_FFT, HOP, threads=threads)
        tensor = as_channels(spectrum[:, :, 2 : 2 + frames], N_FFT // 2)
        tensor *= SCALE
        waves = np.zeros((n, stems, channels, length), np.float32)
        whole = np.zeros((n, stems, channels, frames + 4, N_FFT // 2 + 1), np.complex64)
        bins = whole[..., 2 : 2 + frames, : N_FFT // 2]
        for network in networks:
            made = network(*_fed(network.inputs, sound, tensor))
            spectra = [output for output in made if output.ndim == 5]
            if len(spectra) == 2:  # real and imaginary parts apart
                spectra = [np.stack(spectra, axis=3).reshape(n, -1, *tensor.shape[1:])]
            for place, row in network.placed(spectra[0]):
                from_channels(row, bins[:, place])
            for output in made:
                if output.ndim == 4:
                    network.stack(output, waves)
        inverse = synthesised(whole, N_FFT, HOP, frames * HOP + 2 * OUTER, threads=threads)
        waves += inverse[..., OUTER : OUTER + length] / SCALE
        return waves

    @classmethod
    def recognise(cls, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Mapping[str, Any] | None:
        if not 2 <= len(inputs) <= 3 or len(inputs) != len(outputs):
            return None
        wave = next((each for each in inputs if fits(each, None, 2, None)), None)
        bins = [each for each in inputs if len(each.shape) == 4 and each.shape[2] == N_FFT // 2]
        if wave is None or len(bins) != len(inputs) - 1:
            return None
        samples = wave.shape[2]
        return {"samples": samples} if isinstance(samples, int) else {}


def _fed(inputs: Sequence[Tensor], sound: Float32, tensor: Float32) -> list[Float32]:
    """What each input takes: the waveform, the spectrogram, or its real and then its imaginary part."""
    parts = iter((tensor[:, 0::2], tensor[:, 1::2]))
    return [sound if len(t.shape) == 3 else tensor if t.shape[1] == 4 else next(parts) for t in inputs]
