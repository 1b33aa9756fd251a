"""Arithmetic on blocks of spectrogram frames, in place."""

from __future__ import annotations

import numpy as np

from midistems_graph.audio.values import Complex64, Float32

FLOOR = np.float32(1e-18)
"""Magnitudes about as small count as silence, which has no phase."""


def impose(magnitude: Float32, bins: Complex64) -> None:
    """Give bins a magnitude and leave them their phases, in place."""
    scale = np.abs(bins)
    scale += FLOOR
    np.divide(magnitude, scale, out=scale)
    bins *= scale
