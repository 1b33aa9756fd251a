"""The engine behind an editor: keeps up with a graph that is being edited, what is listened to first.

    live = LiveEngine(library, store)
    live.show(graph, bindings)                       # after every edit
    live.want(Address("hpss", "out"), loop)          # what is heard: this stretch first, then the rest of the song
    live.read(Address("hpss", "out"), stretch)       # the value, or None while it is not there

One director thread decides what runs; an edit or another wish cancels a run only if something more urgent has to be
computed. Finished tiles are in the store, so nothing finished is computed twice; a node that is interrupted in the
middle of a tile begins that tile again. A whole-track node makes a stretch behind it wait until its song is done.

`show`, `want`, `forget` and `cancel` return at once. What happens is told through the queue `events`.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from queue import SimpleQueue
from typing import Literal

from midistems_graph.audio.output_timing import lower_priority
from midistems_graph.audio.values import Value
from midistems_graph.document.flatten import Unfolding, flatten
from midistems_graph.document.graph import Address, Graph, Node
from midistems_graph.engine.binding import Bindings, InputProblem
from midistems_graph.engine.execute import Executor, Status
from midistems_graph.engine.forecast import forecast, in_store
from midistems_graph.engine.keys import lineage
from midistems_graph.engine.plan import TILE, Interval, Plan, PlanNode, Unit, compile_plan
from midistems_graph.engine.store import Store
from midistems_graph.engine.why import why
from midistems_graph.engine.wiring import PlanError, Wiring
from midistems_graph.node.contract import Cancelled, NodeError
from midistems_graph.node.library import NodeLibrary
from midistems_graph.rules.check import check
from midistems_graph.rules.problems import errors

log = logging.getLogger(__name__)

NodeStatus = Literal["dirty", "cached", "running", "failed"]

_READERS = 64
"""How many finished stretches are kept open for reading."""

_SURVEYED = 5000
"""A graph of more units than this is surveyed around what is heard only."""

_SETTLING = 2.0
"""Seconds that a new run waits for nodes of a cancelled one that cannot be broken off."""

_UNSOUND = (PlanError, InputProblem, Unfolding, KeyError)


@dataclass(frozen=True)
class NodeState:
    """One node on the canvas: its status, the share of its units that is done (0 to 1), what the rest costs in
    seconds (None: not known), what went wrong, and the bytes that the rest would store."""

    status: NodeStatus
    done: float = 0.0
    seconds: float | None = None
    message: str = ""
    nbytes: int | None = None


@dataclass(frozen=True)
class NodeChanged:
    """A node has another state."""

    node: str
    state: NodeState


@dataclass(frozen=True)
class StretchReady:
    """A tile of a node (ONCE: its song) can be read now."""

    unit: Unit


@dataclass(frozen=True)
class Refused:
    """What is wanted cannot be computed; the sentence says why."""

    address: Address
    message: str


@dataclass(frozen=True)
class Idle:
    """There is nothing left to compute."""


Event = NodeChanged | StretchReady | Refused | Idle


@dataclass(frozen=True)
class _Wish:
    """An edge that is listened to, and the stretch that comes first."""

    address: Address
    first: Interval
    priority: int


@dataclass(frozen=True)
class _Step:
    """One run: what is wanted, on which stretch (None: the song), of which version of the graph."""

    version: int
    address: Address
    window: Interval | None


class LiveEngine:
    """Computes what is listened to while the graph changes. Close it at the end.

    `store` keeps what was computed (a `MemoryStore` or `DiskStore`), `jobs` is the number of threads (all cores).
    """

    def __init__(self, library: NodeLibrary, store: Store, *, jobs: int = 0) -> None:
        self.library, self.store, self.jobs = library, store, jobs
        self.events: SimpleQueue[Event] = SimpleQueue()
        self._lock = threading.RLock()
        self._changed = threading.Event()
        self._graph, self._bindings = Graph(), Bindings()
        self._version = 0
        self._wishes: dict[Address, _Wish] = {}
        self._done: set[_Step] = set()
        self._states: dict[str, NodeState] = {}
        self._failures: set[str] = set()
        self._reasons: dict[str, str] = {}
        self._surveyed = -1
        self._progress = 0
        self._run: _Run | None = None
        self._closed = self._held = False
        self._plans: OrderedDict[tuple[int, Address, Interval | None], Plan] = OrderedDict()
        self._readers: OrderedDict[tuple[int, Address, Interval], Executor] = OrderedDict()
        self._tops: dict[Address, Executor] = {}
        self._missing: dict[tuple[int, Address, Interval], int] = {}
        self._director = threading.Thread(target=self._direct, name="live engine", daemon=True)
        self._director.start()

    def show(self, graph: Graph, bindings: Bindings) -> None:
        """The graph and the song as they are now. Moving and naming things changes nothing here."""
        with self._lock:
            if bindings is self._bindings and _computes_alike(graph, self._graph):
                self._graph = graph
                return
            self._graph, self._bindings = graph, bindings
            self._version += 1
            self._held = False
            self._done.clear()
            self._failures.clear()
            self._plans.clear()
            self._readers.clear()
            self._missing.clear()
            self._tops.clear()
        self._changed.set()

    def want(self, address: Address, first: Interval, priority: int = 0) -> None:
        """Compute an edge: a stretch of the song (seconds) first, then the rest. Lowest priority number first."""
        with self._lock:
            self._wishes[address] = _Wish(address, first, priority)
            self._held = False
        self._changed.set()

    def forget(self, address: Address) -> None:
        """Nobody listens to this edge any more."""
        with self._lock:
            self._wishes.pop(address, None)
        self._changed.set()

    def cancel(self) -> None:
        """Stop computing until the next edit or wish; `Idle` follows within 0.5 s."""
        with self._lock:
            self._held = True
            if self._run is not None:
                self._run.executor.cancel()
        self._changed.set()

    def close(self) -> None:
        """Stop computing for good."""
        self._closed = True
        self.cancel()
        self._director.join()

    def state(self, address: str) -> NodeState:
        """A node, by its flattened address (`refine/hpss`)."""
        return self._states.get(address, NodeState("dirty"))

    @property
    def states(self) -> Mapping[str, NodeState]:
        """All nodes whose state is known."""
        return dict(self._states)

    def read(self, address: Address, stretch: Interval) -> Value | None:
        """What an edge holds on a stretch of the song (seconds); None while it is not computed.

        Derived nodes, and those that read a file, are computed here, so this may take some milliseconds: not for the
        thread that plays.
        """
        start, stop = stretch
        tiles = (start // TILE * TILE, min(-(-stop // TILE) * TILE, self._bindings.total))
        with self._lock:
            version, progress = self._version, self._progress
            whole = self._readers.get((version, address, (Fraction(0), self._bindings.total)))
            reader = whole or self._readers.get((version, address, tiles))
            if reader is None and self._missing.get((version, address, tiles)) == progress:
                return None
        try:
            if reader is None and (top := self._top(version, address)) is not None:
                return top.glance(top.plan.outputs[0], stretch)
            if reader is None:
                reader = self._reader(version, address, tiles)
            if reader is None:
                self._missing[version, address, tiles] = progress
                return None
            return reader.value(reader.plan.outputs[0], stretch)
        except (NodeError, Cancelled):  # evicted from the store in the meantime
            with self._lock:
                for known in (tiles, (Fraction(0), self._bindings.total)):
                    self._readers.pop((version, address, known), None)
                self._done = {step for step in self._done if step.address != address}
            self._changed.set()
        except _UNSOUND:
            pass
        return None

    def lineage(self, address: Address) -> str:
        """What an edge is computed from, as one digest: equal ones hold the same. Empty if it cannot be computed."""
        try:
            plan = self._plan(self._version, address, None)
        except _UNSOUND:
            return ""
        return lineage(plan, plan.outputs[0])

    def ready(self, address: Address) -> tuple[Interval, ...]:
        """The stretches of the song, in tiles, on which an edge can be read now."""
        try:
            version, plan = self._version, self._plan(self._version, address, None)
        except _UNSOUND:
            return ()
        source = plan.nodes[plan.outputs[0].node]
        if _has_nothing_above(source):
            return (plan.window,)
        there = in_store(plan, self.store)
        if len(there) == len(plan.units):  # one reader is quicker than one for each tile
            self._reader(version, address, plan.window)
            return (plan.window,)
        tiles = [
            (number * TILE, min((number + 1) * TILE, plan.total)) for number in range(math.ceil(plan.total / TILE))
        ]
        needed = plan.reads if source.mode == "derived" else plan.covering
        return tuple(tile for tile in tiles if all(unit in there for unit in needed(source, tile)))

    def waits_for(self, address: Address) -> tuple[str, ...]:
        """The whole-track nodes behind an edge that are not done: a stretch has to wait for the song."""
        try:
            plan = self._plan(self._version, address, None)
        except _UNSOUND:
            return ()
        return tuple(a for a, node in plan.nodes.items() if node.whole and self.state(a).status != "cached")

    def reason(self, address: Address) -> list[str]:
        """Why the node of an output ran the last time, or would run now; empty if there is nothing to say.

        Computes nothing, but looks many units up: not for the thread that draws.
        """
        node = address.node
        if self.state(node).status != "dirty":
            return [line for line in self._reasons.get(node, "").split("; ") if line]
        try:
            return why(self._plan(self._version, address, None), self.store, node)
        except _UNSOUND:
            return []

    # Reading

    def _reader(self, version: int, address: Address, tiles: Interval) -> Executor | None:
        """An execution of which nothing was left to compute; None if there is something left."""
        plan = self._plan(version, address, tiles)
        if not _is_there(plan, self.store):
            return None
        executor = Executor(plan, self.library, store=self.store, jobs=1)
        executor.run()
        if executor.failures or executor.cancelled:
            return None
        with self._lock:
            self._readers[version, address, tiles] = executor
            if len(self._readers) > _READERS:
                self._readers.popitem(last=False)
        return executor

    def _top(self, version: int, address: Address) -> Executor | None:
        """For a node that nothing feeds, what can compute any stretch of it at once."""
        known = self._tops.get(address)
        if known is not None:
            return known
        plan = self._plan(version, address, None)
        if not _has_nothing_above(plan.nodes[plan.outputs[0].node]):
            return None
        top = Executor(plan, self.library, store=self.store, jobs=1)
        with self._lock:
            if version == self._version:
                self._tops[address] = top
        return top

    def _plan(self, version: int, address: Address, window: Interval | None) -> Plan:
        with self._lock:
            known = self._plans.get((version, address, window))
            graph, bindings = self._graph, self._bindings
        if known is not None:
            return known
        broken = errors(check(graph, self.library, wanted=[address.node]))
        if broken:
            raise PlanError("; ".join(problem.message for problem in broken))
        plan = compile_plan(graph, self.library, bindings, outputs=[address], window=window)
        with self._lock:
            if version == self._version:
                self._plans[version, address, window] = plan
                if len(self._plans) > _READERS:
                    self._plans.popitem(last=False)
        return plan

    # Directing

    def _direct(self) -> None:
        lower_priority()
        while not self._closed:
            self._changed.wait()
            self._changed.clear()
            try:
                self._decide()
            except Exception:
                log.exception("the live engine broke")

    def _decide(self) -> None:
        """Leave the current run, or end it in favour of something more urgent; begin the next one."""
        run = self._run
        if run is not None and run.ended.is_set():
            self._conclude(run)
            run = None
        step = None if self._closed or self._held else self._next_step()
        if run is not None:
            if step == run.step:
                return
            run.executor.cancel()
            run.ended.wait()
            run.settle(_SETTLING)
            self._conclude(run)
        if step is not None:
            self._begin(step)
        elif not self._held and self._surveyed != self._version:
            self._survey()
        if self._run is None:
            self.events.put(Idle())

    def _next_step(self) -> _Step | None:
        """The most urgent step that has something left to compute."""
        with self._lock:
            version = self._version
            wishes = sorted(self._wishes.values(), key=lambda wish: wish.priority)
        steps = [_Step(version, wish.address, wish.first) for wish in wishes]
        for step in [*steps, *(_Step(version, wish.address, None) for wish in wishes)]:
            if step in self._done:
                continue
            try:
                if not _is_there(self._plan(version, step.address, step.window), self.store):
                    return step
            except _UNSOUND as error:
                self.events.put(Refused(step.address, str(error)))
            self._finish(step)
        return None

    def _finish(self, step: _Step) -> None:
        with self._lock:
            if step.version == self._version:
                self._done.add(step)
            self._progress += 1

    def _begin(self, step: _Step) -> None:
        try:
            plan = self._plan(step.version, step.address, step.window)
        except _UNSOUND:  # the graph changed again
            return
        if self._surveyed != step.version:
            self._mark(plan)
        run = _Run(step, self)
        run.executor = Executor(plan, self.library, store=self.store, watcher=run, jobs=self.jobs)
        self._run = run
        run.start()

    def _conclude(self, run: _Run) -> None:
        self._run = None
        if not run.executor.cancelled:
            self._finish(run.step)
            self._surveyed = -1  # what the rest costs is known better now
        reports = run.executor.reports.items()
        self._reasons |= {node: report.reason for node, report in reports if report.status == "ran"}
        for node in run.planned:
            if self.state(node).status == "running":
                self._set(node, NodeState("dirty", self.state(node).done))
        for failure in run.executor.failures if run.step.version == self._version else ():
            self._failures.add(failure.node)
            self._set(failure.node, NodeState("failed", message=failure.message))

    # What is known of nodes

    def _survey(self) -> None:
        """Look up what is there of all sound nodes."""
        with self._lock:
            version, graph, bindings = self._version, self._graph, self._bindings
            first = next((wish.first for wish in self._wishes.values()), (Fraction(0), TILE))
        try:
            outputs = _sound_outputs(graph, self.library)
            if outputs:
                plan = compile_plan(graph, self.library, bindings, outputs=outputs)
                if len(plan.units) > _SURVEYED:
                    plan = compile_plan(graph, self.library, bindings, outputs=outputs, window=first)
                self._mark(plan)
        except _UNSOUND as error:
            log.debug("nothing to survey: %s", error)
        self._surveyed = version

    def _mark(self, plan: Plan) -> None:
        """Dirty and cached nodes of a plan, with what the dirty ones cost."""
        dirty: set[str] = set()
        for node in forecast(plan, self.store).nodes:
            planned = plan.nodes[node.address]
            above = any(s.node in dirty for s in chain(*planned.inputs.values(), planned.wired.values()))
            if node.cached < node.units or (node.units == 0 and above):
                dirty.add(node.address)
            share = node.cached / node.units if node.units else float(node.address not in dirty)
            status: NodeStatus = "dirty" if node.address in dirty else "cached"
            if node.address in self._failures and status == "dirty":
                continue
            seconds, nbytes = (node.seconds, node.nbytes) if status == "dirty" else (0.0, 0)
            self._set(node.address, NodeState(status, share, seconds, nbytes=nbytes))

    def _set(self, node: str, state: NodeState) -> None:
        if self._states.get(node) != state:
            self._states[node] = state
            self.events.put(NodeChanged(node, state))


class _Run:
    """One execution on a thread of its own, and the watcher of its units."""

    executor: Executor

    def __init__(self, step: _Step, live: LiveEngine) -> None:
        self.step, self.live = step, live
        self.ended = threading.Event()
        self._settled = threading.Condition()
        self._working: Counter[str] = Counter()
        self._finished: Counter[str] = Counter()

    def start(self) -> None:
        self.planned = Counter(unit.node for unit in self.executor.plan.units)
        threading.Thread(target=self._work, name="live run", daemon=True).start()

    def settle(self, seconds: float) -> None:
        """Wait for nodes that go on after a cancel."""
        deadline = time.monotonic() + seconds
        with self._settled:
            while self._working.total() and time.monotonic() < deadline:
                self._settled.wait(deadline - time.monotonic())

    def _work(self) -> None:
        lower_priority()
        try:
            self.executor.run()
        except Exception:
            log.exception("a run broke")
        finally:
            self.ended.set()
            self.live._changed.set()

    def unit_started(self, unit: Unit) -> None:
        with self._settled:
            self._working[unit.node] += 1
        self._show(unit.node, 0.0)

    def unit_progress(self, unit: Unit, done: float) -> None:
        self._show(unit.node, done)

    def unit_finished(self, unit: Unit, status: Status, seconds: float) -> None:
        with self._settled:
            self._working[unit.node] -= 1
            self._finished[unit.node] += status in ("ran", "cached")
            self._settled.notify_all()
        if status in ("ran", "cached"):
            with self.live._lock:
                self.live._progress += 1
            self.live.events.put(StretchReady(unit))
            if self._finished[unit.node] >= self.planned[unit.node]:
                whole = self.step.window is None
                self.live._set(unit.node, NodeState("cached" if whole else "running", 1.0, 0.0))

    def _show(self, node: str, extra: float) -> None:
        if self.live.state(node).status != "failed" and self.step.version == self.live._version:
            share = (self._finished[node] + extra) / max(self.planned[node], 1)
            self.live._set(node, NodeState("running", round(min(share, 1.0), 3)))


def _has_nothing_above(node: PlanNode) -> bool:
    """Whether a node needs nothing but itself (and files), so that any stretch of it is there at once."""
    return node.mode == "tiled" and not node.sources


def _is_there(plan: Plan, store: Store) -> bool:
    told = forecast(plan, store)
    return told.cached == told.units


def _sound_outputs(graph: Graph, library: NodeLibrary) -> list[Address]:
    """One output of every node that can be computed."""
    broken: set[str] = set()
    for problem in errors(check(graph, library)):
        if not problem.node:
            return []
        broken |= problem.concerned
    wiring = Wiring.of(flatten(graph), library)
    outputs = []
    for address in wiring.order:
        node_type = library.get(wiring.nodes[address].type)
        if node_type is None or any(source.node in broken for _, source in wiring.into[address]):
            broken.add(address)
        ports = [p.name for p in node_type.outputs if p.kinds != ("separator",)] if node_type else []
        if address not in broken and ports and wiring.nodes[address].group is None:
            outputs.append(Address(address, ports[0]))
    return outputs


def _computes_alike(a: Graph, b: Graph) -> bool:
    """Whether two graphs differ in looks alone. Nodes that nobody edited are the same objects, so this is quick."""
    if a.nodes.keys() != b.nodes.keys() or (a.edges, a.links, a.inputs) != (b.edges, b.links, b.inputs):
        return False
    alike = all(n is b.nodes[i] or _computed(n) == _computed(b.nodes[i]) for i, n in a.nodes.items())
    return alike and (a.groups is b.groups or a.groups == b.groups)


def _computed(node: Node) -> tuple[object, ...]:
    return node.type, node.version, node.state, {name: (type(v), v) for name, v in node.knobs.items()}
