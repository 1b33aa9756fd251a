"""Jobs one after the other on a thread of their own; whoever looks asks how they stand."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from midistems_graph.editor.runs.job import Job, State
from midistems_graph.editor.runs.run_one import NotDone, run_one
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.store.base import Store
from midistems_graph.node.library import NodeLibrary

log = logging.getLogger(__name__)


class Queue:
    """Runs jobs in their order. `store` is opened on the thread when the first one begins.

    All methods may be called from any thread and return at once, `close` within half a second.
    """

    def __init__(self, library: NodeLibrary, store: Callable[[], Store]) -> None:
        self._library, self._open_store = library, store
        self._jobs: list[Job] = []
        self._states: list[State] = []
        self._changed = threading.Condition()
        self._executor: Executor | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self.version = 0
        """Grows whenever a job begins, ends or is added; how far a running one is does not count."""

    @property
    def jobs(self) -> list[tuple[Job, State]]:
        """All jobs in their order with how they stand."""
        with self._changed:
            return list(zip(self._jobs, self._states, strict=True))

    @property
    def is_busy(self) -> bool:
        with self._changed:
            return any(not state.is_over for state in self._states)

    def add(self, jobs: Sequence[Job]) -> None:
        """Put jobs behind those that wait."""
        with self._changed:
            self._jobs += jobs
            self._states += [State()] * len(jobs)
            self.version += 1
            self._changed.notify_all()
            if self._thread is None and jobs:
                self._thread = threading.Thread(target=self._work, name="runs", daemon=True)
                self._thread.start()

    def cancel(self) -> None:
        """Stop the running job and those that wait; what was finished is kept."""
        with self._changed:
            for place, state in enumerate(self._states):
                if not state.is_over:
                    self._states[place] = replace(state, status="cancelled")
            self.version += 1
            if self._executor is not None:
                self._executor.cancel()

    def forget_finished(self) -> None:
        """Take jobs that are over off the list."""
        with self._changed:
            kept = [(job, state) for job, state in zip(self._jobs, self._states, strict=True) if not state.is_over]
            self._jobs, self._states = [job for job, _ in kept], [state for _, state in kept]
            self.version += 1

    def close(self) -> None:
        self.cancel()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(2.0)

    def _work(self) -> None:
        with self._open_store() as store:
            self._work_with(store)

    def _work_with(self, store: Store) -> None:
        while (job := self._next()) is not None:
            began = time.monotonic()
            try:
                watch = partial(self._progress, job, began)
                came, said = run_one(job, self._library, store, watch, self._began)
                self._end(job, State("done", 1.0, said=said, came=came))
            except NotDone as error:
                self._end(job, State("failed" if error.said else "cancelled", said=error.said))
            except Exception as error:
                log.exception("a run broke")
                sentence = f"this is a fault of the program ({type(error).__name__}); the log file has the details"
                self._end(job, State("failed", said=(sentence,)))

    def _next(self) -> Job | None:
        """The next job that waits, once there is one; None when the queue is closed."""
        with self._changed:
            while not self._closed:
                for place, state in enumerate(self._states):
                    if state.status == "waiting":
                        self._states[place] = State("running")
                        self.version += 1
                        return self._jobs[place]
                self._changed.wait()
        return None

    def _began(self, executor: Executor) -> None:
        with self._changed:
            self._executor = executor
            if not any(state.status == "running" for state in self._states):
                executor.cancel()

    def _progress(self, job: Job, began: float, done: float) -> None:
        spent = time.monotonic() - began
        left = spent / done * (1 - done) if done > 0.05 and spent > 1.0 else None
        self._put(job, lambda state: replace(state, done=done, left=left) if state.status == "running" else state)

    def _end(self, job: Job, over: State) -> None:
        with self._changed:
            self._executor = None
            self.version += 1
        self._put(job, lambda state: over if state.status == "running" else state)

    def _put(self, job: Job, change: Callable[[State], State]) -> None:
        with self._changed:
            for place, own in enumerate(self._jobs):
                if own is job:
                    self._states[place] = change(self._states[place])
