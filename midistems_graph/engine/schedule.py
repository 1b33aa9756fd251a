"""A ready queue: tasks run as soon as what they read is done, on a few threads, the best first.

There is no barrier between generations: a task waits for its own inputs only. The queue knows nothing of
nodes or values.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Generic, Literal, TypeVar

T = TypeVar("T", bound=Hashable)

Outcome = Literal["done", "failed"]


class ReadyQueue(Generic[T]):
    """Tasks with what each reads; hands out those that are ready, lowest `rank` first.

    A task that failed takes down everything below it: `on_lost` is called for each. `admit` may hold a
    task back while others run (a memory budget); with nothing else running it is always admitted.
    """

    def __init__(
        self,
        reads: Mapping[T, Sequence[T]],
        rank: Mapping[T, tuple[int, ...]],
        on_lost: Callable[[T, T], None],
        admit: Callable[[T], bool] | None = None,
    ) -> None:
        self._rank = rank
        self._on_lost = on_lost
        self._admit = admit
        self._waits = {task: len(set(inputs)) for task, inputs in reads.items()}
        self._readers: dict[T, list[T]] = {task: [] for task in reads}
        for task, inputs in reads.items():
            for name in set(inputs):
                self._readers[name].append(task)
        self._ready = [(rank[task], i, task) for i, (task, n) in enumerate(self._waits.items()) if n == 0]
        heapq.heapify(self._ready)
        self._pushed = len(self._waits)
        self._left = len(self._waits)
        self._running = 0
        self._stopped = False
        self._changed = threading.Condition()

    @property
    def running(self) -> int:
        """How many tasks are being worked on."""
        return self._running

    @property
    def idle_ready(self) -> int:
        """How many tasks could start now."""
        return len(self._ready)

    def stop(self) -> None:
        """Hand out nothing more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def work(self, do: Callable[[T], Outcome]) -> None:
        """Run tasks on this thread until none is left; every worker thread calls this."""
        task = self._next(None)
        while task is not None:
            outcome = do(task)
            task = self._next((task, outcome))

    def _next(self, finished: tuple[T, Outcome] | None) -> T | None:
        """Settle a finished task and wait for another; None when there is none left."""
        with self._changed:
            if finished is not None:
                self._settle(*finished)
            while True:
                if self._stopped or self._left == 0:
                    return None
                if self._ready and (self._admit is None or self._running == 0 or self._admit(self._ready[0][2])):
                    self._running += 1
                    return heapq.heappop(self._ready)[2]
                self._changed.wait()

    def _settle(self, task: T, outcome: Outcome) -> None:
        self._running -= 1
        self._left -= 1
        if outcome == "failed":
            self._lose(task)
        else:
            for reader in self._readers[task]:
                self._waits[reader] -= 1
                if self._waits[reader] == 0:
                    self._pushed += 1
                    heapq.heappush(self._ready, (self._rank[reader], self._pushed, reader))
        if self._left == 0 or len(self._ready) > 1 or self._admit is not None:
            self._changed.notify_all()

    def _lose(self, failed: T) -> None:
        """Everything that reads a failed task, directly or not, will not run."""
        todo, lost = [failed], {failed}
        while todo:
            for reader in self._readers[todo.pop()]:
                if reader not in lost and self._waits[reader] > 0:
                    lost.add(reader)
                    todo.append(reader)
                    self._waits[reader] = -1
                    self._left -= 1
                    self._on_lost(reader, failed)


def run_all(queue: ReadyQueue[T], do: Callable[[T], Outcome], workers: int) -> list[threading.Thread]:
    """Start `workers` daemon threads on a queue; join them to wait for the end."""
    threads = [threading.Thread(target=queue.work, args=(do,), name=f"worker-{i}", daemon=True) for i in range(workers)]
    for thread in threads:
        thread.start()
    return threads
