"""Multichannel Wiener filtering of stems by expectation maximisation.

Nugraha, Liutkus & Vincent, "Multichannel audio source separation with deep neural networks", IEEE/ACM TASLP 24(9),
2016.
A stem's power in a bin is the mean over its channels, its spatial covariance one matrix per frequency.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import Complex64

EPSILON = 1e-10
LOUDEST = 10.0
"""The mixture is brought below this before: the constants below are absolute."""

Complex128 = npt.NDArray[np.complex128]


def refined(stems: Complex64, mixture: Complex64, rounds: int, window: int) -> None:
    """Share a mixture among stems, in place, in windows of so many frames.

    stems complex64 [stems, channels, frames, bins], mixture [channels, frames, bins].
    """
    for first in range(0, mixture.shape[1], window):
        part = slice(first, first + window)
        at = mixture[:, part].astype(np.complex128)
        loudest = max(1.0, float(np.abs(at).max(initial=0)) / LOUDEST)
        shared = _expectation_maximisation(stems[:, :, part].astype(np.complex128) / loudest, at / loudest, rounds)
        stems[:, :, part] = shared * loudest


def _expectation_maximisation(stems: Complex128, mixture: Complex128, rounds: int) -> Complex128:
    channels = mixture.shape[0]
    floor = np.sqrt(EPSILON) * np.eye(channels)
    x = mixture.transpose(1, 2, 0)  # [frames, bins, channels]
    for _ in range(rounds):
        power = np.mean(np.abs(stems) ** 2, axis=1)  # [stems, frames, bins]
        y = stems.transpose(0, 2, 3, 1)
        spatial = np.einsum("jtfa,jtfb->jfab", y, y.conj()) / (power.sum(axis=1) + EPSILON)[..., None, None]
        whole = np.einsum("jtf,jfab->tfab", power, spatial) + floor
        whitened = (_inverse(whole) @ x[..., None])[..., 0]
        for j, (v, r) in enumerate(zip(power, spatial, strict=True)):
            stems[j] = (v[..., None] * np.einsum("fab,tfb->tfa", r, whitened)).transpose(2, 0, 1)
    return stems


def _inverse(matrices: Complex128) -> Complex128:
    """Inverses along the last two axes, in closed form for stereo."""
    if matrices.shape[-1] != 2:
        return np.asarray(np.linalg.inv(matrices), np.complex128)
    out = np.empty_like(matrices)
    a, b, c, d = matrices[..., 0, 0], matrices[..., 0, 1], matrices[..., 1, 0], matrices[..., 1, 1]
    factor = 1 / (a * d - b * c)
    out[..., 0, 0], out[..., 0, 1], out[..., 1, 0], out[..., 1, 1] = d * factor, -b * factor, -c * factor, a * factor
    return out
