"""One of several signals."""

from __future__ import annotations

import math
from typing import Annotated, Literal, TypeVar

from midistems_graph.node import (
    Audio,
    Magnitude,
    Mask,
    NodeError,
    Number,
    Phase,
    Range,
    Spectrogram,
    Stems,
    node,
    stem_by_stem,
)

Timed = TypeVar("Timed", Audio, Stems, Spectrogram, Magnitude, Phase, Mask)


@node("control.switch", tags=("choose", "a/b"), derived=True, scratch=0, apart=stem_by_stem)
def switch(choices: tuple[Timed, ...], *, index: Annotated[int, Range(1, 1000)] = 1) -> Timed:
    """Let one of several signals through.

    Parameters
    ----------
    choices
        Signals of one kind.
    index
        Which of them: 1 is the first.

    Notes
    -----
    Good for trying variants of a chain without rewiring, and for choosing by a number that a graph computes. Nothing is
    changed in the sound.
    """
    if index > len(choices):
        raise NodeError(f"there is no choice {index}: {len(choices)} signals are connected; set index to 1 up to that")
    return choices[index - 1]


@node(
    "control.select",
    title="Select by score",
    tags=("choose", "best", "score"),
    derived=True,
    scratch=0,
    apart=stem_by_stem,
)
def select(
    candidates: tuple[Timed, ...],
    scores: tuple[Number, ...],
    *,
    best: Literal["highest", "lowest"] = "highest",
) -> Timed:
    """Let the signal with the best score through.

    Parameters
    ----------
    candidates
        Signals of one kind.
    scores
        One number per signal, in the same order, such as an SI-SDR or a null depth.
    best
        Whether a high score is good (SI-SDR) or a low one (null depth, leakage).

    Notes
    -----
    Good for letting a cascade choose among models song by song. Of equal scores the first wins; a score that is
    not defined (of a silent reference) never wins over one that is.

    References
    ----------
    argmax or argmin of the scores.
    """
    if not candidates or len(scores) != len(candidates):
        raise NodeError(
            f"{len(candidates)} signals are connected and {len(scores)} scores; connect one score per signal"
        )
    sign = 1 if best == "highest" else -1
    figures = [-math.inf if math.isnan(score.value) else sign * score.value for score in scores]
    defined = [not math.isnan(score.value) for score in scores]
    return candidates[max(range(len(candidates)), key=lambda i: (defined[i], figures[i]))]
