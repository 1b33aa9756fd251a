"""The ablation page: the graph with what every node contributes, and the table of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from midistems_graph.engine.search.goals import COST, Goal
from midistems_graph.pages.frame import beside, page, table, text


@dataclass(frozen=True)
class AblationRow:
    """A node switched off: how, what all goals are without it, what it adds to each (positive: it helps), its cost."""

    node: str
    type: str
    how: str
    values: tuple[float, ...]
    adds: tuple[float, ...]
    cost: float
    problem: str


def ablation_page(
    title: str,
    songs: Sequence[str],
    goals: Sequence[Goal],
    whole: Sequence[float],
    rows: Sequence[AblationRow],
    picture: str,
) -> str:
    """The whole page. `goals` end with the cost, `whole` are the values of the whole graph, `picture` is an SVG."""
    reached = ", ".join(f"{text(goal.name)} {_shown(v, goal)}" for goal, v in zip(goals, whole, strict=True))
    listed = ", ".join(map(text, songs[:6])) + (f" and {len(songs) - 6} more" if len(songs) > 6 else "")
    scores = goals[:-1]
    most = max((abs(add) for row in rows for add in row.adds[:1] if math.isfinite(add)), default=1.0) or 1.0
    head = ["node", "off by", f"adds to {text(scores[0].name)}", ""]
    head += [f"adds to {text(goal.name)}" for goal in scores[1:]] + ["adds cost"]
    head += [f"{text(goal.name)} without it" for goal in scores]
    order = sorted(rows, key=lambda row: -row.adds[0] if math.isfinite(row.adds[0]) else math.inf)
    lines = [
        [
            f"{text(row.node)} <span class=soft>{text(row.type)}</span>",
            row.how,
            _added(row.adds[0]),
            _bar(row.adds[0] / most),
            *map(_added, row.adds[1:]),
            _seconds(row.cost),
            *(_shown(value, goal) for value, goal in zip(row.values, scores, strict=False)),
        ]
        for row in order
    ]
    right = frozenset({2, *range(4, len(head))})
    problems = "".join(f"<p class=bad>{text(row.node)}: {text(row.problem)}</p>" for row in rows if row.problem)
    body = (
        f"<h1>{text(title)}: what every node contributes</h1>"
        f"<p class=soft>On {listed}. The whole graph: {reached}. Each node was switched off in turn: bypassed, so "
        "that its input passes, or muted where it has nothing to pass on. Green: the result is worse without it.</p>"
        f"<div class='card scroll graph'>{picture}</div><h2>Contributions</h2>"
        f"<div class='card scroll'>{table(head, lines, right)}</div>{problems}"
    )
    return page(f"{title}: ablation map", body, style=beside("ablation.css"))


def _bar(share: float) -> str:
    if not math.isfinite(share):
        return ""
    width = round(min(abs(share), 1.0) * 70)
    x, kind = (70, "good") if share >= 0 else (70 - width, "bad")
    bar = f'<rect class="{kind}" x="{x}" y="2" width="{width}" height="8" rx="2"/>'
    return f'<svg class=bar viewBox="0 0 140 12" width=140 height=12>{bar}<path d="M70 0V12"/></svg>'


def _added(value: float) -> str:
    return "no figure" if math.isnan(value) else f"{value:+.2f}"


def _seconds(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f} s"


def _shown(value: float, goal: Goal) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}{' s' if goal == COST else ''}"
