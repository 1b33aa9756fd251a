"""What a plan would cost before it runs: what is in the store already, time, memory and disk for the rest.

Keys are followed from the sources as far as results are known. Below a unit that is not in the store nothing can
be looked up, because a key needs the content of the inputs; such units count as work, although some of them may turn
out to be there. Time is what the store remembers of a node type. What is not known stays None.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import Any

from midistems_graph.engine.keys import Digests, node_key, unit_key
from midistems_graph.engine.plan import Interval, Plan, PlanNode, Unit
from midistems_graph.engine.store import Spent, Store
from midistems_graph.engine.wiring import Source

SAMPLE_BYTES = 4


@dataclass(frozen=True)
class NodeForecast:
    """One node: how many units it has, how many of them are in the store, and what the others cost.

    `mode` is that of the plan, `seconds` and `nbytes` (of outputs, to be stored) None if nothing is known.
    """

    address: str
    type: str
    mode: str
    writes: bool
    units: int
    cached: int
    seconds: float | None
    nbytes: int | None

    @property
    def words(self) -> str:
        """What happens to it in a run."""
        if self.mode == "derived":
            return "computed where it is read"
        if self.writes:
            return "writes what is not up to date"
        return "nothing to do" if self.cached == self.units else "runs"


@dataclass(frozen=True)
class Forecast:
    """All nodes in the order of the plan. `memory` is for the values of units in work, `free` that of the disk."""

    nodes: tuple[NodeForecast, ...]
    memory: int
    free: int | None = None

    @property
    def units(self) -> int:
        return sum(node.units for node in self.nodes)

    @property
    def cached(self) -> int:
        return sum(node.cached for node in self.nodes)

    @property
    def seconds(self) -> float:
        """Seconds of work, as far as they are known."""
        return sum(node.seconds or 0.0 for node in self.nodes)

    @property
    def has_unknown_seconds(self) -> bool:
        return any(node.seconds is None for node in self.nodes)

    @property
    def nbytes(self) -> int:
        """Bytes that come to the store, as far as they are known."""
        return sum(node.nbytes or 0 for node in self.nodes)

    def as_data(self) -> dict[str, Any]:
        """Plain data, with the sums."""
        return {
            "units": self.units,
            "cached": self.cached,
            "seconds": self.seconds,
            "memory": self.memory,
            "bytes": self.nbytes,
            "free": self.free,
            "nodes": [asdict(node) for node in self.nodes],
        }


def forecast(plan: Plan, store: Store, *, jobs: int = 0) -> Forecast:
    """Look every unit of a plan up; computes nothing, stores nothing."""
    known = _Known(plan, store)
    place = {address: number for number, address in enumerate(plan.nodes)}
    cached = {
        unit for unit in sorted(plan.units, key=lambda unit: (place[unit.node], unit.tile)) if known.look_up(unit)
    }
    work = [unit for unit in plan.units if unit not in cached]
    spent = {type_id: store.spent(type_id) for type_id in {node.type.id for node in plan.nodes.values()}}
    by_node: dict[str, list[Unit]] = {address: [] for address in plan.nodes}
    for unit in plan.units:
        by_node[unit.node].append(unit)
    nodes = []
    for address, node in plan.nodes.items():
        units = by_node[address]
        todo = [unit for unit in units if unit not in cached]
        sizes = [_output_bytes(plan, unit) for unit in todo]
        nbytes = None if None in sizes else sum(size or 0 for size in sizes)
        if node.mode == "derived" or node.type.writes:
            nbytes = 0
        seconds = _seconds(node, len(todo), nbytes, spent[node.type.id])
        nodes.append(
            NodeForecast(
                address=address,
                type=node.type.id,
                mode=node.mode,
                writes=node.type.writes,
                units=len(units),
                cached=len(units) - len(todo),
                seconds=seconds,
                nbytes=nbytes,
            )
        )
    needs = sorted((_working_bytes(plan, unit) for unit in work), reverse=True)
    return Forecast(tuple(nodes), sum(needs[: jobs or os.cpu_count() or 1]))


class _Known:
    """Digests of results that can be known without running, by unit; the same chain of keys as a run follows."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self._plan = plan
        self._store = store
        self._shared = {address: node_key(node, plan.total) for address, node in plan.nodes.items()}
        self._digests: dict[Unit, Mapping[str, str]] = {}

    def look_up(self, unit: Unit) -> bool:
        """Whether a unit's result is there; all units of the nodes above must have been looked up before."""
        node = self._plan.nodes[unit.node]
        if node.type.writes:
            return False
        interval = self._plan.interval(unit)
        inputs = self._inputs(node, interval)
        record = None if inputs is None else self._store.find(unit_key(self._shared[unit.node], interval, inputs))
        if record is None:
            return False
        self._digests[unit] = record.outputs
        return True

    def _inputs(self, node: PlanNode, interval: Interval) -> list[tuple[str, int, Digests]] | None:
        wider = self._plan.needed(node, interval)
        named = [(name, i, s) for name in sorted(node.inputs) for i, s in enumerate(node.inputs[name])]
        named += [(name, 0, node.wired[name]) for name in sorted(node.wired)]
        found: list[tuple[str, int, Digests]] = []
        for name, place, source in named:
            digests = self._of_source(source, wider)
            if digests is None:
                return None
            found.append((name, place, digests))
        return found

    def _of_source(self, source: Source, interval: Interval) -> Digests | None:
        node = self._plan.nodes[source.node]
        muted = ("muted",) if node.muted else ()
        if node.mode == "derived":
            inputs = self._inputs(node, interval)
            if inputs is None:
                return None
            return (*muted, f"{unit_key(self._shared[node.address], interval, inputs)}.{source.port}")
        units = self._plan.covering(node, interval)
        if any(unit not in self._digests for unit in units):
            return None
        return (*muted, *(self._digests[unit][source.port] for unit in units))


def _output_bytes(plan: Plan, unit: Unit) -> int | None:
    """Bytes of a unit's outputs, if they are figures, audio, or stems whose names are known."""
    node = plan.nodes[unit.node]
    start, stop = plan.interval(unit)
    channels = max((bound.channels for bound in plan.bindings.files.values()), default=2) or 2
    signal = int((stop - start) * node.rate) * channels * SAMPLE_BYTES
    total = 0
    for port in node.type.outputs:
        match port.kinds:
            case ("number",) | ("text",) | ("separator",):
                continue
            case ("audio",):
                total += signal
            case ("stems",) if node.type.stems:
                total += signal * len(_names(node))
            case _:
                return None
    return total


def _names(node: PlanNode) -> tuple[str, ...]:
    return node.type.stems(SimpleNamespace(**node.knobs)) if callable(node.type.stems) else node.type.stems


def _seconds(node: PlanNode, units: int, nbytes: int | None, spent: Spent | None) -> float | None:
    """What units cost by what the node type has cost so far: per byte of output, else per unit."""
    if units == 0:
        return 0.0
    if spent is None or node.type.writes:
        return None
    if nbytes and spent.nbytes:
        return spent.seconds / spent.nbytes * nbytes
    return spent.seconds / spent.units * units


def _working_bytes(plan: Plan, unit: Unit) -> int:
    """Memory of a unit in work: inputs and outputs as audio, times the node's scratch factor."""
    node = plan.nodes[unit.node]
    start, stop = plan.needed(node, plan.interval(unit))
    if any(port.stream for port in node.type.inputs):
        stop = min(stop, start + 10)
    channels = max((bound.channels for bound in plan.bindings.files.values()), default=2) or 2
    edges = 1 + len(node.sources) + len(node.type.outputs)
    return int(float(stop - start) * node.rate * channels * SAMPLE_BYTES * edges * node.type.scratch)
