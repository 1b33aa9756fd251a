"""Several judgements as one."""

from __future__ import annotations

import math
from typing import Annotated

from midistems_graph.audio.values import join
from midistems_graph.node import Audio, NodeError, Number, Range, Run, Scorer, Stems, Stream, node
from midistems_nodes.ports import Judged, Mixture


@node(
    "score.weighted",
    title="Weighted scorers",
    tags=("scorer", "blend", "combination", "sum"),
    scorer=True,
    holds=True,
)
def weighted(
    mixture: Stream[Mixture],
    stems: Stream[Judged],
    references: Stream[Stems] | None,
    scorers: tuple[Scorer, ...],
    *,
    weights: Annotated[tuple[float, ...], Range(-1000, 1000)] = (),
    run: Run,
) -> Number:
    """Add up what several scorers say, each with a weight.

    Parameters
    ----------
    references
        The true stems, where one of the scorers needs them.
    scorers
        The scorers, from the `scorer` outputs of other nodes.
    weights
        A weight per scorer in the same order; all 1 if none are given. Mind their scales: some count in dB, others from
        0 to 1.

    Returns
    -------
    Number
        The sum. It says nothing where one of the scorers says nothing.

    Notes
    -----
    Good for scorers that are blind to different faults, such as bleed and burbling. Holds the song in memory.

    References
    ----------
    sum_k w_k R_k.
    """
    if not scorers:
        raise NodeError("no scorer is connected to scorers; connect at least one")
    if weights and len(weights) != len(scorers):
        raise NodeError(f"{len(scorers)} scorers are connected and {len(weights)} weights are set; set one per scorer")
    song, parts = join(list(mixture)), join(list(stems))
    true = join(list(references)) if references is not None else None
    assert isinstance(song, Audio) and isinstance(parts, Stems) and (true is None or isinstance(true, Stems))
    said = [run.score(scorer, song, parts, true) for scorer in scorers]
    return Number(math.fsum(w * s for w, s in zip(weights or (1.0,) * len(said), said, strict=True)))
