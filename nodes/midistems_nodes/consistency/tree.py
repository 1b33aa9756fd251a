"""Stem trees whose children sum to their parents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, NodeError, Run, Stems, node
from midistems_nodes.consistency.mixture import (
    Power,
    SharesFftSize,
    SharesHop,
    Smoothing,
    context,
    mixture_consistency,
)
from midistems_nodes.signals import BLOCK, require_match, total

ROOT = ""
"""The parent of the uppermost stems: the mixture."""


@node(
    "consistency.tree",
    title="Tree consistency",
    tags=("hierarchy", "parent", "child", "null", "residual"),
    context=lambda k: context(k, levels=4),
    libraries=("numpy", "scipy"),
    scratch=1,
)
def tree_consistency(
    mixture: Audio,
    stems: Stems,
    *,
    direction: Literal["top_down", "bottom_up", "reconciled"] = "top_down",
    share: Literal["bins", "energy", "equal"] = "bins",
    power: Power = 2.0,
    smoothing: Smoothing = 0.1,
    n_fft: SharesFftSize = 4096,
    hop: SharesHop = 1024,
    run: Run,
) -> Stems:
    """Make the children in a tree of stems sum to their parents.

    A tree is a set in which `drums` and `drums/kick`, `drums/snare` occur together. Good after a cascade in which
    one model made the drums and another one the parts of the kit.

    Parameters
    ----------
    mixture
        What all uppermost stems together were separated from.
    stems
        The tree. A stem whose parent is not in the set belongs to the next one above it that is.
    direction
        `top_down` trusts parents: the mixture's stems are made to sum to it, then each stem's children to the stem.
        `bottom_up` trusts children: a parent becomes the sum of its children, and the mixture is not looked at.
        `reconciled` trusts all alike: every stem moves as little as possible, and the mixture stays.
    share
        For `top_down`: who gets how much of what is missing, as in Mixture consistency; so do the knobs below.

    Returns
    -------
    Stems
        The same names.

    Notes
    -----
    At most four levels. The node Tree null depth shows how well each family adds up, before and after.

    References
    ----------
    c_j += w_j (p - sum c), sum w = 1, from the root downward. Reconciled: least squares over all trees that add up,
    y = S b with S the sums of leaves b (Hyndman et al., "Optimal combination forecasts for hierarchical time series",
    Computational Statistics & Data Analysis 55(9), 2011, equation 9), under sum b = mixture where the set is complete.
    """
    run.check()
    require_match(mixture, stems)
    families = families_of(list(stems))
    if max(name.count("/") for name in stems) > 3:
        raise NodeError("the tree has more than four levels; take the lowest ones through a node of their own")
    if not stems.complete and direction != "bottom_up":
        run.warn("the uppermost stems may not cover the whole mixture; what has no stem of its own goes to the others")
    match direction:
        case "bottom_up":
            made = _bottom_up(stems, families)
        case "reconciled":
            made = _reconciled(mixture, stems, families, run)
        case "top_down":
            made = dict(stems.audio)
            for parent in [name for name in (ROOT, *stems) if name in families]:
                whole = made[parent] if parent else mixture
                family = Stems({name: made[name] for name in families[parent]}, complete=True)
                made |= mixture_consistency(
                    whole, family, share=share, power=power, smoothing=smoothing, n_fft=n_fft, hop=hop, run=run
                ).audio
    return stems.map({name: made[name] for name in stems})


def families_of(names: Sequence[str]) -> dict[str, list[str]]:
    """The children of every stem that has some, and of the root; parents come before their own children."""
    found: dict[str, list[str]] = {}
    for name in sorted(names, key=lambda name: name.count("/")):
        found.setdefault(parent_of(name, names), []).append(name)
    return {parent: [name for name in names if name in children] for parent, children in found.items()}


def parent_of(name: str, names: Sequence[str]) -> str:
    """The next stem above that is there, else the root."""
    above = name
    while "/" in above:
        above = above.rpartition("/")[0]
        if above in names:
            return above
    return ROOT


def _bottom_up(stems: Stems, families: Mapping[str, Sequence[str]]) -> dict[str, Audio]:
    made = dict(stems.audio)
    for parent in reversed([name for name in families if name != ROOT]):
        made[parent] = made[parent].with_samples(total([made[child] for child in families[parent]]))
    return made


def _reconciled(mixture: Audio, stems: Stems, families: Mapping[str, Sequence[str]], run: Run) -> dict[str, Audio]:
    names = list(stems)
    leaves = [name for name in names if name not in families]
    sums = np.array([[float(name in (leaf, *_above(leaf, names))) for leaf in leaves] for name in names])
    factors = _projection(sums)
    made = [np.empty_like(mixture.samples) for _ in leaves]
    for first in range(0, mixture.span.frames, BLOCK):
        run.check()
        piece = np.s_[:, first : first + BLOCK]
        given = [stems[name].samples[piece] for name in names] + [mixture.samples[piece]]
        for row, leaf in zip(factors, made, strict=True):
            leaf[piece] = _weighted(row, given)
    audio = {leaf: mixture.with_samples(samples) for leaf, samples in zip(leaves, made, strict=True)}
    whole = stems.map({name: audio.get(name, stems[name]) for name in names})
    return _bottom_up(whole, families)


def _projection(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Factors [leaves, stems + 1] that make the leaves of all stems and the mixture.

    The least squares |y - S b|^2 with 1^T b = x: b = G y + h (x - 1^T G y), G = (S^T S)^-1 S^T.
    """
    inverse = np.linalg.inv(sums.T @ sums)
    free = inverse @ sums.T
    lift = inverse.sum(axis=1) / inverse.sum()
    return np.column_stack([free - np.outer(lift, free.sum(axis=0)), lift])


def _weighted(row: npt.NDArray[np.float64], given: Sequence[Float32]) -> Float32:
    made: Float32 = given[0] * np.float32(row[0])
    for factor, part in zip(row[1:], given[1:], strict=True):
        made += part * np.float32(factor)
    return made


def _above(name: str, names: Sequence[str]) -> list[str]:
    found = []
    while name := parent_of(name, names):
        found.append(name)
    return found
