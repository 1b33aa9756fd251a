"""What a plan would cost before it runs: what is in the store already, time, memory and disk for the rest.

Keys are followed from the sources as far as results are known. Below a unit that is not in the store nothing can
be looked up, because a key needs the content of the inputs; such units count as work, although some of them may turn
out to be there. Time is what the store remembers of a node type. What is not known stays None.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from midistems_graph.engine.keys import KeyChain
from midistems_graph.engine.plan import Plan, PlanNode, Unit
from midistems_graph.engine.sizes import output_bytes, working_bytes, working_sizes
from midistems_graph.engine.store import Spent, Store


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
    cached = in_store(plan, store)
    work = [unit for unit in plan.units if unit not in cached]
    spent = {type_id: store.spent(type_id) for type_id in {node.type.id for node in plan.nodes.values()}}
    by_node: dict[str, list[Unit]] = {address: [] for address in plan.nodes}
    for unit in plan.units:
        by_node[unit.node].append(unit)
    nodes = []
    for address, node in plan.nodes.items():
        units = by_node[address]
        todo = [unit for unit in units if unit not in cached]
        sizes = [output_bytes(plan, unit) for unit in todo]
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
    at_work = working_sizes(plan)
    needs = sorted((working_bytes(plan, unit, at_work) for unit in work), reverse=True)
    return Forecast(tuple(nodes), sum(needs[: jobs or os.cpu_count() or 1]))


def in_store(plan: Plan, store: Store) -> set[Unit]:
    """The units whose results are there, as far as that can be known without running."""
    keys = KeyChain(plan)
    keys.look_up(store)
    return set(keys.digests)


def _seconds(node: PlanNode, units: int, nbytes: int | None, spent: Spent | None) -> float | None:
    """What units cost by what the node type has cost so far: per byte of output, else per unit."""
    if units == 0:
        return 0.0
    if spent is None or node.type.writes:
        return None
    if nbytes and spent.nbytes:
        return spent.seconds / spent.nbytes * nbytes
    return spent.seconds / spent.units * units
