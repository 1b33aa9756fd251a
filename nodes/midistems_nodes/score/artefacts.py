"""The judgement by nervousness: shares of the mixture that flicker are heard as burbling."""

from __future__ import annotations

import math

import numpy as np

from midistems_graph.audio.stem_names import find
from midistems_graph.node import NodeError, Number, Run, Stems, Stream, node
from midistems_nodes.ports import Mixture
from midistems_nodes.score.spectra import spectra

_FLOOR = np.float32(1e-9)


@node(
    "score.artefacts",
    title="By steadiness of shares",
    tags=("scorer", "blind", "musical noise", "burble", "artefact"),
    scorer=True,
    libraries=("numpy", "scipy"),
)
def artefacts(
    mixture: Stream[Mixture],
    stems: Stream[Stems],
    *,
    stem: str = "",
    run: Run,
) -> Number:
    """How steadily stems share the mixture: 1 if every bin is shared as its neighbours are, less where shares flicker.

    Parameters
    ----------
    stems
        What is judged: two stems or more.
    stem
        Only this stem; without a name all.

    Returns
    -------
    Number
        From 0 to 1.

    Notes
    -----
    Musical noise is made of single bins that come and go. This scorer does not hear bleed: the mixture itself, divided
    among the stems, is perfectly steady. So weigh it together with one that does.

    References
    ----------
    1 - sum |x| |m_t - (m_t-1 + m_t+1) / 2| / sum |x| over frames t and bins, m = min(1, |s| / |x|) the share of a stem.
    """
    nervous = loud = 0.0
    for whole, parts in spectra(mixture, stems, run):
        wanted = find(stem, parts) if stem else list(parts)
        if not wanted:
            raise NodeError(f"there is no stem called {stem!r}; there are {', '.join(parts)}")
        size = np.abs(whole)
        weight = size[:, 1:-1]
        for name in wanted:
            share = np.minimum(1, np.abs(parts[name]) / (size + _FLOOR))
            nervous += float((weight * np.abs(share[:, 1:-1] - (share[:, :-2] + share[:, 2:]) / 2)).sum())
            loud += float(weight.sum())
    return Number(1 - nervous / loud if loud else math.nan)
