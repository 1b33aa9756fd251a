"""How exactly stems sum to their mixture."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Number, Run, Scores, Stems, Stream, node
from midistems_nodes.consistency.tree import ROOT, families_of
from midistems_nodes.measure.ratios import ratio_db
from midistems_nodes.measure.streams import side_by_side
from midistems_nodes.ports import Mixture
from midistems_nodes.signals import total


@node("measure.null_depth", tags=("null test", "residual", "sum"), libraries=("numpy",), scratch=0.3)
def null_depth(mixture: Stream[Mixture], stems: Stream[Stems], *, run: Run) -> Number:
    """How far below the music the difference of the mixture and the sum of its stems lies.

    Parameters
    ----------
    stems
        All stems of it.

    Notes
    -----
    Good for checking that a cascade lost nothing: -120 dB and below is exact for float files, -90 dB is about what
    16-bit files can hold. A difference of nothing at all has -inf.

    References
    ----------
    10 lg(|x - sum_k s_k|^2 / max(|x|^2, max_k |s_k|^2)), energies over the whole song and all channels; the stems are
    summed in float32 in the order of the set.
    """
    energies: dict[str, float] = defaultdict(float)
    difference = 0.0
    for whole, parts in side_by_side(mixture, stems, run):
        energies[""] += _energy(whole.samples)
        for name, audio in parts.audio.items():
            energies["/" + name] += _energy(audio.samples)
        difference += _energy(whole.samples - total(list(parts.audio.values())))
    return Number(ratio_db(difference, max(energies.values(), default=0.0)), "dB")


@node("measure.tree_null_depth", tags=("null test", "tree", "residual", "sum"), libraries=("numpy",), scratch=0.3)
def tree_null_depth(mixture: Stream[Audio], stems: Stream[Stems], *, run: Run) -> Scores:
    """How well every family in a tree of stems adds up to its parent.

    Parameters
    ----------
    mixture
        What the uppermost stems were separated from.
    stems
        The tree: `drums`, `drums/kick`, and so on.

    Returns
    -------
    Scores
        A row per parent, `mixture` for the uppermost one, with its null depth in dB.

    References
    ----------
    As the node Null depth, with the parent in the place of the mixture.
    """
    energies: dict[str, float] = defaultdict(float)
    differences: dict[str, float] = defaultdict(float)
    families: dict[str, list[str]] = {}
    for whole, parts in side_by_side(mixture, stems, run):
        families = families or families_of(list(parts))
        energies[ROOT] += _energy(whole.samples)
        for name, audio in parts.audio.items():
            energies[name] += _energy(audio.samples)
        for parent, children in families.items():
            above = parts[parent] if parent else whole
            differences[parent] += _energy(above.samples - total([parts[child] for child in children]))
    rows = {
        parent or "mixture": {
            "null_depth": ratio_db(differences[parent], max(energies[n] for n in (parent, *children)))
        }
        for parent, children in families.items()
    }
    return Scores(rows, {"null_depth": "dB"})


def _energy(samples: Float32) -> float:
    return float(np.sum(np.square(samples, dtype=np.float64)))
