"""Carries a plan out: units in order of readiness, values through the store, progress to a watcher.

A unit whose key the store knows does not run. What a unit gives goes to the store and is read back
through a memory map by whoever needs it, so memory holds little more than the units in flight; it is pinned
until its last reader is done. Without a store (or when it is full) values are held in memory for as long.
A result whose bytes the store let go is still known by its digests: what is below it is found all the same, and it is
made again only where somebody reads it.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from midistems_graph.audio.files import SoundReader
from midistems_graph.audio.timeline import Timeline
from midistems_graph.audio.values import Audio, Scorer, Separator, Span, Stems, Timed, Value, join
from midistems_graph.engine.apart import shown
from midistems_graph.engine.blocks import give_back, order_memory
from midistems_graph.engine.call import call_scorer, call_separator
from midistems_graph.engine.costs import Cost, Kind, remember
from midistems_graph.engine.evaluate import UNTIMED, evaluate, silenced
from midistems_graph.engine.holdings import Holdings
from midistems_graph.engine.keys import KeyChain, facts
from midistems_graph.engine.machine import cpu_seconds
from midistems_graph.engine.memo import MEMO_BYTES, Memo
from midistems_graph.engine.outputs import NodeOutputs, SongOutputs
from midistems_graph.engine.plan import ONCE, Interval, Plan, PlanNode, Unit
from midistems_graph.engine.reports import (
    DerivedFailed,
    Failure,
    NodeReport,
    Silent,
    Status,
    Watcher,
    failure_of,
    named,
)
from midistems_graph.engine.schedule import Needs, Outcome, ReadyQueue, run_all
from midistems_graph.engine.sizes import signal_samples, working_bytes, working_sizes
from midistems_graph.engine.spans import Fact, Spans
from midistems_graph.engine.store import DamagedValue, MissingValue, Store, StoreError
from midistems_graph.engine.turns import Turns
from midistems_graph.engine.wiring import Source
from midistems_graph.models.sessions import shared_sessions
from midistems_graph.node.contract import Cancelled, NodeError, OutputFile
from midistems_graph.node.library import NodeLibrary

LONG = 0.02
"""Seconds after which a unit is worth the time that it takes to give memory back."""

PATIENCE = 0.4
"""Seconds that a cancelled run waits for units at work; what they still give is dropped."""

BUSY = 0.7
"""The share of the cores that a network keeps busy here: 0.63 were measured of Spleeter, 0.85 of HTDemucs."""


class Executor:
    """One execution of a plan. `run` blocks until it ends; `cancel` may be called from any thread."""

    def __init__(
        self,
        plan: Plan,
        library: NodeLibrary,
        *,
        store: Store | None = None,
        outputs: SongOutputs | None = None,
        watcher: Watcher | None = None,
        jobs: int = 0,
        memory: int = 0,
        turns: Turns | None = None,
        spans: Spans | None = None,
    ) -> None:
        self.plan = plan
        self.library = library
        self.store = store
        self.outputs = outputs
        self.watcher = watcher or Silent()
        self.cores = jobs or os.cpu_count() or 1
        self.problems: list[str] = []
        self.reports = {address: NodeReport(_rest_status(plan, address)) for address in plan.nodes}
        self._turns = turns or Turns()
        self._spans = spans
        self._cancel = threading.Event()
        self._over = False
        self._told_full = False
        self._lock = threading.Lock()
        self._failures: dict[str, tuple[int, Failure]] = {}
        self._spent: dict[str, Cost] = {}
        self._samples = signal_samples(plan)
        self._keys = KeyChain(plan)
        self._holdings = Holdings(plan, store, self._keys.digests)
        self._memo = Memo(min(MEMO_BYTES, memory // 4) if memory else MEMO_BYTES)
        self._keyed = store is not None or outputs is not None
        self._asked = frozenset(plan.asked())
        self._queue = ReadyQueue(plan.units, plan.ranks(), self._lost, self._needs(memory), Needs(memory, self.cores))

    def run(self) -> None:
        """Work on all units; returns when they are done, failed or cancelled (then within 0.5 s)."""
        began = cpu_seconds()
        order_memory()
        threads = run_all(self._queue, self._work, min(self.cores, max(len(self.plan.units), 1)))
        try:
            for thread in threads:
                while thread.is_alive() and not self.cancelled:
                    thread.join(0.1)
        except KeyboardInterrupt:
            self.cancel()
        deadline = time.monotonic() + PATIENCE
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            self._over = True
        if self.cancelled:
            self._mark_cancelled()
        self._holdings.unpin(everything=True)
        share = self._share(cpu_seconds() - began)
        remember((Kind.of(self.plan.nodes[address]), cost.faster(share)) for address, cost in self._spent.items())
        if self._queue.broken:
            raise self._queue.broken

    def is_done(self) -> bool:
        """Whether what is wanted is in the store; then `value` gives it without a run. Nothing is pinned."""
        assert self.store is not None
        self._keys.look_up(self.store)
        return self._asked <= self._keys.digests.keys() - self._keys.gone

    def cancel(self) -> None:
        """End soon: running nodes are told at their next poll, nothing new begins."""
        self._cancel.set()
        self._queue.stop()

    @property
    def cancelled(self) -> bool:
        return self._cancel.is_set()

    @property
    def failures(self) -> list[Failure]:
        """What failed by itself, once per node (its first tile), in the order of the plan."""
        return [self._failures[address][1] for address in self.plan.nodes if address in self._failures]

    def value(self, source: Source, interval: Interval | None = None) -> Value:
        """What an edge holds on a stretch (the plan's window), after the run.

        Raises NodeError for what the run did not compute, or no longer has.
        """
        try:
            return self._fetch(shown(source, self.plan.nodes), interval or self.plan.window)
        except DerivedFailed as failed:
            assert failed.__cause__ is not None
            raise failed.__cause__ from None

    def glance(self, source: Source, interval: Interval) -> Value:
        """What a node without inputs gives on a stretch, computed here and kept nowhere. Raises NodeError."""
        node = self.plan.nodes[source.node]
        run = _UnitRun(self, Unit(node.address, ONCE), node, interval, None)
        value = evaluate(self.plan, node, interval, self._fetch, run)[source.port]
        return silenced(value) if node.muted else value

    def stored(self, unit: Unit, port: str) -> Value:
        """What a unit gave, after the run. Raises NodeError for what is not there any more."""
        return self._stored(unit, port)

    def contents(self) -> dict[str, tuple[str, ...]]:
        """Digests of what every output port held, in the order of time; see `KeyChain.contents`."""
        return self._keys.contents()

    def forget(self) -> None:
        """Let go of the values in memory; what is asked for later comes from the store.

        Who reports to the executor holds it in a circle, so that its values would wait for Python's collector.
        """
        self._holdings.held.clear()
        self._memo.clear()

    # What one unit goes through

    def _work(self, unit: Unit) -> Outcome:
        with self._span(self.plan.nodes[unit.node], self.plan.interval(unit), unit.tile) as told:
            status, nbytes = self._do(unit)
            told |= {"status": status, "bytes": nbytes}
        return "failed" if status == "failed" else "done"

    def _span(self, node: PlanNode, interval: Interval, tile: int = ONCE) -> AbstractContextManager[dict[str, Fact]]:
        return self._spans.span(node.address, interval, tile) if self._spans else nullcontext({})

    def _do(self, unit: Unit) -> tuple[Status, int]:
        node = self.plan.nodes[unit.node]
        self.watcher.unit_started(unit)
        began, loading = time.perf_counter(), shared_sessions().loading
        try:
            status, nbytes, reason = self._settle(unit, node)
        except Cancelled:
            status, nbytes, reason = "cancelled", 0, ""
        except Exception as error:
            failure = failure_of(unit, node, error)
            own = failure.node == named(unit)
            status, nbytes = "failed", 0
            reason = failure.message if own else f"needs {failure.node}, which failed"
            with self._lock:
                first = self._failures.setdefault(unit.node, (unit.tile, failure))
                self._failures[unit.node] = min(first, (unit.tile, failure), key=_tile)
        self._holdings.release(unit)
        seconds = time.perf_counter() - began
        if seconds > LONG:
            give_back()
        if status == "ran":
            loading = shared_sessions().loading - loading if node.runs_networks else 0.0  # nothing runs beside it
            cost = Cost(self._samples(unit), seconds - loading, nbytes, float(loading > 0), loading)
            with self._lock:
                if not self._over:
                    self._spent[unit.node] = self._spent.get(unit.node, Cost()) + cost
        self._report(unit, status, seconds, nbytes, reason)
        return status, nbytes

    def _settle(self, unit: Unit, node: PlanNode, *, needed: bool = False) -> tuple[Status, int, str]:
        """Find, or compute and keep, what a unit gives; what it gave is enough where nobody needs it."""
        interval = self.plan.interval(unit)
        if not self._keyed:
            self._holdings.hold(unit, self._evaluate(unit, node, interval), named=False)
            return "ran", 0, ""
        inputs = self._keys.inputs(node, interval)
        key = self._keys.key(node, interval, inputs)
        if node.type.writes:
            return self._settle_writer(unit, node, interval, key)
        if self.store is None:
            self._holdings.hold(unit, self._evaluate(unit, node, interval))
            return "ran", 0, ""
        with self._turns.turn(key):
            record = self.store.find(key)
            if record is not None and self._holdings.pin(unit, record.outputs):
                self._worth(node, record.seconds)
                return "cached", record.nbytes, ""
            if not needed and unit not in self._asked and (known := self.store.known(key)):
                self._keys.digests[unit] = known
                return "cached", 0, ""
            ingredients = facts(node, interval, inputs)
            song = self.plan.bindings.song_digest
            told = self.reports[node.address].status == "ran"  # one reason is shown, and looking for it takes a while
            reason = "" if told else "; ".join(self.store.explain(node.address, node.type.id, song, ingredients))
            began = time.perf_counter()
            values = self._evaluate(unit, node, interval)
            seconds = time.perf_counter() - began
            self._worth(node, seconds)
            try:
                nbytes = self._holdings.keep(
                    unit, values, key=key, node_type=node.type.id, seconds=seconds, song=song, facts=ingredients
                )
            except StoreError as error:
                self._tell_full(error)
                self._holdings.hold(unit, values)
                nbytes = 0
            return "ran", nbytes, reason

    def _settle_writer(self, unit: Unit, node: PlanNode, interval: Interval, key: str) -> tuple[Status, int, str]:
        if self.outputs is None:
            return "skipped", 0, "no output folder is given"
        template = str(node.knobs.get("name", ""))
        current = self.outputs.current(node.address, key, template)
        if current is None:
            writer = self.outputs.writer(node.address, key, template)
            self._evaluate(unit, node, interval, writer)
            writer.done()
            return "ran", 0, ""
        return "up to date", sum(output.path.stat().st_size for output in current), ""

    def _evaluate(
        self, unit: Unit, node: PlanNode, interval: Interval, writer: NodeOutputs | None = None
    ) -> Mapping[str, Value]:
        values = evaluate(self.plan, node, interval, self._fetch, _UnitRun(self, unit, node, interval, writer))
        if self._over:  # the run did not wait for this node; store and outputs may be closed
            raise Cancelled
        return values

    def _tell_full(self, error: StoreError) -> None:
        if not self._told_full:
            self._told_full = True
            self._problem(f"{error}. The run goes on in memory.")

    # Values

    def _fetch(self, source: Source, interval: Interval) -> Value:
        """What an edge holds on a stretch: from the store, from memory, or computed if it is derived."""
        node = self.plan.nodes[source.node]
        value = self._derive(node, source, interval) if node.mode == "derived" else self._read(node, source, interval)
        return silenced(value) if node.muted else value

    def _read(self, node: PlanNode, source: Source, interval: Interval) -> Value:
        units = self.plan.covering(node, interval)
        first = self._stored(units[0], source.port)
        if isinstance(first, UNTIMED):
            return first
        span = Span.of_seconds(*interval, self.plan.total, first.rate)
        parts = [first, *(self._stored(unit, source.port) for unit in units[1:])]
        cut: list[Timed] = []
        for part in parts:
            assert isinstance(part, Timed)
            lo, hi = max(part.span.start, span.start), min(part.span.stop, span.stop)
            narrow = Span(lo, max(lo, hi), span.total, span.rate)
            cut.append(part if narrow == part.span else part.crop(narrow))
        return join(cut)

    def _stored(self, unit: Unit, port: str) -> Value:
        if unit not in self._keys.digests and unit not in self._holdings.held:
            raise NodeError(f"{named(unit)} has no result on this stretch; run it again")
        try:
            return self._holdings.value(unit, port)
        except (MissingValue, DamagedValue) as error:
            if self._over:
                raise NodeError(f"a cached result of {named(unit)} was lost or damaged ({error}); run again") from None
        return self._made_again(unit, port)

    def _made_again(self, unit: Unit, port: str) -> Value:
        """What a unit gives that was known and is not there any more."""
        node, known = self.plan.nodes[unit.node], self._keys.digests[unit]
        began = time.perf_counter()
        try:
            status, nbytes, reason = self._settle(unit, node, needed=True)
            if self._keys.digests[unit] != known:
                raise NodeError("it gave another result than before from the same inputs; run again")
            made = self._holdings.value(unit, port)
        except (Cancelled, DerivedFailed):
            raise
        except Exception as error:
            raise DerivedFailed(unit, node) from error
        self._holdings.drop_unread(unit)
        with self._lock:
            self.reports[unit.node].add(status, time.perf_counter() - began, nbytes, reason)
        return made

    def _derive(self, node: PlanNode, source: Source, interval: Interval) -> Value:
        found = self._memo.get((node.address, interval))
        if found is None:
            began = time.perf_counter()
            unit = Unit(node.address, ONCE)
            try:
                with self._span(node, interval) as told:
                    told["status"] = "derived"
                    found = evaluate(self.plan, node, interval, self._fetch, _UnitRun(self, unit, node, interval, None))
            except (Cancelled, DerivedFailed):
                raise
            except Exception as error:
                with self._lock:
                    self.reports[node.address].add("failed", 0.0, 0, str(error))
                raise DerivedFailed(unit, node) from error
            self._memo.put((node.address, interval), found)
            with self._lock:
                self.reports[node.address].add("derived", time.perf_counter() - began, 0, "")
        return found[source.port]

    # Bookkeeping

    def _report(self, unit: Unit, status: Status, seconds: float, nbytes: int, reason: str) -> None:
        with self._lock:
            if self._over:
                return
            self.reports[unit.node].add(status, seconds if status == "ran" else 0.0, nbytes, reason)
        self.watcher.unit_finished(unit, status, seconds)

    def _share(self, cpu: float) -> float:
        """In which share of the time that units took the machine worked for them, and not for others.

        Of a run with a network that is computed elsewhere nothing can be told.
        """
        wide, spent = max(1.0, BUSY * self.cores), 0.0
        for address, cost in self._spent.items():
            if self.reports[address].notes.get("provider", "cpu") != "cpu":
                return 1.0
            spent += (cost.seconds + cost.starting) * (wide if self.plan.nodes[address].runs_networks else 1.0)
        return min(1.0, cpu / spent) if spent else 1.0

    def _worth(self, node: PlanNode, seconds: float) -> None:
        with self._lock:
            self.reports[node.address].worth += seconds

    def _lost(self, unit: Unit, because: Unit) -> None:
        """A unit below a failed one: it fails too, and says because of what."""
        self._holdings.release(unit)
        self._report(unit, "failed", 0.0, 0, f"needs {named(because)}, which failed")

    def _mark_cancelled(self) -> None:
        planned = Counter(unit.node for unit in self.plan.units)
        for address, report in self.reports.items():
            if sum(report.units.values()) < planned[address]:
                report.add("cancelled", 0.0, 0, "")

    def _problem(self, message: str) -> None:
        with self._lock:
            if message not in self.problems:
                self.problems.append(message)

    def _needs(self, budget: int) -> Callable[[Unit], Needs]:
        """What each unit takes at work, its memory if there is a budget."""
        sizes = working_sizes(self.plan) if budget else {}

        def needs(unit: Unit) -> Needs:
            memory = working_bytes(self.plan, unit, sizes) if budget else 0
            return Needs(memory, self.plan.nodes[unit.node].threads(self.cores))

        return cache(needs)


def _tile(failed: tuple[int, Failure]) -> int:
    return failed[0]


def _rest_status(plan: Plan, address: str) -> Status:
    """The status of a node before anything happens to it."""
    return "derived" if plan.nodes[address].mode == "derived" else "skipped"


@dataclass(slots=True)
class _UnitRun:
    """What a running node is offered (the `Run` of the node contract)."""

    executor: Executor
    unit: Unit
    node: PlanNode
    interval: Interval
    writer: NodeOutputs | None

    @property
    def span(self) -> Span:
        wider = self.executor.plan.needed(self.node, self.interval)
        return Span.of_seconds(*wider, self.executor.plan.total, self.node.rate)

    @property
    def kept(self) -> Span:
        return Span.of_seconds(*self.interval, self.executor.plan.total, self.node.rate)

    @property
    def cores(self) -> int:
        return self.node.threads(self.executor.cores)

    @property
    def threads(self) -> int:
        return self.executor._queue.lend()

    def progress(self, done: float) -> None:
        self.check()
        self.executor.watcher.unit_progress(self.unit, done)

    def check(self) -> None:
        if self.executor.cancelled:
            raise Cancelled

    def warn(self, message: str) -> None:
        self.executor._problem(f"{named(self.unit)}: {message}")

    def note(self, name: str, text: str) -> None:
        self.executor.reports[self.node.address].notes[name] = text

    def file(self, knob: str) -> Path:
        found = self.node.type.knob(knob)
        assert found is not None and found.file is not None
        return self.executor.plan.bindings.named(found.file, str(self.node.knobs[knob])).path

    def sound(self, path: Path, track: int = 0) -> SoundReader:
        return self.executor.plan.bindings.sound(path, track)

    @property
    def tags(self) -> Mapping[str, str]:
        return self.executor.plan.bindings.tags

    @property
    def cover(self) -> bytes:
        return self.executor.plan.bindings.cover

    @property
    def timeline(self) -> Timeline:
        return self.executor.plan.bindings.timeline

    def output(self, stem: str, extension: str) -> AbstractContextManager[OutputFile]:
        assert self.writer is not None, "only nodes that declare writes=True have outputs, and only with a store"
        return self.writer.output(stem, extension)

    def separate(self, separator: Separator, mixture: Audio) -> Stems:
        return call_separator(separator, mixture, self.executor.library, self)

    def score(self, scorer: Scorer, mixture: Audio, stems: Stems, references: Stems | None = None) -> float:
        return call_scorer(scorer, mixture, stems, references, self.executor.library, self)
