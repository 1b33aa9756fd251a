"""What a search found, as its folder tells it: the points of a sweep, or what each node of an ablation map adds.

Read are the first line of the journal, which says what was searched, and the table that the command line writes.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midistems_graph.engine.search.goals import COST, Goal, GoalError
from midistems_graph.engine.search.journal import FORMAT, JOURNAL, VERSION

SWEEP, ABLATION = "sweep.csv", "ablation.csv"


class NoSearch(Exception):
    """A folder holds no search that can be shown; one sentence for the person."""


@dataclass(frozen=True)
class Point:
    """One point of a sweep: its number in the table, its settings (knob -> value as text), a value for every goal.

    `best`: no other point is better in one goal and at least as good in all others.
    """

    number: int
    settings: Mapping[str, str]
    values: tuple[float, ...]
    best: bool
    problem: str = ""


@dataclass(frozen=True)
class Contribution:
    """What a node adds to the first goal (above 0: it helps; NaN: not known), and the seconds that it costs."""

    node: str
    how: str
    adds: float
    seconds: float
    problem: str = ""


@dataclass(frozen=True)
class Found:
    """A search that was read. One of `points` and `contributions` is empty; `goals` end with the cost."""

    folder: Path
    songs: tuple[str, ...]
    goals: tuple[Goal, ...]
    points: tuple[Point, ...] = ()
    contributions: tuple[Contribution, ...] = ()

    @property
    def is_sweep(self) -> bool:
        return bool(self.points)


def read_search(folder: Path) -> Found:
    """The search in a folder. Raises NoSearch."""
    head = _head(folder)
    try:
        goals = (*map(Goal.parse, head["scores"]), COST)
        songs = tuple(head["songs"])
        if head["kind"] == "sweep":
            return Found(folder, songs, goals, points=tuple(_points(_rows(folder / SWEEP), len(goals))))
        return Found(folder, songs, goals, contributions=tuple(_contributions(_rows(folder / ABLATION), goals)))
    except (KeyError, ValueError, IndexError, TypeError, GoalError):
        raise NoSearch(f"the tables in {folder.name} are damaged; run the search again") from None


def _head(folder: Path) -> dict[str, Any]:
    """What was searched: the first line of the journal."""
    try:
        with (folder / JOURNAL).open(encoding="utf-8") as journal:
            head = json.loads(journal.readline())
    except FileNotFoundError:
        raise NoSearch(f"there is no search in {folder.name}; midistems-graph sweep or ablate makes one") from None
    except (OSError, ValueError):
        raise NoSearch(f"the journal in {folder.name} cannot be read") from None
    if not isinstance(head, dict) or (head.get("format"), head.get("version")) != (FORMAT, VERSION):
        raise NoSearch(f"the journal in {folder.name} is none of this version")
    return head


def _rows(file: Path) -> list[list[str]]:
    """The rows of a table, its head first."""
    try:
        with file.open(encoding="utf-8", newline="") as table:
            return list(csv.reader(table))
    except FileNotFoundError:
        raise NoSearch(f"the search in {file.parent.name} has no table yet; let it come to its end") from None
    except (OSError, csv.Error):
        raise NoSearch(f"{file.name} cannot be read") from None


def _points(rows: Sequence[Sequence[str]], goals: int) -> list[Point]:
    knobs = rows[0][: -goals - 2]
    points = []
    for number, row in enumerate(rows[1:], 1):
        values = tuple(map(_number, row[len(knobs) : len(knobs) + goals]))
        points.append(Point(number, dict(zip(knobs, row, strict=False)), values, row[-2] == "yes", row[-1]))
    return points


def _contributions(rows: Sequence[Sequence[str]], goals: Sequence[Goal]) -> list[Contribution]:
    head, nodes = rows[0], rows[2:]
    adds, seconds = head.index(f"adds {goals[0].name}"), head.index(f"adds {COST.name}")
    return [Contribution(row[0], row[2], _number(row[adds]), _number(row[seconds]), row[-1]) for row in nodes]


def _number(text: str) -> float:
    return float(text) if text else math.nan
