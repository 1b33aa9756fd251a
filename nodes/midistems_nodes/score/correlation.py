"""The judgement by likeness: what two stems share has bled from one into the other."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np

from midistems_graph.audio.values import Complex64
from midistems_graph.node import Number, Run, Stems, Stream, node
from midistems_nodes.ports import Mixture
from midistems_nodes.score.spectra import spectra

_BINS = 8
"""Neighbouring bins whose likeness is judged together."""


@node(
    "score.correlation",
    title="By likeness of stems",
    tags=("scorer", "blind", "correlation", "coherence", "bleed"),
    scorer=True,
    libraries=("numpy", "scipy"),
)
def correlation(mixture: Stream[Mixture], stems: Stream[Stems], *, run: Run) -> Number:
    """How unlike each other stems are, as one number: 1 if they share nothing, 0 if they are the same.

    Parameters
    ----------
    stems
        What is judged: two stems or more.

    Returns
    -------
    Number
        From 0 to 1.

    Notes
    -----
    Different instruments have nothing in common in a narrow band for a second or two; what two stems share there is
    bleed. Judges separators that keep apart what they tear, too: hard masks share nothing. Silent stems share nothing
    either.

    References
    ----------
    1 - sum |<a, b>| / sum |a| |b| over pairs of stems, bands of eight bins and pieces of 128 frames: the magnitude of
    their coherence, weighted by how loud both are.
    """
    shared = loud = 0.0
    for _, parts in spectra(mixture, stems, run):
        energies = {name: _by_band(bins * bins.conj()).real for name, bins in parts.items()}
        for (one, a), (other, b) in combinations(parts.items(), 2):
            shared += float(np.abs(_by_band(a * b.conj())).sum())
            loud += float(np.sqrt(energies[one] * energies[other]).sum())
    return Number(1 - shared / loud if loud else math.nan)


def _by_band(products: Complex64) -> Complex64:
    """Sums over frames and over neighbouring bins: [channels, bands]."""
    return np.add.reduceat(products.sum(axis=1), range(0, products.shape[2], _BINS), axis=1)
