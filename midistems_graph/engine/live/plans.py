"""What a live engine is shown, and the plans that were made for it: one graph and song at a time, by version."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from midistems_graph.document.flatten import Flat, Unfolding, flatten
from midistems_graph.document.graph import Address, Graph, Node
from midistems_graph.document.moved import moved
from midistems_graph.engine.binding import Bindings, InputProblem
from midistems_graph.engine.excerpt import Excerpt
from midistems_graph.engine.forecast import in_store
from midistems_graph.engine.keys import lineage
from midistems_graph.engine.machine import memory_bytes
from midistems_graph.engine.plan import Interval, Plan, compile_plan
from midistems_graph.engine.sizes import refuse_what_does_not_fit
from midistems_graph.engine.store import Store
from midistems_graph.engine.wiring import PlanError
from midistems_graph.node.library import NodeLibrary
from midistems_graph.rules.check import check
from midistems_graph.rules.problems import errors

UNSOUND = (PlanError, InputProblem, Unfolding, KeyError)
"""What says that something cannot be planned."""

Lane = Literal["song", "preview"]

_KEPT = 64
"""How many plans are kept."""

_GRID = Fraction(5)
"""Seconds: a preview begins and ends on such a line, so that a small jump needs no other one."""

_NOTHING = Flat({}, (), {})


@dataclass(frozen=True)
class Wish:
    """An edge that is listened to, and the stretch that comes first."""

    address: Address
    first: Interval
    priority: int

    def excerpt(self, total: Fraction) -> Interval | None:
        """What comes first, on a coarse grid, for a preview: of what is heard, if it is half of the song at most."""
        start, stop = self.first[0] // _GRID * _GRID, min(-(-self.first[1] // _GRID) * _GRID, total)
        return (start, stop) if self.priority <= 0 and 2 * (stop - start) <= total else None


@dataclass(frozen=True)
class Step:
    """One run: what is wanted, on which stretch (None: the song), of which version of the graph.

    With an excerpt it is a preview: that stretch of the song as if it were the song.
    """

    version: int
    address: Address
    window: Interval | None = None
    excerpt: Interval | None = None

    @property
    def lane(self) -> Lane:
        return "song" if self.excerpt is None else "preview"


class Plans:
    """The graph and song of the moment, and plans for them. `lock` guards both; any thread may ask."""

    def __init__(self, library: NodeLibrary, lock: threading.RLock) -> None:
        self.library, self.lock = library, lock
        self.graph, self.bindings, self.version = Graph(), Bindings(), 0
        self._flat = _NOTHING
        self._plans: OrderedDict[Step, Plan] = OrderedDict()

    def show(self, graph: Graph, bindings: Bindings) -> Mapping[str, str]:
        """Another graph or song, a version of its own. Returns the nodes that have other addresses now."""
        try:
            flat = flatten(graph)
        except Unfolding:
            flat = _NOTHING
        gone = moved(self._flat, flat)
        self.graph, self.bindings, self._flat = graph, bindings, flat
        self.version += 1
        self._plans.clear()
        return gone

    def has(self, address: Address) -> bool:
        """Whether there is such an output's node in the graph."""
        return address.node in self._flat.nodes or str(address) in self._flat.aliases

    def of(self, address: Address) -> Plan:
        """The plan of an edge over the whole song. Raises what `UNSOUND` names."""
        return self.plan(Step(self.version, address))

    def plan(self, step: Step) -> Plan:
        """The plan of a step. Raises what `UNSOUND` names."""
        with self.lock:
            known = self._plans.get(step)
            graph, bindings = self.graph, self.bindings
        if known is not None:
            return known
        if step.excerpt is not None:
            bindings = Excerpt.of(bindings, step.excerpt)
        address = step.address
        broken = errors(check(graph, self.library, wanted=[address.node]))
        if broken:
            raise PlanError("; ".join(problem.message for problem in broken))
        plan = compile_plan(graph, self.library, bindings, outputs=[address], window=step.window)
        refuse_what_does_not_fit(plan, memory_bytes())
        with self.lock:
            if step.version == self.version:
                self._plans[step] = plan
                if len(self._plans) > _KEPT:
                    self._plans.popitem(last=False)
        return plan

    def lineage(self, address: Address) -> str:
        """What an edge is computed from, as one digest: equal ones hold the same. Empty if it cannot be computed."""
        try:
            plan = self.of(address)
        except UNSOUND:
            return ""
        return lineage(plan, plan.outputs[0])


def is_there(plan: Plan, store: Store) -> bool:
    """Whether nothing of a plan is left to compute."""
    return len(in_store(plan, store)) == len(plan.units)


def computes_alike(a: Graph, b: Graph) -> bool:
    """Whether two graphs differ in looks alone. Nodes that nobody edited are the same objects, so this is quick."""
    if a.nodes.keys() != b.nodes.keys() or (a.edges, a.links, a.inputs) != (b.edges, b.links, b.inputs):
        return False
    alike = all(n is b.nodes[i] or _computed(n) == _computed(b.nodes[i]) for i, n in a.nodes.items())
    return alike and (a.groups is b.groups or a.groups == b.groups)


def _computed(node: Node) -> tuple[object, ...]:
    return node.type, node.version, node.state, node.lock, {name: (type(v), v) for name, v in node.knobs.items()}
