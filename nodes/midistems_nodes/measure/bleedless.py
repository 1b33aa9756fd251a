"""Bleedless and fullness: what is too much in an estimate, and what is missing."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Number, Run, StftSettings, Stream, node
from midistems_nodes.measure.bands import mel_filters
from midistems_nodes.ports import Estimate, TrueSource
from midistems_nodes.separate.blocks import frame_blocks

_STFT = StftSettings(4096, 1024)
_BANDS = 512
_RANGE = 80.0
_FLOOR = 1e-10
_FRAMES = 256


class Bleed(NamedTuple):
    bleedless: Number
    fullness: Number


@node(
    "measure.bleedless",
    title="Bleedless and fullness",
    tags=("score", "quality", "bleed", "mvsep"),
    libraries=("numpy", "scipy"),
)
def bleedless(estimate: Stream[Estimate], reference: Stream[TrueSource], *, run: Run) -> Bleed:
    """How little an estimate has too much, and how little it lacks, each from 0 to 100.

    Returns
    -------
    Bleed
        bleedless, 100 where nothing is louder than it should be; fullness, 100 where nothing is quieter.

    Notes
    -----
    Good for comparing with the tables of the stem-separation community, where models are chosen by them. The
    figures hang on settings (FFT of 4096, 512 mel bands, 80 dB range), which are those of the common code.

    References
    ----------
    Music-Source-Separation-Training, `bleed_full`: 100 / (1 + mean of the positive differences in dB), and of the
    negative ones, of mel spectrograms in dB (Slaney's scale), each limited to 80 dB below its own maximum.
    """
    filters = mel_filters(reference.span.rate, _STFT.n_fft, _BANDS)
    last = reference.span.total // _STFT.hop

    def peak(stream: Stream[Audio]) -> float:
        blocks = frame_blocks(stream, _STFT, _FRAMES, run, pad="zeros")
        return max(
            (float(_decibels(bins, frames, last, filters).max(initial=-200)) for frames, bins in blocks), default=0
        )

    floors = [peak(stream) - _RANGE for stream in (estimate, reference)]
    sums, counts = np.zeros(2), np.zeros(2)
    total = max(1, last + 1)
    pairs = zip(*(frame_blocks(s, _STFT, _FRAMES, run, pad="zeros") for s in (estimate, reference)), strict=True)
    for (frames, guess), (_, true) in pairs:
        run.progress(min(1.0, frames.start / total))
        one, other = (
            np.maximum(_decibels(bins, frames, last, filters), floor)
            for bins, floor in zip((guess, true), floors, strict=True)
        )
        difference = (one - other).astype(np.float64)
        for place, part in enumerate((difference[difference > 0], -difference[difference < 0])):
            sums[place] += part.sum()
            counts[place] += part.size
    means = np.where(counts > 0, sums / np.maximum(counts, 1), 0)
    if math.isclose(floors[1], -280):
        run.warn("the reference is silent, so fullness says nothing about the estimate")
    return Bleed(*(Number(float(100 / (1 + mean))) for mean in means))


def _decibels(magnitude: Float32, frames: range, last: int, filters: Float32) -> Float32:
    """Mel bands in dB [channels, frames, bands], of the frames up to the last one that begins a full hop."""
    mel = magnitude[:, : max(0, last + 1 - frames.start)] @ filters
    made: Float32 = 20 * np.log10(np.maximum(mel, np.float32(_FLOOR)))
    return made
