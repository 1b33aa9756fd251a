"""Carrying a plan out that does not go to its end: a node fails, or somebody cancels."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from midistems_graph.audio.values import Value
from midistems_graph.engine import execute
from midistems_graph.engine.plan import Unit
from midistems_graph.engine.reports import Status
from midistems_graph.engine.store import MemoryStore, UnitRecord
from midistems_graph.engine.wiring import Source
from midistems_graph.node import Audio, NodeError, NodeLibrary, Run, node
from small_runs import TYPES, Told, executor, graph, made_of, run

# Failures


@node("fault.late")
def fault(audio: Audio) -> Audio:
    """Fails on every tile with a sentence of its own."""
    raise NodeError(f"cannot work at {audio.span.start / audio.rate:g} s")


@node("fault.python")
def python_fault(audio: Audio) -> Audio:
    """Has a mistake in it."""
    return audio.with_samples(audio.samples.reshape(-1, 7))


@node("fault.exits")
def exits(audio: Audio) -> Audio:
    """Wants to end the process."""
    raise SystemExit(3)


@node("fault.memory")
def memory_fault(audio: Audio) -> Audio:
    """Needs too much."""
    raise MemoryError


def test_a_node_that_fails_on_every_tile_is_one_failure_that_of_its_first_tile() -> None:
    made = graph({"song": "small.tone", "bad": "fault.late"}, "song.out -> bad.audio")
    ran = executor(made, ["bad"], made_of(fault), jobs=2, seconds=65)
    ran.run()
    assert [(f.node, f.message, f.kind) for f in ran.failures] == [("bad", "cannot work at 0 s", "node")]
    assert ran.reports["bad"].units == {"failed": 7}


@node("fault.derived", derived=True)
def derived_fault(audio: Audio) -> Audio:
    """Refuses, whoever reads it."""
    raise NodeError("cannot be")


def test_a_derived_node_that_fails_is_named_not_the_one_that_reads_it() -> None:
    made = graph({"song": "small.tone", "bad": "fault.derived", "half": "small.half", "end": "small.scale"},
                 "song.out -> bad.audio; bad.out -> half.audio; half.out -> end.audio")  # fmt: skip
    ran = executor(made, ["end"], made_of(derived_fault), seconds=25)
    ran.run()
    assert [(f.node, f.message) for f in ran.failures] == [("bad", "cannot be")]
    assert ran.reports["bad"].status == ran.reports["end"].status == "failed"
    assert ran.reports["end"].reason == "needs bad, which failed"
    with pytest.raises(NodeError, match="no result"):
        ran.value(Source("half", "out"))


def test_a_mistake_in_a_node_is_a_fault_of_ours_and_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    made = graph({"song": "small.tone", "bad": "fault.python"}, "song.out -> bad.audio")
    ran = executor(made, ["bad"], made_of(python_fault))
    ran.run()
    assert [(f.node, f.kind) for f in ran.failures] == [("bad", "fault")]
    assert ran.failures[0].message.startswith("ValueError: ")
    assert "fault.python" in caplog.text and caplog.records[0].exc_info


def test_too_little_memory_is_said_with_a_remedy() -> None:
    made = graph({"song": "small.tone", "bad": "fault.memory"}, "song.out -> bad.audio")
    ran = executor(made, ["bad"], made_of(memory_fault))
    ran.run()
    assert "smaller --jobs" in ran.failures[0].message


def test_a_node_or_watcher_that_ends_the_thread_ends_the_run_and_is_raised() -> None:
    made = graph({"song": "small.tone", "bad": "fault.exits"}, "song.out -> bad.audio")
    with pytest.raises(SystemExit):
        executor(made, ["bad"], made_of(exits)).run()

    def stumble(unit: Unit, status: Status) -> None:
        raise RuntimeError("the window is closed")

    with pytest.raises(RuntimeError, match="window is closed"):
        executor(made, ["song"], made_of(exits), watcher=Told(stumble)).run()


def test_a_failed_first_pass_is_a_failure_of_its_node() -> None:
    made = graph(
        {"song": "small.tone", "bad": "small.broken", "norm": "small.normalise"},
        "song.out -> norm.audio; bad.out -> x.audio; song.out -> bad.audio",
    )

    def reduce(audio: object, *, run: Run) -> None:
        run.warn("it is short")
        raise NodeError("there is no beat")

    types = [replace(t, reduce=reduce) if t.id == "small.normalise" else t for t in TYPES]
    made = replace(made, edges=frozenset(e for e in made.edges if e.target.node == "norm"))
    ran = executor(made, ["norm"], NodeLibrary.of(types))
    ran.run()
    assert [(f.node, f.message) for f in ran.failures] == [("norm", "there is no beat")]
    assert ran.problems == ["norm: it is short"]
    assert ran.reports["norm"].status == "failed"


@pytest.mark.parametrize(("value", "allowed"), [(11.0, "-10 to 10"), (-10.5, "-10 to 10")])
def test_a_wired_knob_out_of_range_names_the_knob_and_what_is_allowed(value: float, allowed: str) -> None:
    made = graph(
        {"song": "small.tone", "value": ("control.number", {"value": value}), "loud": "small.scale"},
        "song.out -> loud.audio; value.out -> loud.factor",
    )
    ran = run(made, ["loud"])
    assert len(ran.executor.failures) == 1
    message = ran.executor.failures[0].message
    assert "loud.factor" in message and str(value) in message and allowed in message


def test_a_result_that_a_run_did_not_give_is_asked_for_in_vain_with_a_sentence() -> None:
    made = graph({"song": "small.tone", "bad": "small.broken"}, "song.out -> bad.audio")
    for store in (None, MemoryStore()):
        ran = run(made, ["bad"], store=store)
        with pytest.raises(NodeError, match="bad has no result"):
            ran.audio("bad")


# Cancelling


def test_a_cancelled_run_keeps_the_tiles_that_were_finished() -> None:
    made = graph({"song": "small.tone", "a": "small.scale"}, "song.out -> a.audio")
    store = MemoryStore()

    def stop_after_two(unit: Unit, status: Status) -> None:
        if unit == Unit("a", 1):
            ran.cancel()

    ran = executor(made, ["a"], seconds=65, jobs=1, store=store, watcher=Told(stop_after_two))
    ran.run()
    assert (ran.cancelled, ran.reports["a"].status, ran.reports["a"].units["ran"]) == (True, "cancelled", 2)
    again = run(made, ["a"], seconds=65, store=store)
    assert (again.units("a", "cached"), again.units("a", "ran")) == (2, 5)


def test_what_a_node_gives_after_its_run_was_given_up_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "PATIENCE", 0.05)
    go_on, began, ended = threading.Event(), threading.Event(), threading.Event()

    @node("stubborn.wait")
    def wait(audio: Audio) -> Audio:
        """Does not poll."""
        began.set()
        go_on.wait(10)
        return audio

    told: list[Unit] = []
    store = MemoryStore()
    made = graph({"song": "small.tone", "a": "stubborn.wait"}, "song.out -> a.audio")
    ran = executor(
        made, ["a"], made_of(wait), seconds=5, store=store, watcher=Told(lambda unit, status: told.append(unit))
    )
    thread = threading.Thread(target=ran.run)
    thread.start()
    assert began.wait(10)
    ran.cancel()
    thread.join(10)
    before = (store.size(), list(told), dict(ran.reports["a"].units))
    workers = [t for t in threading.enumerate() if t.name.startswith("worker-")]
    go_on.set()
    for worker in workers:
        worker.join(10)
    ended.set()
    assert (store.size(), told, ran.reports["a"].units) == before
    assert ran.reports["a"].status == "cancelled"
    assert not store._pins


def test_what_is_being_stored_when_its_run_is_given_up_is_not_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "PATIENCE", 0.05)
    go_on, began = threading.Event(), threading.Event()

    class Slow(MemoryStore):
        """Takes its time over one node."""

        def put(self, key: str, values: Mapping[str, Value], **facts: Any) -> UnitRecord:
            if facts["node"] == "a":
                began.set()
                go_on.wait(10)
            return super().put(key, values, **facts)

    store = Slow()
    made = graph({"song": "small.tone", "a": "small.scale"}, "song.out -> a.audio")
    ran = executor(made, ["a"], seconds=5, store=store)
    thread = threading.Thread(target=ran.run)
    thread.start()
    assert began.wait(10)
    ran.cancel()
    thread.join(10)
    workers = [t for t in threading.enumerate() if t.name.startswith("worker-")]
    go_on.set()
    for worker in workers:
        worker.join(10)
    assert not store._pins and "ran" not in ran.reports["a"].units
    assert run(made, ["a"], seconds=5, store=store).units("a", "cached") == 1


def test_a_run_that_is_cancelled_before_it_begins_says_so_of_every_node() -> None:
    made = graph(
        {"song": "small.tone", "a": "small.scale", "b": "small.scale"}, "song.out -> a.audio; song.out -> b.audio"
    )
    ran = executor(made, ["a", "b"])
    ran.cancel()
    ran.run()
    assert {report.status for report in ran.reports.values()} == {"cancelled"}


def test_all_workers_are_waited_for_without_spinning() -> None:
    made = graph({"song": "small.tone", "slow": ("small.slow", {"seconds": 0.5})}, "song.out -> slow.audio")
    ran = executor(made, ["slow"], seconds=5, jobs=4)
    began, worked = time.monotonic(), time.thread_time()
    ran.run()
    assert time.thread_time() - worked < (time.monotonic() - began) / 2
    assert not ran.failures
