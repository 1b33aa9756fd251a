"""The ready queue: order, no barriers, budgets, failures, stopping."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.engine.schedule import Needs, Outcome, ReadyQueue, run_all

Reads = Mapping[str, Sequence[str]]


def queue(reads: Reads, **rank: int) -> ReadyQueue[str]:
    return ReadyQueue(reads, {task: (rank.get(task, 0),) for task in reads}, lambda task, because: None)


def finish(made: ReadyQueue[str], do: object, workers: int = 2) -> None:
    for thread in run_all(made, do, workers):  # type: ignore[arg-type]
        thread.join(10)
        assert not thread.is_alive()


def test_tasks_run_after_what_they_read_and_lowest_rank_first() -> None:
    done: list[str] = []
    made = queue({"late": [], "early": [], "end": ["late", "early"]}, late=2, early=1, end=0)
    made.work(lambda task: done.append(task) or "done")  # type: ignore[func-returns-value]
    assert done == ["early", "late", "end"]


@given(
    st.lists(st.sets(st.integers(0, 30), max_size=4), min_size=1, max_size=30),
    st.sets(st.integers(0, 29)),
    st.sampled_from([0, 10]),
)
def test_every_task_runs_once_or_is_lost_below_a_failure(
    wanted: list[set[int]], failing: set[int], budget: int
) -> None:
    reads = {i: sorted(n for n in names if n < i) for i, names in enumerate(wanted)}
    expected: set[int] = set()
    for i, names in reads.items():
        if any(n in failing or n in expected for n in names):
            expected.add(i)
    ran: list[int] = []
    lost: list[int] = []

    def do(task: int) -> Outcome:
        assert set(reads[task]) <= set(ran)
        ran.append(task)
        return "failed" if task in failing else "done"

    ranks = {i: (-i,) for i in reads}
    made = ReadyQueue(reads, ranks, lambda task, because: lost.append(task), Needs, Needs(budget, 3))
    for thread in run_all(made, do, 3):
        thread.join(10)
        assert not thread.is_alive()
    assert sorted(lost) == sorted(expected)
    assert sorted(ran) == sorted(set(reads) - expected)


def test_there_is_no_barrier_between_generations() -> None:
    below_short_began = threading.Event()

    def do(task: str) -> Outcome:
        if task == "long":
            return "done" if below_short_began.wait(10) else "failed"
        if task == "below short":
            below_short_began.set()
        return "done"

    done = queue({"long": [], "short": [], "below short": ["short"], "below long": ["long"]})
    finish(done, do)
    assert below_short_began.is_set()
    assert done.broken is None


def test_ready_tasks_run_side_by_side() -> None:
    together = threading.Barrier(3)

    def do(task: str) -> Outcome:
        if task != "first":
            together.wait(10)
        return "done"

    made = queue({"first": [], **{name: ["first"] for name in "abc"}})
    finish(made, do, workers=3)
    assert made.broken is None


@pytest.mark.parametrize(("budget", "most"), [(100, 1), (120, 2), (180, 3), (10, 1)])
def test_costs_of_tasks_at_work_stay_within_the_budget_or_one_runs_alone(budget: int, most: int) -> None:
    lock, at_work, seen = threading.Lock(), [0], [0]
    enough = threading.Event()

    def do(task: int) -> Outcome:
        with lock:
            at_work[0] += 1
            seen[0] = max(seen[0], at_work[0])
            if seen[0] > most:
                enough.set()
        enough.wait(0.02)
        with lock:
            at_work[0] -= 1
        return "done"

    reads: dict[int, list[int]] = {i: [] for i in range(12)}
    made = ReadyQueue(
        reads, {i: (i,) for i in reads}, lambda task, because: None, lambda task: Needs(60), Needs(budget, 4)
    )
    for thread in run_all(made, do, 4):
        thread.join(10)
    assert seen[0] <= most


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_threads_of_tasks_at_work_never_exceed_the_budget(cores: int) -> None:
    lock, at_work, seen = threading.Lock(), {0: 0}, []

    def do(task: int) -> Outcome:
        with lock:
            at_work[task] = cores if task % 3 == 0 else 1
        time.sleep(0.001 * (task % 4))
        with lock:
            at_work[task] = made.lend()
            seen.append((task, at_work[task], sum(at_work.values())))
        time.sleep(0.001)
        with lock:
            del at_work[task]
        return "done"

    reads: dict[int, list[int]] = {i: [] for i in range(20)} | {20: list(range(20))}
    needs = {i: Needs(0, cores if i % 3 == 0 else 1) for i in reads}
    made = ReadyQueue(reads, {i: (i,) for i in reads}, lambda task, because: None, needs.__getitem__, Needs(0, cores))
    finish(made, do, workers=cores)
    assert made.broken is None and len(seen) == 21
    assert max(total for _, _, total in seen) <= cores
    assert all(lent == cores for task, lent, _ in seen if task in (0, 3, 20)), "alone, a task has all of them"


def test_stopping_lets_running_tasks_end_and_starts_no_other() -> None:
    done: list[str] = []
    made = queue({"a": [], "b": ["a"]})

    def do(task: str) -> Outcome:
        done.append(task)
        made.stop()
        return "done"

    finish(made, do)
    assert done == ["a"]


def test_a_worker_that_breaks_stops_the_queue_and_leaves_nobody_waiting() -> None:
    made = queue({"a": [], "b": ["a"], "c": ["a"]})

    def do(task: str) -> Outcome:
        raise SystemExit(3)

    finish(made, do)
    assert isinstance(made.broken, SystemExit)


def test_what_is_lost_names_the_task_that_failed() -> None:
    lost: list[tuple[str, str]] = []
    reads = {"a": [], "b": ["a"], "c": ["b", "d"], "d": []}
    made = ReadyQueue(reads, dict.fromkeys(reads, (0,)), lambda *told: lost.append(told))
    finish(made, lambda task: "failed" if task == "a" else "done")
    assert sorted(lost) == [("b", "a"), ("c", "a")]


def test_who_is_told_of_a_lost_task_may_stop_the_queue_from_any_thread() -> None:
    def stop(lost: str, because: str) -> None:
        asked = threading.Thread(target=made.stop, daemon=True)
        asked.start()
        asked.join(10)
        stopped.append(not asked.is_alive())

    stopped: list[bool] = []
    made = ReadyQueue({"a": [], "b": ["a"]}, {"a": (0,), "b": (0,)}, stop)
    finish(made, lambda task: "failed", workers=1)
    assert stopped == [True]
