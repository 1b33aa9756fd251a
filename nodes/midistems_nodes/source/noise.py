"""White and pink noise that is the same in every window."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import scipy

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Range, Run, node
from midistems_nodes.source.level import Channels, Level

HOP = 8192
"""Noise is drawn in absolute blocks of twice so many samples, each overlapping the next by half."""


@node("source.noise", tags=("white", "pink", "test"), derived=True, keeps_gain=False, libraries=("numpy", "scipy"))
def noise(
    *,
    colour: Literal["white", "pink"] = "white",
    level: Level = -20.0,
    seed: Annotated[int, Range(0, 2**31 - 1)] = 0,
    channels: Channels = 2,
    run: Run,
) -> Audio:
    """Gaussian noise as long as the song, independent on every channel.

    Parameters
    ----------
    colour
        White noise has equal power in every hertz, pink noise in every octave.
    level
        RMS level, relative to full scale (a full-scale square wave has 0 dB). Peaks go about 12 dB higher.
    seed
        Another number gives other noise of the same kind; the same number always gives the same samples.
    channels
        How many channels to make.

    Notes
    -----
    Good for test mixtures, for dither, and for measuring what a chain does to an even spectrum. Any window of the
    song holds the very samples that the whole song has there.

    References
    ----------
    Blocks of white noise, drawn from (seed, channel, block), are weighted by f^(-1/2) in frequency for pink noise and
    overlap-added under a sine window, whose squares sum to one, so that the power is even. Below rate / 16384
    (2.7 Hz at 44.1 kHz) pink noise is flat, and there is no constant part.
    """
    span = run.span
    factor = np.float32(10 ** (level / 20))
    shape = _weights(colour) * factor
    rise = np.sin(np.pi / (4 * HOP) * (2 * np.arange(HOP) + 1)).astype(np.float32)
    samples = np.zeros((channels, span.frames), np.float32)
    blocks = range(span.start // HOP, -(-span.stop // HOP))
    for channel in range(channels):
        before = _block(seed, channel, blocks.start, shape)[HOP:]
        for number in blocks:
            run.progress((channel + (number - blocks.start) / len(blocks)) / channels)
            block = _block(seed, channel, number + 1, shape)
            piece = before * rise[::-1] + block[:HOP] * rise
            lo, hi = max(span.start, number * HOP), min(span.stop, (number + 1) * HOP)
            samples[channel, lo - span.start : hi - span.start] = piece[lo - number * HOP : hi - number * HOP]
            before = block[HOP:]
    return Audio(samples, span)


def _weights(colour: str) -> Float32:
    """Factors of the block's frequencies, so that its mean power is one."""
    bins = np.arange(HOP + 1, dtype=np.float64)
    weights = np.ones(HOP + 1) if colour == "white" else 1 / np.sqrt(np.maximum(bins, 1))
    weights[0] = 0
    both_sides = np.concatenate([weights, weights[1:-1]])
    return np.asarray(weights / np.sqrt(np.mean(both_sides**2)), np.float32)


def _block(seed: int, channel: int, number: int, shape: Float32) -> Float32:
    """Block `number`, which begins HOP samples before the absolute sample number * HOP."""
    white = np.random.default_rng([seed, channel, number]).standard_normal(2 * HOP, np.float32)
    return np.asarray(scipy.fft.irfft(scipy.fft.rfft(white) * shape, 2 * HOP), np.float32)
