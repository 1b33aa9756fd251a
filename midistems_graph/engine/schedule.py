"""A ready queue: tasks run as soon as what they read is done, on a few threads, the best first.

There is no barrier between generations: a task waits for its own inputs only. What tasks at work take together,
memory and threads, stays within a budget. The queue knows nothing of nodes or values.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Generic, Literal, NamedTuple, TypeVar

T = TypeVar("T", bound=Hashable)

Outcome = Literal["done", "failed"]


class Needs(NamedTuple):
    """What a task takes while it is at work, or what all tasks may take together: bytes, and threads."""

    memory: int = 0
    threads: int = 1


class ReadyQueue(Generic[T]):
    """Tasks with what each reads; hands out those that are ready, lowest `rank` first.

    A task that failed takes down everything below it: `on_lost` is called for each, with the task that failed.
    With a `budget`, the `needs` of the tasks at work stay within it: the best task waits until it fits, and one
    that is beyond the budget runs alone. Threads that no task needs are lent to those at work.

    Inside, a task is its place in the order of ranks, so that the heap compares plain numbers.
    """

    def __init__(
        self,
        reads: Mapping[T, Sequence[T]],
        rank: Mapping[T, tuple[int, ...]],
        on_lost: Callable[[T, T], None],
        needs: Callable[[T], Needs] = lambda task: Needs(),
        budget: Needs | None = None,
    ) -> None:
        self._tasks = sorted(reads, key=rank.__getitem__)
        self._on_lost = on_lost
        self._needs = needs
        self._budget = budget
        place = {task: i for i, task in enumerate(self._tasks)}
        inputs = [set(reads[task]) for task in self._tasks]
        self._waits = [len(names) for names in inputs]
        self._readers: list[list[int]] = [[] for _ in self._tasks]
        for i, names in enumerate(inputs):
            for name in names:
                self._readers[place[name]].append(i)
        self._ready = [i for i, count in enumerate(self._waits) if count == 0]  # sorted, so a heap
        self._left = len(self._tasks)
        self._at_work: dict[int, Needs] = {}
        self._mine = threading.local()
        self._idle = 0
        self._stopped = False
        self._changed = threading.Condition(threading.Lock())
        self.broken: BaseException | None = None

    def lend(self) -> int:
        """How many threads the task that this thread works on may keep busy: those that it needs, and free ones.

        What is lent stays with the task until it ends. A free thread is kept for a task that is ready to start. Whoever
        works on no task has what tasks leave.
        """
        budget = self._budget or Needs()
        with self._changed:
            spare = budget.threads - sum(needs.threads for needs in self._at_work.values())
            task = getattr(self._mine, "task", None)
            if task not in self._at_work:
                return max(1, spare)
            own = self._at_work[task]
            more = max(0, spare - len(self._ready))
            self._at_work[task] = own._replace(threads=own.threads + more)
            return own.threads + more

    def stop(self) -> None:
        """Hand out nothing more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def work(self, do: Callable[[T], Outcome]) -> None:
        """Run tasks on this thread until none is left; every worker thread calls this.

        What `do` raises is kept in `broken` and stops the queue.
        """
        try:
            at = self._next()
            while at is not None:
                self._mine.task = at
                if do(self._tasks[at]) == "failed":
                    self._lose(at)
                at = self._next(at)
        except BaseException as error:
            self.broken = error
            self.stop()

    def _next(self, finished: int | None = None) -> int | None:
        """Settle a finished task and wait for another; None when there is none left."""
        with self._changed:
            if finished is not None:
                self._settle(finished)
            while not self._stopped and self._left:
                if self._ready and self._fits(self._ready[0]):
                    task = heapq.heappop(self._ready)
                    if self._ready and self._idle:
                        self._changed.notify()  # who wakes up wakes the next one, if there is work for it
                    return task
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            self._changed.notify_all()
            return None

    def _fits(self, task: int) -> bool:
        """Whether a task may start beside those at work; if so, what it needs counts from now on."""
        needs, budget = self._needs(self._tasks[task]), self._budget
        if self._at_work and budget is not None:
            memory = sum(other.memory for other in self._at_work.values()) + needs.memory
            threads = sum(other.threads for other in self._at_work.values()) + needs.threads
            if threads > budget.threads or (budget.memory and memory > budget.memory):
                return False
        self._at_work[task] = needs
        return True

    def _settle(self, task: int) -> None:
        self._left -= 1
        del self._at_work[task]
        for reader in self._readers[task]:
            self._waits[reader] -= 1
            if self._waits[reader] == 0:
                heapq.heappush(self._ready, reader)

    def _lose(self, failed: int) -> None:
        """Everything that reads a failed task, directly or not, will not run; told without the lock, before it ends."""
        todo, lost = [failed], list[int]()
        with self._changed:
            while todo:
                for reader in self._readers[todo.pop()]:
                    if self._waits[reader] > 0:
                        self._waits[reader] = -1
                        self._left -= 1
                        todo.append(reader)
                        lost.append(reader)
        for task in lost:
            self._on_lost(self._tasks[task], self._tasks[failed])


def run_all(queue: ReadyQueue[T], do: Callable[[T], Outcome], workers: int) -> list[threading.Thread]:
    """Start `workers` daemon threads on a queue; join them to wait for the end."""
    threads = [threading.Thread(target=queue.work, args=(do,), name=f"worker-{i}", daemon=True) for i in range(workers)]
    for thread in threads:
        thread.start()
    return threads
