"""What a plan would cost before it runs: what is in the store already, time, memory and disk for the rest.

Keys are followed from the sources as far as results are known. Below a unit that the store does not know nothing can
be looked up, because a key needs the content of the inputs; such units count as work, although some of them may turn
out to be there. Time, and bytes where no rule tells them, are what the node types cost on this machine before
(`costs`). Memory is estimated (`peak`), times what runs of these nodes took of such an estimate before. Time that is
not known stays None.
"""

from __future__ import annotations

import heapq
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from midistems_graph.engine.costs import Cost, Costs, Kind, remember
from midistems_graph.engine.keys import KeyChain
from midistems_graph.engine.peak import peak_bytes
from midistems_graph.engine.plan import ONCE, Plan, PlanNode, Unit
from midistems_graph.engine.room import written_bytes
from midistems_graph.engine.sizes import edge_sizes, output_bytes, outputs_are_known, signal_samples
from midistems_graph.engine.store import Store
from midistems_graph.engine.wiring import Source


@dataclass(frozen=True)
class NodeForecast:
    """One node: how many units it has, how many of them are in the store, and what the others cost.

    `mode` is that of the plan, `seconds` None if nothing is known, `nbytes` those of outputs, to be stored.
    """

    address: str
    type: str
    mode: str
    writes: bool
    units: int
    cached: int
    seconds: float | None
    nbytes: int

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
    """All nodes in the order of the plan.

    `memory` is the most that the program takes, `elapsed` seconds of the clock on so many threads, `start` those until
    networks are loaded, which a process does once, `files` what is written into the output folder. The store has to
    hold `at_once` bytes together; it keeps to its `limit` otherwise, and `free` is room on its disk.
    """

    nodes: tuple[NodeForecast, ...]
    memory: int
    free: int | None = None
    elapsed: float = 0.0
    start: float = 0.0
    files: int = 0
    at_once: int = 0
    limit: int | None = None

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
        """Bytes that come to the store and stay there."""
        come = sum(node.nbytes for node in self.nodes)
        return come if self.limit is None else min(come, max(self.limit, self.at_once))

    def as_data(self) -> dict[str, Any]:
        """Plain data, with the sums."""
        return {
            "units": self.units,
            "cached": self.cached,
            "seconds": self.seconds,
            "elapsed": self.elapsed,
            "start": self.start,
            "memory": self.memory,
            "bytes": self.nbytes,
            "free": self.free,
            "files": self.files,
            "nodes": [asdict(node) for node in self.nodes],
        }


def forecast(plan: Plan, store: Store, *, jobs: int = 0, costs: Costs | None = None) -> Forecast:
    """Look every unit of a plan up; computes nothing, stores nothing. `costs` are those of this machine."""
    cached = in_store(plan, store)
    costs = costs or Costs.read()
    todo: dict[str, list[Unit]] = {address: [] for address in plan.nodes}
    planned = Counter(unit.node for unit in plan.units)
    for unit in plan.units:
        if unit not in cached:
            todo[unit.node].append(unit)
    nodes, seconds, start = [], dict[Unit, float](), 0.0
    edges, samples = edge_sizes(plan), signal_samples(plan)
    for address, node in plan.nodes.items():
        cost = costs.of(node)
        expected = [cost.for_samples(samples(unit)) if cost else None for unit in todo[address]]
        start += cost.start if cost and todo[address] else 0.0
        seconds |= {unit: one.seconds if one else 0.0 for unit, one in zip(todo[address], expected, strict=True)}
        nodes.append(
            NodeForecast(
                address=address,
                type=node.type.id,
                mode=node.mode,
                writes=node.type.writes,
                units=planned[address],
                cached=planned[address] - len(todo[address]),
                seconds=None if None in expected else sum(one.seconds for one in expected if one),
                nbytes=_bytes(plan, node, todo[address], expected, edges),
            )
        )
    workers = jobs or os.cpu_count() or 1
    memory = peak_bytes(plan, list(seconds), workers)
    before = costs.known.get(Kind.of_run(plan))
    memory = int(before.for_samples(memory).nbytes) if before else memory
    return Forecast(
        tuple(nodes),
        memory,
        elapsed=_elapsed(plan, seconds, workers),
        start=start,
        files=written_bytes(plan),
        at_once=_at_once(plan, edges),
    )


def remember_memory(plan: Plan, peak: int, *, jobs: int = 0) -> None:
    """Keep what a program took at most that ran a plan, all of it, and nothing else."""
    told = peak_bytes(plan, list(plan.units), jobs or os.cpu_count() or 1)
    remember([(Kind.of_run(plan), Cost(told, 0.0, peak))])


def in_store(plan: Plan, store: Store) -> set[Unit]:
    """The units that need not run, as far as that can be known without running.

    Their results are there, or are known and read by nothing that runs.
    """
    keys = KeyChain(plan)
    keys.look_up(store)
    there = keys.digests.keys() - keys.gone
    runs, read = set[Unit](), set(plan.asked())
    for unit in reversed(list(plan.units)):  # readers first
        if unit not in there and (unit in read or unit not in keys.digests):
            runs.add(unit)
            read.update(plan.units[unit])
    return plan.units.keys() - runs


def _bytes(
    plan: Plan, node: PlanNode, units: list[Unit], expected: list[Cost | None], edges: Mapping[Source, float]
) -> int:
    """What units leave in the store: by their kinds of value, or as measured where these leave it open."""
    if node.mode == "derived" or node.type.writes:
        return 0
    known = outputs_are_known(node)
    pairs = zip(units, expected, strict=True)
    return sum(int(cost.nbytes) if cost and not known else output_bytes(plan, unit, edges) for unit, cost in pairs)


def _at_once(plan: Plan, edges: Mapping[Source, float]) -> int:
    """Bytes of what units read that look at the whole song: these wait for each other in the store."""
    whole = {read for unit, reads in plan.units.items() if unit.tile == ONCE for read in reads}
    return sum(output_bytes(plan, unit, edges) for unit in whole)


def _elapsed(plan: Plan, seconds: Mapping[Unit, float], workers: int) -> float:
    """Seconds of the clock until the last of these units is done, taken up as a run takes them up."""

    def threads(unit: Unit) -> int:
        return plan.nodes[unit.node].threads(workers)

    ranks = plan.ranks()
    readers: dict[Unit, list[Unit]] = {unit: [] for unit in seconds}
    waits = dict.fromkeys(seconds, 0)
    for unit in seconds:
        for above in plan.units[unit]:
            if above in seconds:
                readers[above].append(unit)
                waits[unit] += 1
    ready = [(ranks[unit], unit) for unit, count in waits.items() if not count]
    heapq.heapify(ready)
    busy: list[tuple[float, Unit]] = []
    now = 0.0
    while ready or busy:
        while ready and (not busy or threads(ready[0][1]) + sum(threads(unit) for _, unit in busy) <= workers):
            unit = heapq.heappop(ready)[1]
            heapq.heappush(busy, (now + seconds[unit], unit))
        now, done = heapq.heappop(busy)
        for reader in readers[done]:
            waits[reader] -= 1
            if not waits[reader]:
                heapq.heappush(ready, (ranks[reader], reader))
    return now
