"""The loop behind phase recovery: bins of all stems, changed round by round.

The signals that belong to the bins go along, so that a round costs one transform to and fro. A change has the
bins of the last round and those that are consistent with them, G(S) = STFT(iSTFT(S)), and fills the next ones, which
have a place of their own, since a few frames come to it twice.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Complex64, Float32
from midistems_graph.node import Audio, Run, Stems, StftSettings
from midistems_nodes.mask.soft import shares
from midistems_nodes.phase.impose import FLOOR, impose
from midistems_nodes.phase.knobs import Method, Start, Wanted
from midistems_nodes.phase.misi import share_error

_FRAMES = 32


class Inversion:
    """Stems on the way to phases that agree with their mixture; arrays have a row per stem and channel.

    `wanted` are the magnitudes: the stems' own, or the mixture's, shared by the stems' ones to a `power`. `signals`,
    float32 [stems * channels, samples], is what the rounds have made so far.
    """

    def __init__(
        self,
        mixture: Audio,
        stems: Stems,
        settings: StftSettings,
        *,
        wanted: Wanted,
        power: float,
        start: Start,
        run: Run,
    ) -> None:
        self._mixture, self._names, self._run, self.channels = mixture, tuple(stems), run, mixture.channels
        self.transform = Stft(settings, mixture.span, threads=run.threads)
        self.whole = self.transform.forward(mixture.samples)
        self.signals = np.concatenate([audio.samples for audio in stems.audio.values()])
        self.bins = self.transform.forward(self.signals)
        self.wanted = np.abs(self.bins)
        if wanted == "shares":
            self._share_mixture(power)
        for row, magnitude in enumerate(self.wanted):
            run.check()
            if start == "mixture":
                self.bins[row] = self.whole[row % self.channels]
            impose(magnitude, self.bins[row])
        self.transform.inverse(self.bins, self.signals)
        self._total = self.wanted.reshape(-1, *self.whole.shape).sum(axis=0) + FLOOR
        self._next, self._spare = np.empty_like(self.bins), np.empty_like(self.signals)
        self._lack = np.empty_like(self.whole)

    def round(self, method: Method, consistency: float) -> None:
        """One round of a method of Magron & Virtanen 2023, with the weight that consistency has."""
        weight = np.float32(consistency)
        if method == "mag_incons_hard_mix":
            self._change(lambda row, place, consistent: self._soft_magnitude(row, place, consistent, weight))
            self._find_lack()
            self._lack /= np.float32(len(self._names))
            for row, bins in enumerate(self.bins):
                self._run.check()
                bins += self._lack[row % self.channels]
            share_error(self._mixture.samples, self.signals, self._spare[: self.channels])
            return
        self._find_lack()
        hard = method == "mix_incons_hard_mag"
        self._change(lambda row, place, consistent: self._soft_mix(row, place, consistent, weight, hard))

    def trusting_round(self, change: Callable[[int, slice, Complex64], None], trusted: npt.NDArray[np.bool_]) -> None:
        """Give what the sum lacks to the trusted bins, to all where none is; then change what is consistent with it."""
        self._find_lack()
        count = trusted.reshape(-1, *self.whole.shape).sum(axis=0, dtype=np.float32)
        stems = np.float32(len(self._names))
        for row, bins in enumerate(self.bins):
            self._run.check()
            channel = row % self.channels
            share = np.where(count[channel] > 0, trusted[row] / np.maximum(count[channel], 1), 1 / stems)
            bins += share.astype(np.float32) * self._lack[channel]
        self.transform.inverse(self.bins, self.signals)
        self._change(change)

    def result(self) -> Stems:
        """The stems, with what they still lack of the mixture shared equally; the signals themselves stay."""
        made = self.signals.copy()
        share_error(self._mixture.samples, made, self._spare[: self.channels])
        named = zip(self._names, np.split(made, len(self._names)), strict=True)
        return Stems({name: self._mixture.with_samples(signal) for name, signal in named}, complete=True)

    def mixing_error(self) -> float:
        """Energy of what the signals lack of the mixture."""
        rest = self._mixture.samples - self.signals.reshape(-1, *self._mixture.samples.shape).sum(axis=0)
        return float(np.vdot(rest, rest))

    def magnitude_error(self) -> float:
        """Energy of the difference between the magnitudes that the signals have and the wanted ones."""
        error = 0.0
        for row in range(len(self.signals)):
            self._run.check()
            have = np.abs(self.transform.forward(self.signals[row : row + 1])[0])
            have -= self.wanted[row]
            error += float(np.vdot(have, have))
        return error

    def _soft_mix(self, row: int, place: slice, consistent: Complex64, weight: np.float32, hard: bool) -> None:
        """(P_mix(S) + s w G(S)) / (1 + s w) with w = A_k / sum A, or its phases with the wanted magnitude."""
        channel = row % self.channels
        share: Float32 = self.wanted[row, place] / self._total[channel, place]
        consistent *= weight * share
        consistent += self.bins[row, place]
        consistent += share * self._lack[channel, place]
        if hard:
            impose(self.wanted[row, place], consistent)
        else:
            consistent /= 1 + weight * share

    def _soft_magnitude(self, row: int, place: slice, consistent: Complex64, weight: np.float32) -> None:
        """(P_mag(S) + s G(S)) / (1 + s)."""
        exact = self.bins[row, place].copy()
        impose(self.wanted[row, place], exact)
        consistent *= weight
        consistent += exact
        consistent /= 1 + weight

    def _change(self, change: Callable[[int, slice, Complex64], None]) -> None:
        def changed(row: int, first: int, bins: Complex64) -> None:
            self._run.check()
            place = slice(first, first + len(bins))
            change(row, place, bins)
            self._next[row, place] = bins

        made = self.transform.rebuild(self.signals, changed, out=self._spare)
        self.signals, self._spare = made, self.signals
        self.bins, self._next = self._next, self.bins

    def _find_lack(self) -> None:
        """What the sum of the bins lacks of the mixture's."""
        self._lack[:] = self.whole
        for row, bins in enumerate(self.bins):
            self._run.check()
            self._lack[row % self.channels] -= bins

    def _share_mixture(self, power: float) -> None:
        for channel, bins in enumerate(self.whole):
            for first in range(0, len(bins), _FRAMES):
                self._run.check()
                rows = self.wanted[channel :: self.channels, first : first + _FRAMES]
                size = np.abs(bins[first : first + _FRAMES])
                for row, share in zip(rows, shares(list(rows), power), strict=True):
                    np.multiply(share, size, out=row)
