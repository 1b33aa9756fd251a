"""A mixing desk for stems of several models: every stem of the result is a weighted sum of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import numpy as np

from midistems_graph.audio.stem_names import find
from midistems_graph.audio.values import Float32
from midistems_graph.node import Features, NodeError, Range, Run, Scores, Stems, Stream, node
from midistems_nodes.measure.streams import chunks
from midistems_nodes.signals import BLOCK, require_match, require_some

Weights = Annotated[tuple[float, ...], Range(-100, 100)]


@node(
    "blend.mixer", title="Linear mixer", tags=("ensemble", "weights", "matrix", "least squares"), libraries=("numpy",)
)
def mixer(
    estimates: tuple[Stems, ...],
    fitted: Features | None = None,
    *,
    names: tuple[str, ...] = ("vocals", "instrumental"),
    weights: Weights = (),
    run: Run,
) -> Stems:
    """Make stems of several models' stems, each by weights of its own.

    Good for ensembles in which models differ in what they are good at: voice from one, drums mostly from another. The
    node Fit mixer finds the best weights on a song whose true stems are known; keep them here as numbers.

    Parameters
    ----------
    estimates
        Stem sets of any models; names may differ from set to set.
    fitted
        Weights from a Fit mixer node, instead of those below.
    names
        The stems to make.
    weights
        For each stem to make, in the order of `names`, one number per incoming stem, set by set in their order; none
        for averages of the stems that have its name.

    Returns
    -------
    Stems
        The stems that `names` lists.

    References
    ----------
    y_i = sum_k W_ik x_k over all stems of all sets.
    """
    require_some("estimates", estimates)
    require_match(*estimates)
    parts = [audio.samples for stems in estimates for audio in stems.audio.values()]
    matrix = _matrix(estimates, fitted, names, weights)
    made = {}
    for name, row in zip(names, matrix, strict=True):
        samples = np.zeros_like(parts[0])
        for first in range(0, samples.shape[1], BLOCK):
            run.check()
            piece = np.s_[:, first : first + BLOCK]
            for weight, part in zip(row, parts, strict=True):
                if weight:
                    samples[piece] += weight * part[piece]
        made[name] = estimates[0][next(iter(estimates[0]))].with_samples(samples)
    return Stems(made)


class Fit(NamedTuple):
    fitted: Features
    table: Scores


@node(
    "blend.fit_mixer",
    title="Fit mixer",
    tags=("ensemble", "least squares", "weights", "reference"),
    libraries=("numpy",),
)
def fit_mixer(
    estimates: tuple[Stream[Stems], ...],
    references: Stream[Stems],
    *,
    stiffness: Annotated[float, Range(0, 10)] = 0.001,
    run: Run,
) -> Fit:
    """Find the weights with which several models' stems come nearest to the true ones.

    Good for setting a Linear mixer once, on a song (or several, joined) with known stems; then copy the table's numbers
    into its `weights`, row by row, for songs of the same kind.

    Parameters
    ----------
    estimates
        Stem sets of any models, in the order in which the mixer gets them.
    references
        The true stems.
    stiffness
        Pulls weights towards 0, relative to the loudness of the stems; keeps them small where models hardly differ.

    Returns
    -------
    Fit
        fitted, for the mixer's port of that name; table, a row per stem with a weight per incoming stem.

    References
    ----------
    Ridge regression: W = R X^T (X X^T + s tr(X X^T) / n I)^-1, over all samples and channels of the song.
    """
    require_some("estimates", estimates)
    products: np.ndarray[tuple[int, int], np.dtype[np.float64]] | None = None
    inputs: list[str] = []
    names: list[str] = []
    for *sets, true in chunks((*estimates, references), BLOCK, run.progress):
        inputs = [f"{number}:{name}" for number, stems in enumerate(sets, 1) for name in stems]
        names = list(true)
        rows = [audio.samples for stems in (*sets, true) for audio in stems.audio.values()]
        stack = np.stack([row.reshape(-1) for row in rows]).astype(np.float64)
        gram = stack @ stack.T
        products = gram if products is None else products + gram
    if products is None:
        return Fit(Features({}), Scores({}))
    count = len(inputs)
    own, shared = products[:count, :count], products[count:, :count]
    ridge = stiffness * np.trace(own) / count
    solved = np.linalg.lstsq(own + ridge * np.eye(count), shared.T, rcond=None)[0].T
    table = {name: dict(zip(inputs, map(float, row), strict=True)) for name, row in zip(names, solved, strict=True)}
    return Fit(Features(dict(zip(names, solved.astype(np.float32), strict=True))), Scores(table))


def _matrix(
    estimates: Sequence[Stems], fitted: Features | None, names: tuple[str, ...], weights: tuple[float, ...]
) -> Float32:
    """One row per stem to make, one column per incoming stem."""
    inputs = [(number, name) for number, stems in enumerate(estimates) for name in stems]
    shape = (len(names), len(inputs))
    if fitted is not None:
        rows = [fitted.arrays[found[0]] for name in names if (found := find(name, fitted.arrays))]
        if len(rows) < len(names) or any(len(row) != len(inputs) for row in rows):
            raise NodeError(
                f"the fit has the stems {', '.join(fitted.arrays) or 'none'}, but {', '.join(names)} are wanted of "
                f"{len(inputs)} incoming ones; connect the same sets in the same order, and name its stems"
            )
        return np.asarray(rows, np.float32)
    if weights:
        if len(weights) != shape[0] * shape[1]:
            raise NodeError(
                f"weights has {len(weights)} numbers, but {shape[0]} stems of {shape[1]} incoming ones need "
                f"{shape[0] * shape[1]}; give them stem by stem, or none"
            )
        return np.asarray(weights, np.float32).reshape(shape)
    made = np.zeros(shape, np.float32)
    for row, name in zip(made, names, strict=True):
        for column, (number, other) in enumerate(inputs):
            row[column] = other in find(name, estimates[number])
        if not row.any():
            raise NodeError(f"no incoming set has a stem {name!r}; name one that is there, or give weights")
        row /= row.sum()
    return made
