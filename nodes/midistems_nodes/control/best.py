"""The best of several stem sets, by a scorer: for the song, or stretch by stretch."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from midistems_graph.node import WHOLE, Range, Run, Scores, Stems, node
from midistems_nodes.loop.regions import Judge, best_of, joined, places
from midistems_nodes.ports import Deciding, Mixture, TrueIfNeeded
from midistems_nodes.signals import require_match, require_names, require_some


class Best(NamedTuple):
    stems: Stems
    scores: Scores


@node(
    "control.best",
    title="Best by scorer",
    tags=("choose", "best", "select", "score", "switch", "data flow"),
    context=WHOLE,
    keeps_gain=False,  # the scorer decides
    scratch=1.5,
)
def best(
    scorer: Deciding,
    mixture: Mixture,
    candidates: tuple[Stems, ...],
    references: TrueIfNeeded | None = None,
    *,
    chunk: Annotated[float, Range(0, 600, "s")] = 0.0,
    channels: bool = False,
    run: Run,
) -> Best:
    """Let the stems through that a scorer likes best.

    Parameters
    ----------
    candidates
        Any number of stem sets with the same names.
    chunk
        Choose anew for every chunk of this length, with short fades between; 0 chooses once for the song.
    channels
        Choose for every channel by itself as well.

    Returns
    -------
    Best
        stems; scores, a row per candidate (1 is the first) with its score over the song and its share of the chunks
        that it won.

    Notes
    -----
    Good for letting a cascade choose among models, song by song or verse by verse. A set that is joined of chunks
    counts only if it scores better over the whole song than every single one. A choice by consensus: the scorer against
    true stems, with an ensemble of the same candidates at references. Holds the song in memory.

    References
    ----------
    argmax over k of R(x, s_k); of equals the first.
    """
    require_some("candidates", candidates)
    require_match(mixture, *candidates)
    require_names(*candidates)
    judge = Judge(scorer, mixture, references, run)
    scores = [judge(stems) for stems in candidates]
    first = max(range(len(scores)), key=lambda number: scores[number])
    grid = places(mixture.span, chunk, mixture.channels, apart=channels)
    choice = [best_of(candidates, place, judge) for place in grid] if len(grid) > 1 else [first]
    made = candidates[first]
    if len(set(choice)) > 1:
        whole = joined(candidates, grid, choice)
        made = whole if judge(whole) > scores[first] else made
    rows = {
        str(number + 1): {"score": score, "won": choice.count(number) / len(choice)}
        for number, score in enumerate(scores)
    }
    return Best(made, Scores(rows))
