"""What a loop writes down: a row per step, from 0 for what it began with."""

from __future__ import annotations

from midistems_graph.node import Scores

_UNITS = {"asked": "s"}


def begun(score: float, asked: float = 0.0) -> Scores:
    """The trace of a loop that has not made a step."""
    return Scores({"0": {"score": score, "gain": 0.0, "r": -1.0, "asked": asked}}, _UNITS)


def extended(trace: Scores, score: float, r: float, asked: float = 0.0) -> Scores:
    """The trace with a step more."""
    gain = score - last_score(trace)
    row = {"score": score, "gain": gain if gain == gain else 0.0, "r": r, "asked": asked}
    return Scores({**trace.rows, str(len(trace.rows)): row}, _UNITS)


def last_score(trace: Scores) -> float:
    return list(trace.rows.values())[-1]["score"]


def is_over(trace: Scores, least: float) -> bool:
    """Whether the last step gained too little for another one."""
    return len(trace.rows) > 1 and list(trace.rows.values())[-1]["gain"] < max(least, 1e-12)
