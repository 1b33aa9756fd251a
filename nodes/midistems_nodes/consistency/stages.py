"""From one stage of a cascade to the next without jumps."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from midistems_graph.node import Audio, Range, Run, Stems, node
from midistems_nodes.envelope import Blocks, block_context, decibels
from midistems_nodes.signals import Signal, require_match, require_names


@node(
    "consistency.stages",
    title="Stage crossfade",
    tags=("transition", "smooth", "fall back", "refine"),
    context=lambda k: block_context(k.smoothing),
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
        pairs = [(audio, later[name]) for name, audio in earlier.audio.items()]
    else:
        assert isinstance(earlier, Audio) and isinstance(later, Audio)
        pairs = [(earlier, later)]
    blocks = Blocks(earlier.span, smoothing)
    change, whole = np.zeros((2, blocks.count))
    for before, after in pairs:
        change += blocks.energies(after.samples - before.samples, run)
        whole += blocks.energies(before.samples, run)
    gains = np.clip(1 - (decibels(change, whole) - trust) / width, 0, 1)
    made = [a.with_samples(blocks.crossfade(a.samples, b.samples, gains, run)) for a, b in pairs]
    if isinstance(earlier, Stems) and isinstance(later, Stems):
        return Stems(dict(zip(earlier, made, strict=True)), earlier.complete and later.complete)
    return made[0]
