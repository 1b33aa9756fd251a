"""Masks that sum to one."""

from __future__ import annotations

import numpy as np

from midistems_graph.node import Mask, node
from midistems_nodes.signals import require_match


@node("mask.share", title="Share masks", tags=("normalise", "sum to one"), scratch=2)
def share(target: Mask, others: tuple[Mask, ...]) -> Mask:
    """Scale a mask so that it and the masks of all other sources sum to 1 in every bin.

    Parameters
    ----------
    target
        The mask to scale.
    others
        The masks of all other sources; with none, the mask becomes 1 everywhere.

    Notes
    -----
    Good for masks that come from independent models. Use one node per source, with the masks in turn as target.
    Negative factors count as 0; where all masks are 0, all get equal shares.

    References
    ----------
    M_t / sum_k M_k.
    """
    require_match(target, *others)
    own = np.maximum(target.bins, 0)
    whole = np.array(own)
    for other in others:
        whole += np.maximum(other.bins, 0)
    bins = np.full_like(own, 1 / (1 + len(others)))
    np.divide(own, whole, out=bins, where=whole > 0)
    return target.with_bins(bins)
