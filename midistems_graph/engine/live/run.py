"""One execution of a live engine on a thread of its own, watched unit by unit."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable

from midistems_graph.audio.output_timing import lower_priority
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.live.events import NodeState
from midistems_graph.engine.live.plans import Plans, Step
from midistems_graph.engine.live.states import States
from midistems_graph.engine.plan import Plan, Unit
from midistems_graph.engine.reports import Status

log = logging.getLogger(__name__)


class LiveRun:
    """A run and the watcher of its units. `changed` is called when one should decide anew, `finished` with each unit
    that can be read now (not of previews)."""

    executor: Executor

    def __init__(
        self, step: Step, plans: Plans, states: States, changed: Callable[[], None], finished: Callable[[Unit], None]
    ) -> None:
        self.step = step
        self.ended = threading.Event()
        self._plans, self._states, self._changed, self._tell_finished = plans, states, changed, finished
        self._settled = threading.Condition()
        self._units: Counter[Unit] = Counter()
        self._overtaken = False
        self._finished: Counter[str] = Counter()

    def start(self) -> None:
        self.planned = Counter(unit.node for unit in self.executor.plan.units)
        self._thread = threading.Thread(target=self._work, name="live run", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until nothing of it uses the store any more."""
        self._thread.join()

    def helps(self, step: Step, plan: Plan) -> bool:
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
            self._changed()

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
            self._changed()
        if self.step.excerpt is None and status in ("ran", "cached"):
            self._tell_finished(unit)
            if self._finished[unit.node] >= self.planned[unit.node]:
                whole = self.step.window is None
                self._states.set(unit.node, NodeState("cached" if whole else "running", 1.0, 0.0))

    def _show(self, node: str, extra: float) -> None:
        if self._states.of(node).status != "failed" and self.step.version == self._plans.version:
            share = (self._finished[node] + extra) / max(self.planned[node], 1)
            self._states.set(node, NodeState("running", round(min(share, 1.0), 3)))
