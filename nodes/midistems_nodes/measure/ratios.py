"""Energy ratios of an estimate and its reference, gathered block by block in float64.

All channels together count as one signal, as in Le Roux et al. 2019 for one long vector; only means are taken off
channel by channel. The difference d = estimate - reference is gathered, not the estimate, so that figures stay exact
up to some 150 dB when the two are nearly equal.
"""

from __future__ import annotations

import math

import numpy as np

from midistems_graph.audio.values import Float32


class Ratios:
    """SI-SDR, SDR and level of all that was added so far, in dB.

    A silent reference has no ratio: NaN. A silent estimate of a sounding reference has an SI-SDR of -inf and an SDR
    of 0 dB; a perfect one has inf.
    """

    def __init__(self, channels: int) -> None:
        self._count = 0
        self._sums = np.zeros((2, channels))
        self._products = np.zeros((3, channels))

    def add(self, estimate: Float32, reference: Float32) -> None:
        """The next samples of both, float32 [channels, any number]."""
        s = reference.astype(np.float64)
        d = estimate - s
        self._count += s.shape[1]
        self._sums += [s.sum(axis=1), d.sum(axis=1)]
        self._products += [np.einsum("cn,cn->c", a, b) for a, b in ((s, s), (d, d), (s, d))]

    def si_sdr(self, *, zero_mean: bool = False) -> float:
        """10 lg(|a s|^2 / |a s - e|^2) with a = <e, s> / |s|^2."""
        s, d = self._sums
        means = np.stack([s * s, d * d, s * d]) / max(1, self._count) if zero_mean else 0
        ss, dd, sd = (self._products - means).sum(axis=1)
        if ss <= 0:
            return math.nan
        error = max(0.0, dd - sd * sd / ss)
        return ratio_db((1 + sd / ss) ** 2 * ss, error)

    @property
    def sdr(self) -> float:
        """10 lg(|s|^2 / |s - e|^2)."""
        ss, dd, _ = self._products.sum(axis=1)
        return ratio_db(ss, dd) if ss else math.nan

    @property
    def level(self) -> float:
        """10 lg(|e|^2 / |s|^2): how much louder the estimate is."""
        ss, dd, sd = self._products.sum(axis=1)
        return ratio_db(max(0.0, ss + 2 * sd + dd), ss) if ss else math.nan


def ratio_db(above: float, below: float) -> float:
    """A ratio of energies in dB; -inf if nothing is above, else inf if nothing is below."""
    if above <= 0:
        return -math.inf
    return 10 * math.log10(above / below) if below > 0 else math.inf
