"""`midistems-graph ablate`: each node is switched off in turn; what it contributes, as a table and on the graph."""

from __future__ import annotations

import argparse
import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from midistems_graph.cli import tables
from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.cli.plain_text import in_seconds
from midistems_graph.cli.searching import Judged, Search, heads, refuse_unknown, searching
from midistems_graph.cli.writing import written
from midistems_graph.document.picture import Mark, to_svg
from midistems_graph.engine.search.ablation import Off, switched_off
from midistems_graph.engine.search.goals import COST, Goal
from midistems_graph.engine.search.journal import JournalError
from midistems_graph.engine.search.variants import Variant
from midistems_graph.pages.ablation import AblationRow, ablation_page
from midistems_graph.rules.pictured import ports_of

WHOLE = "the whole graph"
TABLE, PICTURE, PAGE = "ablation.csv", "ablation.svg", "ablation.html"

HELPS, HURTS, NEITHER = "#1a8f5a", "#c9351f", "#667085"
SLIGHT = 0.05
"""A contribution below this is neither good nor bad: what the tables round to nothing."""


@dataclass(frozen=True)
class _Contribution:
    """What a node adds: to every goal (positive: it helps), and in seconds of work."""

    off: Off
    row: Judged
    adds: tuple[float, ...]
    cost: float


def ablate(options: argparse.Namespace) -> Exit:
    """Do what the command line says; table, picture and page are written however far it came. Raises Refused."""
    with searching(options, "ablation", {}) as search:
        offs = list(switched_off(search.graph, search.library))
        try:
            search.run([Variant(WHOLE, search.graph), *(off.variant for off in offs)])
        except JournalError as error:
            raise Refused(Exit.OUTPUT, str(error)) from None
        finally:
            whole = search.judged(WHOLE)
            found = [_contribution(off, search.judged(off.variant.name), whole, search.goals) for off in offs]
            _write(search, whole, found)
        refuse_unknown(search, [whole, *(one.row for one in found)])
        _print(search, whole, found)
    return Exit.DONE if not whole.problem else Exit.NODE


def _contribution(off: Off, row: Judged, whole: Judged, goals: Sequence[Goal]) -> _Contribution:
    differences = [full - without for full, without in zip(whole.values, row.values, strict=True)]
    adds = tuple(-d if goal.low else d for goal, d in zip(goals, differences, strict=False))
    return _Contribution(off, row, adds, differences[-1])


def _write(search: Search, whole: Judged, found: Sequence[_Contribution]) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    names = [goal.name for goal in search.goals]
    table.writerow(
        ["node", "type", "off by", *heads(search.goals), *(f"adds {n}" for n in names), "adds cost", "problem"]
    )
    table.writerow([WHOLE, "", "", *map(_plain, whole.values), *("" for _ in names), "", whole.problem])
    for one in found:
        figures = map(_plain, (*one.row.values, *one.adds, one.cost))
        table.writerow([one.off.node, one.off.type, one.off.how, *figures, one.row.problem])
    written(search.folder / TABLE, text.getvalue())
    marks = {one.off.node: Mark(_added(one.adds[0]), _color(one.adds[0])) for one in found}
    picture = to_svg(search.graph, ports_of(search.library), marks=marks)
    written(search.folder / PICTURE, picture)
    rows = [
        AblationRow(
            one.off.node,
            one.off.type,
            one.off.how,
            one.row.values,
            one.adds,
            one.cost,
            one.row.problem,
        )
        for one in found
    ]
    songs = [subject.name for subject in search.subjects]
    title = search.graph.title or "Ablation map"
    written(search.folder / PAGE, ablation_page(title, songs, [*search.goals, COST], whole.values, rows, picture))


def _print(search: Search, whole: Judged, found: Sequence[_Contribution]) -> None:
    names = [goal.name for goal in search.goals]
    head = ("without", "off by", *heads(search.goals), *(f"adds {name}" for name in names), "adds time")
    first = (WHOLE, "-", *map(_figure, whole.values[:-1]), _time(whole.values[-1]), *("-" for _ in names), "-")
    rows = [
        (one.off.node, one.off.how, *map(_figure, one.row.values[:-1]), _time(one.row.values[-1]),
         *map(_added, one.adds), _time(one.cost))
        for one in found
    ]  # fmt: skip
    tables.print_rows(head, [first, *rows], tables.stdout(), right=range(2, len(head)))
    for one in (whole, *(each.row for each in found)):
        if one.problem:
            search.say(f"{one.variant}: {one.problem}")
    search.say(f"table: {search.folder / TABLE}   picture: {search.folder / PICTURE}   page: {search.folder / PAGE}")


def _color(adds: float) -> str:
    return NEITHER if math.isnan(adds) or abs(adds) < SLIGHT else HELPS if adds > 0 else HURTS


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _added(value: float) -> str:
    return "no figure" if math.isnan(value) else f"{value:+.2f}"


def _time(seconds: float) -> str:
    if math.isnan(seconds):
        return "-"
    return in_seconds(seconds) if seconds >= 0 else f"-{in_seconds(-seconds)}"


def _plain(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"
