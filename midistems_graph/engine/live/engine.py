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
import threading
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from queue import SimpleQueue

from midistems_graph.audio.output_timing import lower_priority
from midistems_graph.audio.values import Value
from midistems_graph.document.graph import Address, Graph
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.excerpt import Preview
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.forecast import in_store
from midistems_graph.engine.live.events import Event, Idle, PreviewReady, Refused, StretchReady
from midistems_graph.engine.live.plans import UNSOUND, Lane, Plans, Step, Wish, computes_alike, is_there
from midistems_graph.engine.live.reading import Evicted, Reading, executed
from midistems_graph.engine.live.run import LiveRun
from midistems_graph.engine.live.states import States
from midistems_graph.engine.plan import TILE, Interval, Unit
from midistems_graph.engine.store import MemoryStore, Store, StoreError
from midistems_graph.node.library import NodeLibrary

log = logging.getLogger(__name__)

_SETTLING = 2.0
"""Seconds that a new run waits for nodes of a cancelled one that cannot be broken off."""


class LiveEngine:
    """Computes what is listened to while the graph changes. Close it at the end.

    `store` keeps what was computed (a `MemoryStore` or `DiskStore`), `jobs` is the number of threads (all cores).
    `states` tells how nodes stand.
    """

    def __init__(self, library: NodeLibrary, store: Store, *, jobs: int = 0) -> None:
        self.library, self.store, self.jobs = library, store, jobs
        self.events: SimpleQueue[Event] = SimpleQueue()
        self._lock = threading.RLock()
        self._changed = threading.Event()
        self._plans = Plans(library, self._lock)
        self._reading = Reading(self._plans, store)
        self.states = States(self._plans, store, self.events.put)
        self._wishes: dict[Address, Wish] = {}
        self._done: set[Step] = set()
        self._runs: dict[Lane, LiveRun] = {}
        self._closed = self._held = False
        self._previews: dict[Address, Preview] = {}
        self._preview_store = MemoryStore()
        self._director = threading.Thread(target=self._direct, name="live engine", daemon=True)
        self._director.start()

    def show(self, graph: Graph, bindings: Bindings) -> Mapping[str, str] | None:
        """The graph and the song as they are now. Returns None where that computes the same as before.

        Else the nodes that the edit gave other addresses, old to new (a node went into a group, or has another id);
        wishes go with them. What is wished of a node that is gone waits until the graph has it again.
        """
        plans = self._plans
        with self._lock:
            if bindings is plans.bindings and computes_alike(graph, plans.graph):
                plans.graph = graph
                return None
            if bindings is not plans.bindings:
                self._preview_store = MemoryStore()
            moved = plans.show(graph, bindings)
            for address in [address for address in self._wishes if address.node in moved]:
                wish = self._wishes.pop(address)
                there = replace(address, node=moved[address.node])
                self._wishes[there] = replace(wish, address=there)
            self._previews.clear()
            self._held = False
            self._done.clear()
            self.states.forget_failures()
            self._reading.forget()
        self._changed.set()
        return moved

    def has(self, address: Address) -> bool:
        """Whether the graph that is shown has this output's node."""
        return self._plans.has(address)

    def want(self, address: Address, first: Interval, priority: int = 0) -> None:
        """Compute an edge: a stretch of the song (seconds) first, then the rest. Lowest priority number first."""
        with self._lock:
            self._wishes[address] = Wish(address, first, priority)
            self._held = False
        self._changed.set()

    def forget(self, address: Address) -> None:
        """Nobody listens to this edge any more."""
        with self._lock:
            self._wishes.pop(address, None)
        self._changed.set()

    def tell_again(self) -> None:
        """Tell how all nodes stand, for whoever heard it knows it no more."""
        self.states.forget()
        self._changed.set()

    def cancel(self) -> None:
        """Stop computing until the next edit or wish; `Idle` follows within 0.5 s."""
        with self._lock:
            self._held = True
            for run in self._runs.values():
                run.executor.cancel()
        self._changed.set()

    def close(self) -> None:
        """Stop computing for good; what runs has ended when this returns, within 0.5 s."""
        self._closed = True
        self.cancel()
        self._director.join()
        for run in self._runs.values():  # one may have begun after the others were cancelled
            run.executor.cancel()
            run.join()

    # What can be had now

    def read(self, address: Address, stretch: Interval) -> Value | None:
        """What an edge holds on a stretch of the song (seconds); None while it is not computed.

        Derived nodes, and those that read a file, are computed here, so this may take some milliseconds: not for the
        thread that plays.
        """
        try:
            return self._reading.read(address, stretch)
        except Evicted:
            with self._lock:
                self._done = {step for step in self._done if step.address != address}
            self._changed.set()
        except StoreError:
            if not self._closed:
                raise
        return None

    def ready(self, address: Address) -> tuple[Interval, ...]:
        """The stretches of the song, in tiles, on which an edge can be read now."""
        return self._reading.ready(address)

    def preview(self, address: Address) -> Preview | None:
        """What stands in for an edge that is listened to first, while it waits for whole-track nodes."""
        with self._lock:
            return self._previews.get(address)

    def lineage(self, address: Address) -> str:
        """What an edge is computed from, as one digest: equal ones hold the same. Empty if it cannot be computed."""
        return self._plans.lineage(address)

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
            if not self._held and self.states.surveyed != self._plans.version:
                with self._lock:
                    first = next((wish.first for wish in self._wishes.values()), (Fraction(0), TILE))
                self.states.survey(first)
            self.events.put(Idle())

    def _decide_in(self, lane: Lane) -> None:
        run = self._runs.get(lane)
        if run is not None and run.ended.is_set():
            self._conclude(run)
            run = None
        step = None if self._closed or self._held else self._next_step(lane)
        if run is not None:
            if step == run.step or (step is not None and run.helps(step, self._plans.plan(step))):
                return
            run.executor.cancel()
            run.ended.wait()
            run.settle(_SETTLING)
            self._conclude(run)
        if step is not None and (lane == "preview" or not self._runs):  # a preview that runs is awaited
            self._begin(step)

    def _next_step(self, lane: Lane) -> Step | None:
        """The most urgent step that has something left to compute."""
        with self._lock:
            version, total = self._plans.version, self._plans.bindings.total
            wishes = [wish for wish in self._wishes.values() if self._plans.has(wish.address)]
        wishes.sort(key=lambda wish: wish.priority)
        if lane == "preview":
            steps = [Step(version, w.address, excerpt=e) for w in wishes if (e := w.excerpt(total)) is not None]
        else:
            steps = [Step(version, wish.address, wish.first) for wish in wishes]
            steps += [Step(version, wish.address) for wish in wishes]
        for step in steps:
            if step in self._done:
                continue
            try:
                if self._waits(step) if step.excerpt else not is_there(self._plans.plan(step), self.store):
                    return step
            except UNSOUND as error:
                if not step.excerpt:
                    self.events.put(Refused(step.address, str(error)))
            self._finish(step)
        return None

    def _waits(self, step: Step) -> bool:
        """Whether the stretch of a preview waits for a whole-track node."""
        plan = self._plans.plan(Step(step.version, step.address, step.excerpt))
        whole = [unit for unit in plan.units if plan.nodes[unit.node].whole]
        return bool(whole) and not in_store(plan, self.store).issuperset(whole)

    def _finish(self, step: Step) -> None:
        with self._lock:
            if step.version == self._plans.version:
                self._done.add(step)
            self._reading.progress += 1

    def _begin(self, step: Step) -> None:
        try:
            plan = self._plans.plan(step)
        except UNSOUND:  # the graph changed again
            return
        if step.excerpt is None and self.states.surveyed != step.version:
            self.states.mark(plan)
        run = LiveRun(step, self._plans, self.states, self._changed.set, self._finished)
        run.executor = Executor(plan, self.library, store=self._store(step), watcher=run, jobs=self.jobs)
        with self._lock:
            self._runs[step.lane] = run
        run.start()

    def _finished(self, unit: Unit) -> None:
        with self._lock:
            self._reading.progress += 1
        self.events.put(StretchReady(unit))

    def _conclude(self, run: LiveRun) -> None:
        with self._lock:
            del self._runs[run.step.lane]
        if not run.executor.cancelled:
            self._finish(run.step)
            self.states.surveyed = -1  # what the rest costs is known better now
        self.states.end(run.planned)
        if run.step.excerpt is not None:
            self._offer(run)
        else:
            self.states.take(run.executor, current=run.step.version == self._plans.version)

    def _offer(self, run: LiveRun) -> None:
        """Let a preview stand in, if it came about; a node that fails on a stretch alone says nothing."""
        step, executor = run.step, run.executor
        assert step.excerpt is not None
        if executor.cancelled or executor.failures:
            return
        known: dict[Address, Executor | None] = {step.address: executor}

        def of(address: Address) -> Executor | None:
            if address not in known:
                try:
                    known[address] = executed(self._plans, replace(step, address=address), self._store(step))
                except UNSOUND:
                    known[address] = None
            return known[address]

        with self._lock:
            if step.version == self._plans.version:
                self._previews[step.address] = Preview(step.excerpt, of)
        self.events.put(PreviewReady(step.address))

    def _store(self, step: Step) -> Store:
        return self.store if step.excerpt is None else self._preview_store
