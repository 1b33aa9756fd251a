"""The stop condition of a refine loop: what a round made is kept only if it scores better."""

from __future__ import annotations

from typing import Annotated

from midistems_graph.node import WHOLE, Range, Run, Scores, Stems, node
from midistems_nodes.loop.blend import Blended
from midistems_nodes.loop.regions import Judge
from midistems_nodes.loop.trace import begun, extended, is_over, last_score
from midistems_nodes.ports import Deciding, Mixture, TrueIfNeeded
from midistems_nodes.signals import require_match, require_names


@node(
    "loop.keep",
    title="Keep the better",
    tags=("refine", "iterate", "loop", "stop", "until", "early stop"),
    context=WHOLE,
    keeps_gain=False,  # the scorer decides
    scratch=1,
)
def keep(
    scorer: Deciding,
    mixture: Mixture,
    before: Stems,
    after: Stems,
    references: TrueIfNeeded | None = None,
    trace: Scores | None = None,
    *,
    least: Annotated[float, Range(0, 10)] = 0.001,
    run: Run,
) -> Blended:
    """End a round of a refine loop: stems go on as they are now if a scorer likes them better, else as they were
    before.

    Put it at the end of a repeat group that carries `stems` to where the round begins (and to `before`) and `trace` to
    `trace`. Once a round gains nothing the stems stay the same, so further rounds find all their work done and cost
    nothing: that is the early stop.

    Parameters
    ----------
    before
        The stems that the round began with.
    after
        What it made of them, under the same names.
    trace
        What the rounds before this one have found out.
    least
        A round that gains less than this (in the unit of the scorer) was the last one.

    Returns
    -------
    Blended
        stems, the better ones; trace, a row per round with its score and gain; r is 1 where a round was kept.

    Notes
    -----
    Good for phase recovery, Wiener filters, beamformers, or whole chains that help in the first rounds and harm later.
    Holds the song in memory.

    References
    ----------
    y_t = y_{t-1} unless R(g(y_{t-1})) - R(y_{t-1}) >= least.
    """
    require_match(mixture, before, after)
    require_names(before, after)
    judge = Judge(scorer, mixture, references, run)
    trace = trace or begun(judge(before))
    if is_over(trace, least):
        return Blended(before, trace)
    score = judge(after)
    if score - last_score(trace) >= max(least, 1e-12):
        return Blended(after, extended(trace, score, 1.0))
    return Blended(before, extended(trace, last_score(trace), -1.0))
