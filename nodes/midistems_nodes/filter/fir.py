"""Linear-phase FIR filters: design by windowed sinc, exact fast convolution.

Half the taps is also the context of the nodes that use them: it follows from the transition width
alone, not from the sample rate.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Annotated

import numpy as np
import scipy

from midistems_graph.audio.values import Float32, ceil_seconds
from midistems_graph.node import Context, Range, Run

Cutoff = Annotated[float, Range(5, 96000, "Hz", "log")]
Width = Annotated[
    float,
    Range(5, 5000, "Hz", "log"),
    "From fully passed to stopped by 100 dB. Narrow is steep, but rings longer: about 3.2 s / width to either side.",
]

ATTENUATION = 100.0
"""Stop-band attenuation in dB."""

_BETA = 0.1102 * (ATTENUATION - 8.7)
_BLOCK = 1 << 17


def reach(width: float) -> Context:
    """How far a filter of that transition width (Hz) looks to either side.

    Kaiser's estimate of the order: N = (A - 7.95) / (2.285 dw), dw the width in radians per sample.
    """
    return Context(samples=1, seconds=Fraction((ATTENUATION - 7.95) / (2 * 2.285 * 2 * math.pi * width)))


def lowpass_taps(cutoff: float, width: float, rate: int) -> Float32:
    """Taps [2 h + 1] of a low-pass whose gain is 1/2 at the cutoff and 1 at 0 Hz; `width` Hz from pass to stop.

    At a cutoff of half the rate or more it passes everything (Oppenheim & Schafer, Discrete-Time Signal Processing,
    section 7.5).
    """
    half = ceil_seconds(Fraction(reach(width).seconds), rate)
    offset = np.arange(-half, half + 1)
    if cutoff >= rate / 2:
        return np.asarray(offset == 0, np.float32)
    taps = np.sinc(2 * cutoff / rate * offset) * np.kaiser(len(offset), _BETA)
    return np.asarray(taps / taps.sum(), np.float32)


def complement(taps: Float32) -> Float32:
    """The taps that pass what these ones stop: their outputs sum to the input."""
    rest = -taps
    rest[len(taps) // 2] += 1
    return rest


def convolve(samples: Float32, taps: Float32, run: Run) -> Float32:
    """Samples [channels, samples] through the filter without delay, silence beyond both ends (overlap-save)."""
    half, length = len(taps) // 2, samples.shape[1]
    n_fft = scipy.fft.next_fast_len(min(max(4 * len(taps), _BLOCK), length + 2 * half), real=True)
    step = n_fft - 2 * half
    response = scipy.fft.rfft(taps, n_fft)
    result = np.empty_like(samples)
    for channel, signal in enumerate(samples):
        for start in range(0, length, step):
            run.check()
            piece = np.zeros(n_fft, np.float32)
            lo, hi = max(0, start - half), min(length, start + step + half)
            if not signal[lo:hi].any():  # rounding must not turn silence into noise, nor cost time
                result[channel, start : start + step] = 0
                continue
            piece[lo - start + half : hi - start + half] = signal[lo:hi]
            filtered = scipy.fft.irfft(scipy.fft.rfft(piece) * response, n_fft)
            stop = min(start + step, length)
            result[channel, start:stop] = filtered[2 * half : 2 * half + stop - start]
    return result
