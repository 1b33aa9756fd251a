"""What sweeps and ablation maps share: the graph, the songs, the store, the journal, and outcomes as they come."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from midistems_graph.audio.files import SoundFileError, content_digest
from midistems_graph.cli import tables
from midistems_graph.cli.codes import Exit, Refused, of_graph
from midistems_graph.cli.plain_text import clean, in_seconds
from midistems_graph.cli.presets import graph_file, graph_of
from midistems_graph.cli.settings import with_settings
from midistems_graph.cli.songs import Sources, find_songs
from midistems_graph.cli.stores import opened
from midistems_graph.document.data import to_data
from midistems_graph.document.flatten import Unfolding
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.engine import augment
from midistems_graph.engine.search.goals import COST, Goal, GoalError
from midistems_graph.engine.search.journal import Journal, JournalError
from midistems_graph.engine.search.variants import Bench, Outcome, Subject, Variant
from midistems_graph.node.library import NodeLibrary, installed
from midistems_graph.rules.check import check
from midistems_graph.rules.problems import errors


@dataclass(frozen=True)
class Search:
    """A search at work."""

    library: NodeLibrary
    graph: Graph
    subjects: tuple[Subject, ...]
    goals: tuple[Goal, ...]
    journal: Journal
    folder: Path
    people: Console
    bench: Bench

    def run(self, variants: Sequence[Variant]) -> None:
        """Try what the journal does not know yet, and keep it there as it comes."""
        left = [
            (variant, subject)
            for variant in variants
            for subject in self.subjects
            if (variant.name, subject.name) not in self.journal.outcomes
        ]
        known = len(variants) * len(self.subjects) - len(left)
        if known:
            self.say(f"{known} of {known + len(left)} are known already")
        for number, outcome in enumerate(self.bench.outcomes(left), known + 1):
            self.journal.add(outcome)
            self.say(f"{number} of {known + len(left)}  {_told(outcome, self.goals)}")

    def judged(self, variant: str) -> Judged:
        return judged(self.journal, self.goals, variant)

    def say(self, text: str) -> None:
        self.people.print(clean(text))


@dataclass(frozen=True)
class Judged:
    """A variant with its value for every goal, the cost last; NaN where there is none."""

    variant: str
    values: tuple[float, ...]
    outcomes: tuple[Outcome, ...]
    problem: str


def judged(journal: Journal, goals: Sequence[Goal], variant: str) -> Judged:
    """What all songs of a search together say of a variant; figures are means over them, costs sums."""
    songs = journal.head["songs"]
    found = [outcome for song in songs if (outcome := journal.outcomes.get((variant, song))) is not None]
    there = [outcome for outcome in found if not outcome.problem]
    problem = "; ".join(f"{outcome.song}: {outcome.problem}" for outcome in found if outcome.problem)
    if len(there) < len(songs):
        return Judged(variant, (math.nan,) * (len(goals) + 1), tuple(there), problem)
    scores = tuple(sum(goal.of(outcome.figures) for outcome in there) / len(there) for goal in goals)
    return Judged(variant, (*scores, sum(outcome.cost for outcome in there)), tuple(there), problem)


@contextmanager
def searching(options: argparse.Namespace, kind: str, head: dict[str, Any]) -> Iterator[Search]:
    """A search as the command line says it; `head` is what tells it from others in its journal. Raises Refused."""
    library, file = installed(), graph_file(options.graph)
    try:
        graph = with_settings(graph_of(file), library, options.settings)
        goals = tuple(map(Goal.parse, options.score))
        folders = augment.folder_inputs(graph, library)
    except (DocumentError, Unfolding) as error:
        raise Refused(Exit.GRAPH, str(error)) from None
    except GoalError as error:
        raise Refused(Exit.USAGE, f"--score {error}") from None
    broken = errors(check(graph, library))
    if broken:
        raise Refused(of_graph(broken), *(problem.message for problem in broken))
    songs = find_songs(options.songs, options.input)
    sources = Sources(options.input, folders, options.reference, len(songs) > 1)
    names = _different([song.name for song in songs])
    subjects = tuple(
        Subject(name, sources.inputs_of(song), sources.reference_of(song))
        for name, song in zip(names, songs, strict=True)
    )
    try:
        head = {
            "kind": kind,
            "graph": to_data(graph),
            "songs": {s.name: [content_digest(song.path), song.name] for s, song in zip(subjects, songs, strict=True)},
            "scores": list(options.score),
            "window": [str(end) for end in options.window] if options.window else None,
            **head,
        }
        journal = Journal.begun(options.output, head)
    except SoundFileError as error:
        raise Refused(Exit.INPUT, str(error)) from None
    except JournalError as error:
        raise Refused(Exit.OUTPUT, str(error)) from None
    people = tables.stderr()
    with opened(
        options.cache_dir, options.no_cache, lambda said: print(f"midistems-graph: {clean(said)}", file=sys.stderr)
    ) as store:
        bench = Bench(
            library, store, goals, folder=file.parent, window=options.window, jobs=options.jobs or os.cpu_count() or 1
        )
        yield Search(library, graph, subjects, goals, journal, options.output, people, bench)


def refuse_unknown(search: Search, rows: list[Judged]) -> None:
    """A goal that no variant has is a mistake of the command line."""
    figures = sorted({name for row in rows for outcome in row.outcomes for name in outcome.figures})
    for goal, values in zip(search.goals, zip(*(row.values for row in rows), strict=True), strict=False):
        if figures and all(map(math.isnan, values)):
            names = ", ".join(name.replace("..", ".") for name in figures[:12])
            raise Refused(Exit.USAGE, f"--score {goal.name}: no figure is called that; there are: {names}")


def said(goal: Goal, value: float) -> str:
    """A value of a goal as the tables show it."""
    return "-" if math.isnan(value) else in_seconds(value) if goal == COST else f"{value:.2f}"


def heads(goals: Iterable[Goal]) -> list[str]:
    return [*(goal.name for goal in goals), COST.name]


def _told(outcome: Outcome, goals: Sequence[Goal]) -> str:
    if outcome.problem:
        return f"{outcome.variant}  {outcome.song}: {outcome.problem}"
    scores = "  ".join(f"{goal.name} {said(goal, goal.of(outcome.figures))}" for goal in goals)
    work = f"{outcome.ran} units ran, {outcome.cached} were there"
    return f"{outcome.variant}  {outcome.song}: {scores}  ({in_seconds(outcome.spent)}; {work})"


def _different(names: Sequence[str]) -> list[str]:
    """The names, told apart by numbers where two are alike."""
    return [name if names.index(name) == place else f"{name} ({place + 1})" for place, name in enumerate(names)]
