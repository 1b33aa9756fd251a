"""The judgement by place: two stems that sound at the same pitch and moment are not told apart well."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np

from midistems_graph.node import Number, Run, Stems, Stream, node
from midistems_nodes.measure.bands import mel_filters
from midistems_nodes.ports import Mixture
from midistems_nodes.score.spectra import settings_at, spectra

_BANDS = 128


@node(
    "score.overlap",
    title="By overlap of envelopes",
    tags=("scorer", "blind", "envelope", "disjoint", "bleed"),
    scorer=True,
    libraries=("numpy", "scipy"),
)
def overlap(mixture: Stream[Mixture], stems: Stream[Stems], *, run: Run) -> Number:
    """How seldom two stems sound in the same band at the same moment: 1 if never, 0 if always and alike.

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
    Sounds of different sources rarely meet in one narrow band; where stems do, one of them has bled. A set that gives
    everything to one stem overlaps nowhere, so weigh this scorer together with others.

    References
    ----------
    1 - sum min(a, b) / sum max(a, b) over pairs of stems, 128 mel bands and frames, a and b the envelopes (root mean
    squares); after the disjointness of Yilmaz & Rickard, IEEE Trans. Signal Processing 52(7), 2004.
    """
    filters = mel_filters(mixture.span.rate, settings_at(mixture.span.rate).n_fft, _BANDS)
    shared = loud = 0.0
    for _, parts in spectra(mixture, stems, run):
        envelopes = [np.sqrt(np.square(np.abs(bins)) @ filters) for bins in parts.values()]
        for one, other in combinations(envelopes, 2):
            shared += float(np.minimum(one, other).sum(dtype=np.float64))
            loud += float(np.maximum(one, other).sum(dtype=np.float64))
    return Number(1 - shared / loud if loud else math.nan)
