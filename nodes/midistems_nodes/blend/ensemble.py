"""One estimate of several, sample by sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, NodeError, Range, Run, node, stem_by_stem
from midistems_nodes.blend.order import extreme, median
from midistems_nodes.ports import Member
from midistems_nodes.signals import BLOCK, Signal, merge_audio, require_some


@node(
    "blend.ensemble",
    title="Ensemble (waveform)",
    tags=("average", "median", "min", "max"),
    libraries=("numpy",),
    apart=stem_by_stem,
    scratch=0.3,
)
def ensemble(
    estimates: tuple[Member[Signal], ...],
    *,
    method: Literal["average", "median", "min", "max"] = "average",
    weights: Annotated[tuple[float, ...], Range(0, 1000)] = (),
    run: Run,
) -> Signal:
    """Make one estimate of several models' estimates of the same thing.

    Parameters
    ----------
    method
        `average` lowers errors that differ from model to model; `median` drops outliers; `min` takes the smallest
        sample (least bleed, more holes), `max` the largest (fullest, most bleed), both by absolute value.
    weights
        For `average`: one number per estimate, how much it counts; none for equal weights.

    Notes
    -----
    Good for combining models of different families. In the spectrum, see the spectral ensemble, min and max sound
    smoother.

    References
    ----------
    Average: sum_k w_k x_k / sum_k w_k. Min and max keep the sign of the sample that wins, the earliest of equals.
    """
    require_some("estimates", estimates)
    factors = weight_factors(method, weights, len(estimates))

    def merge(parts: Sequence[Audio]) -> Audio:
        samples = np.empty_like(parts[0].samples)
        for first in range(0, samples.shape[1], BLOCK):
            run.check()
            piece = np.s_[:, first : first + BLOCK]
            samples[piece] = _METHODS[method]([part.samples[piece] for part in parts], factors)
        return parts[0].with_samples(samples)

    return merge_audio(estimates, merge)


def weight_factors(method: str, weights: tuple[float, ...], count: int) -> Float32:
    """What every estimate counts in an average; they sum to 1."""
    if not weights or method != "average":
        return np.full(count, 1 / count, np.float32)
    if len(weights) != count or sum(weights) == 0:
        raise NodeError(
            f"weights has {len(weights)} numbers for {count} estimates; give one per estimate, not all 0, or none"
        )
    return np.asarray(np.array(weights) / sum(weights), np.float32)


def _average(parts: list[Float32], factors: Float32) -> Float32:
    whole: Float32 = parts[0] * factors[0]
    for part, factor in zip(parts[1:], factors[1:], strict=True):
        whole += part * factor
    return whole


_METHODS: dict[str, Callable[[list[Float32], Float32], Float32]] = {
    "average": _average,
    "median": lambda parts, factors: median(parts),
    "min": lambda parts, factors: extreme(parts, largest=False),
    "max": lambda parts, factors: extreme(parts, largest=True),
}
