"""The Pareto page of a sweep: what every point scores against what it costs, and the table of all points.

A point is on the front when no other one is better in one respect and at least as good in all others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from midistems_graph.engine.search.goals import COST, Goal
from midistems_graph.pages.axis import Scale
from midistems_graph.pages.frame import beside, page, text

WIDTH, HEIGHT = 580.0, 330.0
LEFT, TOP, RIGHT, BOTTOM = 56.0, 14.0, 16.0, 40.0


@dataclass(frozen=True)
class ParetoRow:
    """One point: its number, its knobs' values, its value for every goal (NaN: none), whether it is on the front."""

    number: int
    knobs: tuple[str, ...]
    values: tuple[float, ...]
    front: bool
    problem: str


def pareto_page(
    title: str, songs: Sequence[str], knobs: Sequence[str], goals: Sequence[Goal], rows: Sequence[ParetoRow]
) -> str:
    """The whole page; the first goal decides which point is called the best."""
    scored = [row for row in rows if not math.isnan(row.values[0])]
    best = None
    for row in scored:
        if best is None or goals[0].better(row.values[0], best.values[0]):
            best = row
    pairs = [(goals.index(COST), place) for place in range(len(goals) - 1)]
    pairs += list(combinations(range(len(goals) - 1), 2))
    charts = "".join(_chart(goals, x, y, scored) for x, y in pairs)
    listed = ", ".join(map(text, songs[:6])) + (f" and {len(songs) - 6} more" if len(songs) > 6 else "")
    front = sum(row.front for row in rows)
    body = (
        f"<h1>{text(title)}</h1><p class=soft>{len(rows)} points over {', '.join(map(text, knobs))}; on {listed}. "
        f"{front} of them {'is' if front == 1 else 'are'} on the front: no other point is better in one respect and "
        "at least as good in all others. Cost is seconds of work from nothing.</p>"
        f"{_best(best, knobs, goals)}<div class=charts>{charts}</div>"
        f"<h2>All points</h2><div class='card scroll'>{_table(knobs, goals, rows, best)}</div>"
    )
    return page(f"{title}: Pareto", body, style=beside("pareto.css"), script=beside("pareto.js"))


def _best(best: ParetoRow | None, knobs: Sequence[str], goals: Sequence[Goal]) -> str:
    if best is None:
        return "<p class=bad>No point has a score yet.</p>"
    settings = ", ".join(f"{text(knob)} = {text(value)}" for knob, value in zip(knobs, best.knobs, strict=True))
    reached = ", ".join(f"{text(g.name)} {_shown(v)}{_unit(g)}" for g, v in zip(goals, best.values, strict=True))
    return f"<p><b>Best: point {best.number}</b>, {settings}: {reached}</p>"


def _unit(goal: Goal) -> str:
    return " s" if goal == COST else ""


def _chart(goals: Sequence[Goal], x: int, y: int, rows: Sequence[ParetoRow]) -> str:
    """One goal against another; the upper left is where one wants to be with the cost below."""
    across = Scale.over([row.values[x] for row in rows], LEFT, WIDTH - RIGHT)
    up = Scale.over([row.values[y] for row in rows], HEIGHT - BOTTOM, TOP)
    parts = [f'<figure class=card><svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img">']
    for value, words in across.ticks:
        at = across.at(value)
        parts.append(f'<path class=grid d="M{at:.1f} {TOP:g}V{HEIGHT - BOTTOM:g}"/>')
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 16:g}" text-anchor=middle>{words}</text>')
    for value, words in up.ticks:
        at = up.at(value)
        parts.append(f'<path class=grid d="M{LEFT:g} {at:.1f}H{WIDTH - RIGHT:g}"/>')
        parts.append(f'<text x="{LEFT - 8:g}" y="{at + 4:.1f}" text-anchor=end>{words}</text>')
    line = sorted((row for row in rows if row.front), key=lambda row: (row.values[x], row.values[y]))
    if len(line) > 1 and len(goals) == 2:
        path = "".join(f"{across.at(r.values[x]):.1f} {up.at(r.values[y]):.1f}L" for r in line)
        parts.append(f'<path class=front d="M{path[:-1]}"/>')
    for row in sorted(rows, key=lambda row: row.front):
        kind = "on" if row.front else "off"
        told = ", ".join(f"{g.name} {_shown(v)}" for g, v in zip(goals, row.values, strict=True))
        parts.append(
            f'<circle class="{kind}" data-n="{row.number}" cx="{across.at(row.values[x]):.1f}" '
            f'cy="{up.at(row.values[y]):.1f}" r="{4.5 if row.front else 3.5}">'
            f"<title>point {row.number}: {text(' '.join(row.knobs))}: {text(told)}</title></circle>"
        )
    names = [
        f"{text(goals[i].name)}{' in s' if goals[i] == COST else ''}{' (low is good)' if goals[i].low else ''}"
        for i in (x, y)
    ]
    parts.append(f'<text class=name x="{WIDTH - RIGHT:g}" y="{HEIGHT - 6:g}" text-anchor=end>{names[0]} →</text>')
    parts.append(f'<text class=name x="{LEFT + 8:g}" y="{TOP + 12:g}">↑ {names[1]}</text></svg></figure>')
    return "".join(parts)


def _table(knobs: Sequence[str], goals: Sequence[Goal], rows: Sequence[ParetoRow], best: ParetoRow | None) -> str:
    names = ["point", *knobs, *(goal.name for goal in goals), "front"]
    numbers = frozenset(range(1 + len(knobs), 1 + len(knobs) + len(goals)))
    head = "".join(
        f"<th{' class=n' if place in numbers else ''}><button>{text(name)}</button></th>"
        for place, name in enumerate(names)
    )
    lines = []
    for row in rows:
        cells = [f"<td>{row.number}</td>", *(f"<td>{text(value)}</td>" for value in row.knobs)]
        cells += [f"<td class=n data-v='{_plain(value)}'>{_shown(value)}</td>" for value in row.values]
        cells.append(f"<td>{'on the front' if row.front else text(row.problem)}</td>")
        kind = "best" if row is best else "on" if row.front else ""
        lines.append(f"<tr data-n='{row.number}' class='{kind}'>{''.join(cells)}</tr>")
    return f"<table id=points><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _shown(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _plain(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.9g}"
