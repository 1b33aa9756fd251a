"""`midistems-graph sweep`: knobs are varied, every point is scored on every song; and `bake` keeps the best."""

from __future__ import annotations

import argparse
import csv
import io
import math
from collections.abc import Iterator

from midistems_graph.cli import tables
from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.cli.plain_text import clean
from midistems_graph.cli.presets import graph_file, graph_of
from midistems_graph.cli.searching import Judged, Search, heads, judged, refuse_unknown, said, searching
from midistems_graph.cli.settings import with_settings
from midistems_graph.cli.space import Axis, Point, chosen_by_chance, grid
from midistems_graph.cli.writing import written
from midistems_graph.document.data import from_data
from midistems_graph.document.files import save
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.engine.search.goals import COST, Goal, front
from midistems_graph.engine.search.journal import Journal, JournalError
from midistems_graph.engine.search.variants import Variant
from midistems_graph.node.library import NodeLibrary, installed
from midistems_graph.pages.pareto import ParetoRow, pareto_page

TABLE = "sweep.csv"
PAGE = "pareto.html"
BETWEEN = "  "
"""What stands between the settings in the name of a point."""


def sweep(options: argparse.Namespace) -> Exit:
    """Do what the command line says; table, csv and page are written however far it came. Raises Refused."""
    if options.method != "grid" and not options.points:
        raise Refused(Exit.USAGE, f"--method {options.method} needs --points N: how many points to try")
    library = installed()
    graph = graph_of(graph_file(options.graph))
    axes = [Axis.parse(text, graph, library) for text in options.vary]
    if len({axis.knob for axis in axes}) < len(axes):
        raise Refused(Exit.USAGE, "--vary: a knob is named twice; give all its values at once")
    head = {"vary": options.vary, "method": options.method, "points": options.points, "seed": options.seed}
    with searching(options, "sweep", head) as search:
        points: list[Point] = []
        try:
            for batch in _batches(options, axes, search):
                points += batch
                search.run([_variant(search, point) for point in batch])
        except JournalError as error:
            raise Refused(Exit.OUTPUT, str(error)) from None
        finally:
            rows = [(point, search.judged(_name(point))) for point in points]
            _write(search, axes, rows)
        refuse_unknown(search, [row for _, row in rows])
        _print(search, axes, rows)
    return Exit.DONE if all(not row.problem for _, row in rows) else Exit.NODE


def _batches(options: argparse.Namespace, axes: list[Axis], search: Search) -> Iterator[list[Point]]:
    match options.method:
        case "grid":
            yield grid(axes)
        case "random":
            yield chosen_by_chance(axes, options.points, options.seed)
        case _:
            yield from _optimised(options, axes, search)


def _optimised(options: argparse.Namespace, axes: list[Axis], search: Search) -> Iterator[list[Point]]:
    """Point after point, as optuna suggests them from those before; the same seed suggests the same again."""
    try:
        import optuna
    except ImportError:
        raise Refused(
            Exit.USAGE, "--method optimise needs the package optuna: pip install 'midistems-graph[search]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    directions = optuna.study.StudyDirection
    ways = [directions.MINIMIZE if goal.low else directions.MAXIMIZE for goal in search.goals]
    study = optuna.create_study(directions=ways, sampler=optuna.samplers.TPESampler(seed=options.seed))
    for _ in range(options.points):
        trial = study.ask()
        point = tuple(axis.suggested(trial) for axis in axes)
        yield [point]
        values = search.judged(_name(point)).values[:-1]
        known = all(map(math.isfinite, values))
        study.tell(trial, values if known else None, state=None if known else optuna.trial.TrialState.FAIL)


def _name(point: Point) -> str:
    return BETWEEN.join(point)


def _variant(search: Search, point: Point) -> Variant:
    return Variant(_name(point), with_settings(search.graph, search.library, point, "--vary"))


# What is made of it


def _unique(rows: list[tuple[Point, Judged]]) -> list[tuple[Point, Judged]]:
    return list({point: (point, row) for point, row in rows}.values())


def _write(search: Search, axes: list[Axis], rows: list[tuple[Point, Judged]]) -> None:
    rows = _unique(rows)
    goals = [*search.goals, COST]
    best = front([row.values for _, row in rows], goals)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*(axis.knob for axis in axes), *heads(search.goals), "front", "problem"])
    for place, (point, row) in enumerate(rows):
        values = ["" if math.isnan(value) else f"{value:.6g}" for value in row.values]
        table.writerow([*_values(point), *values, "yes" if place in best else "", row.problem])
    written(search.folder / TABLE, text.getvalue())
    shown = [
        ParetoRow(place + 1, _values(point), row.values, place in best, row.problem)
        for place, (point, row) in enumerate(rows)
    ]
    songs = [subject.name for subject in search.subjects]
    page = pareto_page(search.graph.title or "Sweep", songs, [axis.knob for axis in axes], goals, shown)
    written(search.folder / PAGE, page)


def _values(point: Point) -> tuple[str, ...]:
    return tuple(setting.partition("=")[2] for setting in point)


def _print(search: Search, axes: list[Axis], rows: list[tuple[Point, Judged]]) -> None:
    rows = _unique(rows)
    goals = [*search.goals, COST]
    best = front([row.values for _, row in rows], goals)
    order = sorted(range(len(rows)), key=lambda place: _rank(search.goals[0], rows[place][1].values[0]))
    shown = [
        (
            str(place + 1),
            *_values(rows[place][0]),
            *map(said, goals, rows[place][1].values),
            "yes" if place in best else "",
        )
        for place in order
    ]
    head = ("point", *(axis.knob for axis in axes), *heads(search.goals), "front")
    tables.print_rows(head, shown, tables.stdout(), right=range(1, len(head) - 1))
    for _, row in rows:
        if row.problem:
            search.say(f"{row.variant}: {row.problem}")
    search.say(f"table: {search.folder / TABLE}   page: {search.folder / PAGE}")
    search.say(f"keep the best: midistems-graph bake {search.folder} -o tuned.json")


def _rank(goal: Goal, value: float) -> tuple[bool, float]:
    return math.isnan(value), value if goal.low else -value


# Kept


def bake(options: argparse.Namespace) -> Exit:
    """Write the graph of a sweep with the settings of its best point, or of a given one. Raises Refused."""
    library = installed()
    try:
        journal = Journal.read(options.folder)
        if journal.head["kind"] != "sweep":
            raise JournalError(f"{options.folder} holds an ablation map; only sweeps have a point to keep")
        graph, goals = from_data(journal.head["graph"]), [Goal.parse(text) for text in journal.head["scores"]]
    except (JournalError, DocumentError, KeyError) as error:
        raise Refused(Exit.INPUT, str(error)) from None
    rows = [(point, judged(journal, goals, _name(point))) for point in _points(journal, graph, library)]
    if options.point is not None:
        if not 1 <= options.point <= len(rows):
            raise Refused(Exit.USAGE, f"--point {options.point}: the sweep has the points 1 to {len(rows)}")
        point, row = rows[options.point - 1]
    else:
        point, row = min(rows, key=lambda each: _rank(goals[0], each[1].values[0]))
        if math.isnan(row.values[0]):
            raise Refused(Exit.INPUT, f"the sweep in {options.folder} has no finished point yet")
    try:
        save(with_settings(graph, library, point, "--vary"), options.output)
    except DocumentError as error:
        raise Refused(Exit.OUTPUT, str(error)) from None
    print(clean(f"{options.output}: {row.variant}  ({goals[0].name} {said(goals[0], row.values[0])})"))
    return Exit.DONE


def _points(journal: Journal, graph: Graph, library: NodeLibrary) -> list[Point]:
    """The points of a sweep in the order of its table."""
    head = journal.head
    axes = [Axis.parse(text, graph, library) for text in head["vary"]]
    match head["method"]:
        case "grid":
            return grid(axes)
        case "random":
            return chosen_by_chance(axes, head["points"], head["seed"])
    return [tuple(name.split(BETWEEN)) for name in dict.fromkeys(variant for variant, _ in journal.outcomes)]
