"""From one stage of a cascade to the next without jumps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import ceil_div
from midistems_graph.node import Audio, Context, Range, Run, Stems, node
from midistems_nodes.signals import BLOCK, Signal, require_match, require_names


@node(
    "consistency.stages",
    title="Stage crossfade",
    tags=("transition", "smooth", "fall back", "refine"),
    context=lambda k: Context(samples=2, seconds=2 * k.smoothing),
    libraries=("numpy",),
)
def stages(
    earlier: Signal,
    later: Signal,
    *,
    trust: Annotated[float, Range(-80, 40, "dB")] = -6.0,
    width: Annotated[float, Range(0.1, 40, "dB")] = 6.0,
    smoothing: Annotated[float, Range(0.005, 10, "s", "log")] = 0.1,
    run: Run,
) -> Signal:
    """Follow a later stage where it refines, and fall back to the earlier one where it changes too much.

    Good behind any refinement (phase recovery, a second pass, a gate): moments at which it runs away are bridged by
    what there was before, in smooth transitions.

    Parameters
    ----------
    earlier
        What went into the later stage: audio, or a stem set.
    later
        What came out of it, with the same names.
    trust
        How loud the change may be against the earlier stage before it is distrusted.
    width
        Over so many dB above `trust` the earlier stage takes over.
    smoothing
        How fast one stage passes into the other.

    Returns
    -------
    Signal
        For a set, all stems pass over together, so two sets that add up to the mixture still do.

    References
    ----------
    y = (1 - g) a + g b with g = clip(1 - (D - trust) / width, 0, 1), D = 10 lg(sum_k |b_k - a_k|^2 / sum_k |a_k|^2) in
    blocks on the song's own grid, with straight lines between their centres.
    """
    require_match(earlier, later)
    if isinstance(earlier, Stems) and isinstance(later, Stems):
        require_names(earlier, later)
    before, after = _parts(earlier), _parts(later)
    after = [after[list(_names(later)).index(name)] for name in _names(earlier)]
    span, block = earlier.span, max(1, round(smoothing * earlier.rate))
    first = span.start // block
    edges = np.clip(np.arange(first, ceil_div(span.stop, block) + 1) * block, span.start, span.stop) - span.start
    gains = np.ones(max(1, len(edges) - 1))
    for index, (lo, hi) in enumerate(pairwise(edges)):
        run.check()
        change = sum(_energy(b.samples[:, lo:hi] - a.samples[:, lo:hi]) for a, b in zip(before, after, strict=True))
        whole = sum(_energy(a.samples[:, lo:hi]) for a in before)
        gains[index] = _gain(change, whole, trust, width)
    centres = (first + np.arange(len(gains), dtype=np.float64) + 0.5) * block - 0.5 - span.start
    made = [_crossfade(a, b, centres, gains, run) for a, b in zip(before, after, strict=True)]
    if isinstance(earlier, Stems):
        complete = isinstance(later, Stems) and earlier.complete and later.complete
        return Stems(dict(zip(earlier, made, strict=True)), complete)
    return made[0]


def _crossfade(
    before: Audio, after: Audio, centres: npt.NDArray[np.float64], gains: npt.NDArray[np.float64], run: Run
) -> Audio:
    samples = np.empty_like(before.samples)
    for first in range(0, samples.shape[1], BLOCK):
        run.check()
        piece = np.s_[:, first : first + BLOCK]
        position = np.arange(first, min(first + BLOCK, samples.shape[1]))
        gain = np.interp(position, centres, gains).astype(np.float32)
        samples[piece] = (1 - gain) * before.samples[piece] + gain * after.samples[piece]
    return before.with_samples(samples)


def _gain(change: float, whole: float, trust: float, width: float) -> float:
    if change <= 0:
        return 1.0
    if whole <= 0:
        return 0.0
    return float(np.clip(1 - (10 * np.log10(change / whole) - trust) / width, 0, 1))


def _energy(samples: npt.NDArray[np.float32]) -> float:
    return float(np.vdot(samples, samples))


def _names(signal: Audio | Stems) -> Sequence[str]:
    return tuple(signal) if isinstance(signal, Stems) else ("",)


def _parts(signal: Audio | Stems) -> list[Audio]:
    return list(signal.audio.values()) if isinstance(signal, Stems) else [signal]
