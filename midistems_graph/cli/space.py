"""What a sweep varies: knobs with their values, and the points that a grid or chance picks of them."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.cli.plain_text import typed
from midistems_graph.cli.settings import ends_of, knob_of, with_settings
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.node.library import NodeLibrary

MOST = 100_000
"""Points of one sweep."""

Point = tuple[str, ...]
"""Settings as `--set` takes them, one per axis: `hpss.n_fft=2048`."""

_RANGE = re.compile(r"([-+0-9.eE]+):([-+0-9.eE]+):([0-9]{1,5})\Z")


@dataclass(frozen=True)
class Axis:
    """A knob and the values that are tried, as text; `ends` where they came of a range, so that others lie between."""

    knob: str
    values: tuple[str, ...]
    ends: tuple[float, float] | None = None
    whole: bool = False
    log: bool = False

    @classmethod
    def parse(cls, text: str, graph: Graph, library: NodeLibrary) -> Axis:
        """`node.knob=a,b,c`, or `node.knob=lo:hi:n` (on a logarithmic scale where the knob has one). Raises Refused.

        A knob that takes a list has commas of its own: `node.knob=2,1; 1,1` are two values.
        """
        name, equals, given = text.partition("=")
        try:
            if not equals or not given:
                raise DocumentError("write --vary node.knob=a,b,c or node.knob=low:high:count")
            at, *_ = ends_of(graph, name.strip())
            if at.node not in graph.nodes:
                raise DocumentError(f"there is no node {at.node!r}; there are: {', '.join(sorted(graph.nodes))}")
            knob = knob_of(graph, library, at.node, at.port)
        except DocumentError as error:
            raise Refused(Exit.USAGE, f"--vary {text}: {error}") from None
        stretch = _RANGE.match(given) if knob.kind in ("int", "float") else None
        if stretch:
            low, high, count = float(stretch[1]), float(stretch[2]), int(stretch[3])
            log = knob.range is not None and knob.range.scale == "log" and low > 0
            if not (low < high and count >= 2):
                raise Refused(Exit.USAGE, f"--vary {text}: low must be below high, and the count at least 2")
            found = [_between(low, high, i / (count - 1), log) for i in range(count)]
            axis = cls(
                name.strip(), tuple(_shown(v, knob.kind == "int") for v in found), (low, high), knob.kind == "int", log
            )
        else:
            between = ";" if knob.kind in ("numbers", "texts") else ","
            axis = cls(name.strip(), tuple(value.strip() for value in given.split(between)))
        axis = Axis(axis.knob, tuple(dict.fromkeys(axis.values)), axis.ends, axis.whole, axis.log)
        for value in axis.values:
            with_settings(graph, library, [f"{axis.knob}={value}"], "--vary")
        return axis

    def setting(self, value: object) -> str:
        """What `--set` takes for a value of this axis."""
        return f"{self.knob}={_shown(value, self.whole) if isinstance(value, float) else typed(value)}"

    def by_chance(self, chance: random.Random) -> str:
        """Any value of the range, or one of the list."""
        if self.ends is None:
            return self.setting(chance.choice(self.values))
        return self.setting(_between(*self.ends, chance.random(), self.log))

    def suggested(self, trial: Any) -> str:
        """What an optimiser of optuna suggests."""
        if self.ends is None:
            return self.setting(trial.suggest_categorical(self.knob, self.values))
        low, high = self.ends
        if self.whole:
            return self.setting(trial.suggest_int(self.knob, round(low), round(high), log=self.log))
        return self.setting(trial.suggest_float(self.knob, low, high, log=self.log))


def grid(axes: Sequence[Axis]) -> list[Point]:
    """Every combination, the last axis moving quickest. Raises Refused when there are too many."""
    count = math.prod(len(axis.values) for axis in axes)
    if count > MOST:
        raise Refused(Exit.USAGE, f"the grid has {count} points, allowed are {MOST}; use --method random --points N")
    return list(itertools.product(*([axis.setting(value) for value in axis.values] for axis in axes)))


def chosen_by_chance(axes: Sequence[Axis], count: int, seed: int) -> list[Point]:
    """So many different points; fewer where there are no more."""
    return list(itertools.islice(_by_chance(axes, seed, count), count))


def _by_chance(axes: Sequence[Axis], seed: int, count: int) -> Iterator[Point]:
    chance, seen = random.Random(seed), set()
    for _ in range(50 * count):
        point = tuple(axis.by_chance(chance) for axis in axes)
        if point not in seen:
            seen.add(point)
            yield point


def _between(low: float, high: float, share: float, log: bool) -> float:
    return low * (high / low) ** share if log else low + (high - low) * share


def _shown(value: float | object, whole: bool) -> str:
    assert isinstance(value, float)
    return str(round(value)) if whole else f"{value:.6g}"
