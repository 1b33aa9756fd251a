"""How the nodes of a live engine stand: what is there, what runs, what failed, and why a node runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import chain

from midistems_graph.document.flatten import FUNCTIONS, flatten
from midistems_graph.document.graph import Address, Graph
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.forecast import forecast
from midistems_graph.engine.live.events import NodeChanged, NodeState, NodeStatus
from midistems_graph.engine.live.plans import UNSOUND, Plans
from midistems_graph.engine.plan import TILE, Interval, Plan, compile_plan
from midistems_graph.engine.store import Store
from midistems_graph.engine.unbound import left_out
from midistems_graph.engine.why import why
from midistems_graph.engine.wiring import Wiring
from midistems_graph.rules.check import check
from midistems_graph.rules.problems import errors

log = logging.getLogger(__name__)

_SURVEYED = 5000
"""A graph of more units than this is surveyed around what is heard only."""


class States(Mapping[str, NodeState]):
    """States by flattened address (`refine/hpss`), of all nodes that are known; what changes is told.

    Written by the threads of the engine, read by any.
    """

    def __init__(self, plans: Plans, store: Store, tell: Callable[[NodeChanged], None]) -> None:
        self._plans, self._store, self._tell = plans, store, tell
        self._known: dict[str, NodeState] = {}
        self._failures: set[str] = set()
        self._reasons: dict[str, str] = {}
        self._forgotten = 0
        self.surveyed = -1
        """The version of the graph of which all is known."""

    def __getitem__(self, node: str) -> NodeState:
        return self._known[node]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._known))

    def __len__(self) -> int:
        return len(self._known)

    def of(self, node: str) -> NodeState:
        """A node's state; dirty while nothing is known of it."""
        return self._known.get(node, NodeState("dirty"))

    def set(self, node: str, state: NodeState) -> None:
        if self._known.get(node) != state:
            self._known[node] = state
            self._tell(NodeChanged(node, state))

    def forget_failures(self) -> None:
        """The graph is another one: what failed may not fail again."""
        self._failures.clear()

    def forget(self) -> None:
        """Nothing was told yet: all that is known is looked up and told again."""
        with self._plans.lock:
            self._known.clear()
            self._failures.clear()
            self._forgotten += 1
            self.surveyed = -1

    def end(self, nodes: Iterable[str]) -> None:
        """Nodes of a run that is over run no more."""
        for node in nodes:
            if self.of(node).status == "running":
                self.set(node, NodeState("dirty", self.of(node).done))

    def take(self, executor: Executor, *, current: bool) -> None:
        """What a run has to tell; failures only if it was one of the graph as it is now."""
        self._reasons |= {node: r.reason for node, r in executor.reports.items() if r.status == "ran"}
        for failure in executor.failures if current else ():
            self._failures.add(failure.node)
            self.set(failure.node, NodeState("failed", message=failure.message))

    # What is asked

    def failure(self, address: Address) -> str:
        """Why an edge cannot be had: the sentence of a failed node that it depends on; empty if none failed."""
        failed = self._failures & self._known.keys()
        if not failed:
            return ""
        try:
            nodes = self._plans.of(address).nodes
        except UNSOUND:
            return ""
        return next((f"{n}: {self.of(n).message}" for n in nodes if n in failed), "")

    def reason(self, address: Address) -> list[str]:
        """Why the node of an output ran the last time, or would run now; empty if there is nothing to say.

        Computes nothing, but looks many units up: not for the thread that draws.
        """
        node = address.node
        if self.of(node).status != "dirty":
            return [line for line in self._reasons.get(node, "").split("; ") if line]
        try:
            return why(self._plans.of(address), self._store, node)
        except UNSOUND:
            return []

    def waits_for(self, address: Address) -> tuple[str, ...]:
        """The whole-track nodes behind an edge that are not done: a stretch has to wait for the song."""
        try:
            plan = self._plans.of(address)
        except UNSOUND:
            return ()
        return tuple(a for a, node in plan.nodes.items() if node.whole and self.of(a).status != "cached")

    # What is in the store

    def survey(self, first: Interval = (Fraction(0), TILE)) -> None:
        """Look up what is there of all sound nodes; of a graph with very many units only on a stretch."""
        plans = self._plans
        with plans.lock:
            version, graph, bindings = plans.version, plans.graph, plans.bindings
            forgotten = self._forgotten
        try:
            wiring = Wiring.of(flatten(graph), plans.library)
            lost = left_out(wiring, graph, bindings.files)
            self._leave_out(lost)
            outputs = _sound_outputs(graph, wiring.without(lost))
            if outputs:
                plan = compile_plan(graph, plans.library, bindings, outputs=outputs)
                if len(plan.units) > _SURVEYED:
                    plan = compile_plan(graph, plans.library, bindings, outputs=outputs, window=first)
                self.mark(plan)
        except UNSOUND as error:
            log.debug("nothing to survey: %s", error)
        with plans.lock:
            if forgotten == self._forgotten:  # else some was told to who forgot it meanwhile
                self.surveyed = version

    def _leave_out(self, lost: Mapping[str, str]) -> None:
        """Nodes that an open optional input leaves out, each with the input that it lacks; others are not any more."""
        for node, state in list(self._known.items()):
            if state.status == "left out" and node not in lost:
                self.set(node, NodeState("dirty"))
        for node, name in lost.items():
            self.set(node, NodeState("left out", message=f"nothing is given for {name}"))

    def mark(self, plan: Plan) -> None:
        """Dirty and cached nodes of a plan, with what the dirty ones cost."""
        dirty: set[str] = set()
        for node in forecast(plan, self._store).nodes:
            planned = plan.nodes[node.address]
            above = any(s.node in dirty for s in chain(*planned.inputs.values(), planned.wired.values()))
            if node.cached < node.units or (node.units == 0 and above):
                dirty.add(node.address)
            share = node.cached / node.units if node.units else float(node.address not in dirty)
            status: NodeStatus = "dirty" if node.address in dirty else "cached"
            if node.address in self._failures and (status == "dirty" or node.units == 0):
                continue
            seconds, nbytes = (node.seconds, node.nbytes) if status == "dirty" else (0.0, 0)
            self.set(node.address, NodeState(status, share, seconds, nbytes=nbytes))


def _sound_outputs(graph: Graph, wiring: Wiring) -> list[Address]:
    """One output of every node that can be computed and whose outputs no other such node reads."""
    broken, library = set[str](), wiring.library
    for problem in errors(check(graph, library)):
        if not problem.node:
            return []
        broken |= problem.concerned
    outputs: dict[str, Address] = {}
    for address in wiring.order:
        node_type = library.get(wiring.nodes[address].type)
        if node_type is None or any(source.node in broken for _, source in wiring.into[address]):
            broken.add(address)
        ports = [p.name for p in node_type.outputs if p.name not in FUNCTIONS] if node_type else []
        if address not in broken and ports and wiring.nodes[address].group is None:
            outputs[address] = Address(address, ports[0])
            for _, source in wiring.into[address]:
                if source.port not in FUNCTIONS:
                    outputs.pop(source.node, None)
    return list(outputs.values())
