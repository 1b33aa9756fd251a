"""The engine behind an editor: keeps up with a graph that is being edited, what is listened to first.

    live = LiveEngine(library, store)
    live.show(graph, bindings)                       # after every edit
    live.want(Address("hpss", "out"), loop)          # what is heard: this stretch first, then the rest of the song
    live.read(Address("hpss", "out"), stretch)       # the value, or None while it is not there

One director thread decides what runs; an edit or another wish cancels a run only if something more urgent has to be
computed. Finished tiles are in the store, so nothing finished is computed twice; a node that is interrupted in the
middle of a tile begins that tile again. A whole-track node makes a stretch behind it wait until its song is done; in
the meantime `preview` has that stretch computed as if it were the song.

`show`, `want`, `forget` and `cancel` return at once. What happens is told through the queue `events`.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from queue import SimpleQueue
from typing import Literal

from midistems_graph.audio.output_timing import lower_priority
from midistems_graph.audio.values import Value
from midistems_graph.document.flatten import FUNCTIONS, Unfolding, flatten
from midistems_graph.document.graph import Address, Graph, Node
from midistems_graph.engine.binding import Bindings, InputProblem
from midistems_graph.engine.excerpt import Excerpt, Preview
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.forecast import forecast, in_store
from midistems_graph.engine.keys import lineage
from midistems_graph.engine.live_events import (
    Event,
    Idle,
    NodeChanged,
    NodeState,
    NodeStatus,
    PreviewReady,
    Refused,
    StretchReady,
)
from midistems_graph.engine.plan import TILE, Interval, Plan, PlanNode, Unit, compile_plan
from midistems_graph.engine.reports import Status
from midistems_graph.engine.store import MemoryStore, Store, StoreError
from midistems_graph.engine.why import why
from midistems_graph.engine.wiring import PlanError, Wiring
from midistems_graph.node.contract import Cancelled, NodeError
from midistems_graph.node.library import NodeLibrary
from midistems_graph.rules.check import check
from midistems_graph.rules.problems import errors

log = logging.getLogger(__name__)

Lane = Literal["song", "preview"]

_READERS = 64
"""How many finished stretches are kept open for reading."""

_GRID = Fraction(5)
"""Seconds: a preview begins and ends on such a line, so that a small jump needs no other one."""

_SURVEYED = 5000
"""A graph of more units than this is surveyed around what is heard only."""

_SETTLING = 2.0
"""Seconds that a new run waits for nodes of a cancelled one that cannot be broken off."""

_UNSOUND = (PlanError, InputProblem, Unfolding, KeyError)


@dataclass(frozen=True)
class _Wish:
    """An edge that is listened to, and the stretch that comes first."""

    address: Address
    first: Interval
    priority: int


@dataclass(frozen=True)
class _Step:
    """One run: what is wanted, on which stretch (None: the song), of which version of the graph.

    With an excerpt it is a preview: that stretch of the song as if it were the song.
    """

    version: int
    address: Address
    window: Interval | None
    excerpt: Interval | None = None

    @property
    def lane(self) -> Lane:
        return "song" if self.excerpt is None else "preview"


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
        self._runs: dict[Lane, _Run] = {}
        self._closed = self._held = False
        self._plans: OrderedDict[_Step, Plan] = OrderedDict()
        self._previews: dict[Address, Preview] = {}
        self._preview_store = MemoryStore()
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
            if bindings is not self._bindings:
                self._preview_store = MemoryStore()
            self._graph, self._bindings = graph, bindings
            self._version += 1
            self._previews.clear()
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
            for run in self._runs.values():
                run.executor.cancel()
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
        except StoreError:
            if not self._closed:
                raise
        return None

    def preview(self, address: Address) -> Preview | None:
        """What stands in for an edge that is listened to first, while it waits for whole-track nodes."""
        with self._lock:
            return self._previews.get(address)

    def lineage(self, address: Address) -> str:
        """What an edge is computed from, as one digest: equal ones hold the same. Empty if it cannot be computed."""
        try:
            plan = self._plan(_Step(self._version, address, None))
        except _UNSOUND:
            return ""
        return lineage(plan, plan.outputs[0])

    def ready(self, address: Address) -> tuple[Interval, ...]:
        """The stretches of the song, in tiles, on which an edge can be read now."""
        try:
            version = self._version
            plan = self._plan(_Step(version, address, None))
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
            plan = self._plan(_Step(self._version, address, None))
        except _UNSOUND:
            return ()
        return tuple(a for a, node in plan.nodes.items() if node.whole and self.state(a).status != "cached")

    def failure(self, address: Address) -> str:
        """Why an edge cannot be had: the sentence of a failed node that it depends on; empty if none failed."""
        with self._lock:
            failed = self._failures & self._states.keys()
        if not failed:
            return ""
        try:
            nodes = self._plan(_Step(self._version, address, None)).nodes
        except _UNSOUND:
            return ""
        return next((f"{n}: {self.state(n).message}" for n in nodes if n in failed), "")

    def reason(self, address: Address) -> list[str]:
        """Why the node of an output ran the last time, or would run now; empty if there is nothing to say.

        Computes nothing, but looks many units up: not for the thread that draws.
        """
        node = address.node
        if self.state(node).status != "dirty":
            return [line for line in self._reasons.get(node, "").split("; ") if line]
        try:
            return why(self._plan(_Step(self._version, address, None)), self.store, node)
        except _UNSOUND:
            return []

    # Reading

    def _reader(self, version: int, address: Address, tiles: Interval) -> Executor | None:
        executor = self._executed(_Step(version, address, tiles))
        if executor is None:
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
        plan = self._plan(_Step(version, address, None))
        if not _has_nothing_above(plan.nodes[plan.outputs[0].node]):
            return None
        top = Executor(plan, self.library, store=self.store, jobs=1)
        with self._lock:
            if version == self._version:
                self._tops[address] = top
        return top

    def _executed(self, step: _Step) -> Executor | None:
        """An execution of which nothing was left to compute; None if there is something left."""
        return self._ran(step) if _is_there(self._plan(step), self._store(step)) else None

    def _ran(self, step: _Step) -> Executor | None:
        executor = Executor(self._plan(step), self.library, store=self._store(step), jobs=1)
        executor.run()
        return None if executor.failures or executor.cancelled else executor

    def _store(self, step: _Step) -> Store:
        return self.store if step.excerpt is None else self._preview_store

    def _plan(self, step: _Step) -> Plan:
        with self._lock:
            known = self._plans.get(step)
            graph, bindings = self._graph, self._bindings
        if known is not None:
            return known
        if step.excerpt is not None:
            bindings = Excerpt.of(bindings, step.excerpt)
        address = step.address
        broken = errors(check(graph, self.library, wanted=[address.node]))
        if broken:
            raise PlanError("; ".join(problem.message for problem in broken))
        plan = compile_plan(graph, self.library, bindings, outputs=[address], window=step.window)
        with self._lock:
            if step.version == self._version:
                self._plans[step] = plan
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
        """For previews, and for the song beside them: leave the run or end it, and begin the next one."""
        for lane in ("preview", "song"):
            self._decide_in(lane)
        if not self._runs:
            if not self._held and self._surveyed != self._version:
                self._survey()
            self.events.put(Idle())

    def _decide_in(self, lane: Lane) -> None:
        run = self._runs.get(lane)
        if run is not None and run.ended.is_set():
            self._conclude(run)
            run = None
        step = None if self._closed or self._held else self._next_step(lane)
        if run is not None:
            if step == run.step or (step is not None and run.helps(step, self._plan(step))):
                return
            run.executor.cancel()
            run.ended.wait()
            run.settle(_SETTLING)
            self._conclude(run)
        if step is not None and (lane == "preview" or not self._runs):  # a preview that runs is awaited
            self._begin(step)

    def _next_step(self, lane: Lane) -> _Step | None:
        """The most urgent step that has something left to compute."""
        with self._lock:
            version, total = self._version, self._bindings.total
            wishes = sorted(self._wishes.values(), key=lambda wish: wish.priority)
        if lane == "preview":
            steps = [_Step(version, w.address, None, e) for w in wishes if (e := _excerpt(w, total)) is not None]
        else:
            steps = [_Step(version, wish.address, wish.first) for wish in wishes]
            steps += [_Step(version, wish.address, None) for wish in wishes]
        for step in steps:
            if step in self._done:
                continue
            try:
                if self._waits(step) if step.excerpt else not _is_there(self._plan(step), self.store):
                    return step
            except _UNSOUND as error:
                if not step.excerpt:
                    self.events.put(Refused(step.address, str(error)))
            self._finish(step)
        return None

    def _waits(self, step: _Step) -> bool:
        """Whether the stretch of a preview waits for a whole-track node."""
        plan = self._plan(_Step(step.version, step.address, step.excerpt))
        return any(plan.nodes[n.address].whole and n.cached < n.units for n in forecast(plan, self.store).nodes)

    def _finish(self, step: _Step) -> None:
        with self._lock:
            if step.version == self._version:
                self._done.add(step)
            self._progress += 1

    def _begin(self, step: _Step) -> None:
        try:
            plan = self._plan(step)
        except _UNSOUND:  # the graph changed again
            return
        if step.excerpt is None and self._surveyed != step.version:
            self._mark(plan)
        run = _Run(step, self)
        run.executor = Executor(plan, self.library, store=self._store(step), watcher=run, jobs=self.jobs)
        with self._lock:
            self._runs[step.lane] = run
        run.start()

    def _conclude(self, run: _Run) -> None:
        with self._lock:
            del self._runs[run.step.lane]
        if not run.executor.cancelled:
            self._finish(run.step)
            self._surveyed = -1  # what the rest costs is known better now
        if run.step.excerpt is not None:
            self._offer(run)
            return
        reports = run.executor.reports.items()
        self._reasons |= {node: report.reason for node, report in reports if report.status == "ran"}
        for node in run.planned:
            if self.state(node).status == "running":
                self._set(node, NodeState("dirty", self.state(node).done))
        for failure in run.executor.failures if run.step.version == self._version else ():
            self._failures.add(failure.node)
            self._set(failure.node, NodeState("failed", message=failure.message))

    def _offer(self, run: _Run) -> None:
        """Let a preview stand in, if it came about; a node that fails on a stretch alone says nothing."""
        step, executor = run.step, run.executor
        assert step.excerpt is not None
        for node in run.planned:
            if self.state(node).status == "running":
                self._set(node, NodeState("dirty"))
        if executor.cancelled or executor.failures:
            return
        known: dict[Address, Executor | None] = {step.address: executor}

        def executed(address: Address) -> Executor | None:
            if address not in known:
                try:
                    known[address] = self._ran(replace(step, address=address))
                except _UNSOUND:
                    known[address] = None
            return known[address]

        with self._lock:
            if step.version == self._version:
                self._previews[step.address] = Preview(step.excerpt, executed)
        self.events.put(PreviewReady(step.address))

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
        self._units: Counter[Unit] = Counter()
        self._overtaken = False
        self._finished: Counter[str] = Counter()

    def start(self) -> None:
        self.planned = Counter(unit.node for unit in self.executor.plan.units)
        threading.Thread(target=self._work, name="live run", daemon=True).start()

    def helps(self, step: _Step, plan: Plan) -> bool:
        """Whether all that is worked on now is needed for another step, too; when it is done, one decides anew."""
        with self._settled:
            working = [unit for unit, count in self._units.items() if count]
        self._overtaken = step.version == self.step.version and bool(working) and all(u in plan.units for u in working)
        return self._overtaken

    def settle(self, seconds: float) -> None:
        """Wait for nodes that go on after a cancel."""
        deadline = time.monotonic() + seconds
        with self._settled:
            while self._units.total() and time.monotonic() < deadline:
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
            self._units[unit] += 1
        self._show(unit.node, 0.0)

    def unit_progress(self, unit: Unit, done: float) -> None:
        self._show(unit.node, done)

    def unit_finished(self, unit: Unit, status: Status, seconds: float) -> None:
        with self._settled:
            self._units[unit] -= 1
            self._finished[unit.node] += status in ("ran", "cached")
            self._settled.notify_all()
        if self._overtaken:
            self.live._changed.set()
        if self.step.excerpt is None and status in ("ran", "cached"):
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


def _excerpt(wish: _Wish, total: Fraction) -> Interval | None:
    """What comes first, on a coarse grid, for a preview: of what is heard, if it is half of the song at most."""
    start, stop = wish.first[0] // _GRID * _GRID, min(-(-wish.first[1] // _GRID) * _GRID, total)
    return (start, stop) if wish.priority <= 0 and 2 * (stop - start) <= total else None


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
        ports = [p.name for p in node_type.outputs if p.name not in FUNCTIONS] if node_type else []
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
