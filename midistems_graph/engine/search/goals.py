"""What variants are judged by: named figures, each to be high or low, and the front of those that nothing beats."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from midistems_graph.engine.augment import MIXTURE

Figures = Mapping[str, float]
"""Figures by `node.row.name`; a figure without a row has an empty one: `null..value`."""


class GoalError(ValueError):
    """A goal cannot be read, or means no figure; one sentence for the user."""


@dataclass(frozen=True)
class Goal:
    """A figure by which variants are judged: `si_sdr`, `node.si_sdr` or `node.vocals.si_sdr`, and whether low is good.

    Where several figures are meant, their mean counts. A bare name leaves the figures of the mixture itself out.
    """

    name: str
    low: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """`si_sdr`, or with the direction: `null.value:min`. Raises GoalError."""
        name, colon, way = text.partition(":")
        if not name or (colon and way not in ("min", "max")):
            raise GoalError(
                f"{text!r} is no goal; write FIGURE, NODE.FIGURE or NODE.ROW.FIGURE, and :min where low is good"
            )
        return cls(name, way == "min")

    @property
    def node(self) -> str:
        """The node that gives the figure; empty if any may."""
        return self.name.split(".")[0] if "." in self.name else ""

    def of(self, figures: Figures) -> float:
        """The mean of the figures that are meant; NaN if there is none, or none that is a number."""
        meant = [value for name, value in figures.items() if self._means(name) and not math.isnan(value)]
        return sum(meant) / len(meant) if meant else math.nan

    def better(self, one: float, other: float) -> bool:
        """Whether one value is better than another; any is better than none."""
        if math.isnan(one) or math.isnan(other):
            return not math.isnan(one) and math.isnan(other)
        return one < other if self.low else one > other

    def _means(self, figure: str) -> bool:
        node, row, name = figure.rsplit(".", 2)
        match self.name.split("."):
            case [bare]:
                return name == bare and node != MIXTURE
            case [wanted, figure_name]:
                return (node, name) == (wanted, figure_name)
            case [wanted, *rows, figure_name]:
                return (node, row, name) == (wanted, ".".join(rows), figure_name)
        return False


COST = Goal("cost", low=True)
"""Seconds of work from nothing: counts in every search, and is no figure of a node."""


def front(values: Sequence[Sequence[float]], goals: Sequence[Goal]) -> frozenset[int]:
    """The places of those that no other one beats: none is better in one goal and at least as good in all others.

    What lacks a value is not on the front.
    """
    whole = [place for place, row in enumerate(values) if not any(map(math.isnan, row))]
    return frozenset(i for i in whole if not any(_beats(values[j], values[i], goals) for j in whole))


def _beats(one: Sequence[float], other: Sequence[float], goals: Sequence[Goal]) -> bool:
    pairs = list(zip(goals, one, other, strict=True))
    return any(goal.better(a, b) for goal, a, b in pairs) and not any(goal.better(b, a) for goal, a, b in pairs)
