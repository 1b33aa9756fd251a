"""Levels over time in blocks on the song's own grid, so that windows of a song agree, with straight lines between."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import Float32, Span, ceil_div
from midistems_graph.node import Context, Run
from midistems_nodes.signals import BLOCK

Float64 = npt.NDArray[np.float64]


def block_context(seconds: float, blocks: int = 1) -> Context:
    """How far a gain looks that is made of so many blocks around its own one."""
    return Context(samples=2 + blocks, seconds=(1 + blocks) * seconds)


class Blocks:
    """The blocks of some seconds that a span touches; the first and last one may be cut."""

    def __init__(self, span: Span, seconds: float) -> None:
        size = max(1, round(seconds * span.rate))
        first = span.start // size
        self.edges = np.clip(np.arange(first, ceil_div(span.stop, size) + 1) * size, span.start, span.stop) - span.start
        self.count = max(1, len(self.edges) - 1)
        self.centres = (first + np.arange(self.count, dtype=np.float64) + 0.5) * size - 0.5 - span.start

    def energies(self, samples: Float32, run: Run) -> Float64:
        """The energy of samples [channels, samples] in every block."""
        made = np.zeros(self.count)
        for index, (lo, hi) in enumerate(pairwise(self.edges)):
            run.check()
            made[index] = np.vdot(samples[:, lo:hi], samples[:, lo:hi])
        return made

    def gains(self, values: Float64, lo: int, hi: int) -> Float32:
        """A value per sample for the samples from lo to hi, with straight lines between the blocks' centres."""
        return np.interp(np.arange(lo, hi), self.centres, values).astype(np.float32)

    def crossfade(self, before: Float32, after: Float32, values: Float64, run: Run) -> Float32:
        """(1 - g) before + g after, [channels, samples]."""
        made = np.empty_like(before)
        for lo in range(0, made.shape[1], BLOCK):
            run.check()
            hi = min(lo + BLOCK, made.shape[1])
            gain = self.gains(values, lo, hi)
            made[:, lo:hi] = (1 - gain) * before[:, lo:hi] + gain * after[:, lo:hi]
        return made


def decibels(above: Float64 | Sequence[float], below: Float64 | Sequence[float]) -> Float64:
    """10 lg(above / below); -inf where nothing is above, inf where nothing is below but something above."""
    one, other = np.asarray(above, np.float64), np.asarray(below, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(one > 0, 10 * np.log10(one / other), -np.inf)
