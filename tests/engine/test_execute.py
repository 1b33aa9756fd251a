"""Carrying a plan out: readiness, memory, stores that fill up, failures, cancelling, reports."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midistems_graph.audio.values import Value
from midistems_graph.document.graph import Address, Edge, Graph
from midistems_graph.engine import execute, holdings
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.outputs import OutputFolder
from midistems_graph.engine.plan import ONCE, Unit, compile_plan
from midistems_graph.engine.reports import NodeReport, Status
from midistems_graph.engine.store import DiskStore, MemoryStore, StoreFull, UnitRecord
from midistems_graph.engine.wiring import Source
from midistems_graph.node import Audio, NodeError, NodeLibrary, NodeType, Run, node
from small_runs import RATE, TYPES, graph, library, run

TILE_BYTES = 10 * RATE * 4
"""Bytes of a tile of one channel."""


def made_of(*types: NodeType) -> NodeLibrary:
    return NodeLibrary.of([*TYPES, *types])


def executor(
    made: Graph, wanted: Iterable[str], types: NodeLibrary | None = None, seconds: float = 25.0, **settings: object
) -> Executor:
    nodes = types or library()
    bindings = Bindings({}, RATE, Fraction(seconds))
    ports = [Address.parse(f"{name}.out") for name in wanted]
    return Executor(compile_plan(made, nodes, bindings, outputs=ports), nodes, **{"jobs": 2, **settings})  # type: ignore[arg-type]


# Readiness


def test_no_tile_waits_for_a_generation_to_end() -> None:
    went_ahead = threading.Event()

    @node("wait.first_tile")
    def first_tile(audio: Audio) -> Audio:
        """Its first tile waits until the node below has worked on another tile."""
        if audio.span.start == 0 and not went_ahead.wait(10):
            raise NodeError("nothing below ran")
        return audio

    @node("wait.below")
    def below(audio: Audio) -> Audio:
        """Says that it runs."""
        went_ahead.set()
        return audio

    made = graph(
        {"song": "small.tone", "a": "wait.first_tile", "b": "wait.below"}, "song.out -> a.audio; a.out -> b.audio"
    )
    ran = executor(made, ["b"], made_of(first_tile, below))
    ran.run()
    assert not ran.failures


def test_a_song_is_worked_through_tile_by_tile_not_node_by_node() -> None:
    finished: list[Unit] = []
    made = graph({"song": "small.tone", "a": "small.scale"}, "song.out -> a.audio")
    executor(made, ["a"], jobs=1, watcher=Told(lambda unit, status: finished.append(unit))).run()
    assert finished == [Unit(name, tile) for tile in range(3) for name in ("song", "a")]


def test_what_holds_up_the_whole_song_goes_before_tiles_of_other_branches() -> None:
    finished: list[Unit] = []
    made = graph(
        {"song": "small.tone", "norm": "small.normalise", "beside": "small.scale", "mean": "small.mean"},
        "song.out -> norm.audio; song.out -> beside.audio; song.out -> mean.audio",
    )
    watcher = Told(lambda unit, status: finished.append(unit))
    executor(made, ["norm", "beside", "mean"], jobs=1, watcher=watcher).run()
    assert finished.index(Unit("norm#model", ONCE)) < finished.index(Unit("beside", 2))
    assert finished[-1] == Unit("mean", ONCE)


class Told:
    """A watcher that passes on what finished."""

    def __init__(self, finished: Callable[[Unit, Status], object]) -> None:
        self._finished = finished

    def unit_started(self, unit: Unit) -> None: ...

    def unit_progress(self, unit: Unit, done: float) -> None: ...

    def unit_finished(self, unit: Unit, status: Status, seconds: float) -> None:
        self._finished(unit, status)


@pytest.mark.parametrize(("jobs", "side_by_side", "threads"), [(4, 1, {4}), (2, 2, {1}), (1, 1, {1})])
def test_a_node_alone_may_use_all_cores_and_nodes_side_by_side_share_them(
    jobs: int, side_by_side: int, threads: set[int]
) -> None:
    together, seen = threading.Barrier(side_by_side), set()

    @node("ask.threads")
    def ask(audio: Audio, *, run: Run) -> Audio:
        """Asks for its threads while the others are at work."""
        together.wait(10)
        seen.add(run.threads)
        together.wait(10)
        return audio

    names = [f"n{i}" for i in range(side_by_side)]
    made = graph({"song": "small.tone", **dict.fromkeys(names, "ask.threads")}, wires("song", names))
    executor(made, names, made_of(ask), seconds=5, jobs=jobs).run()
    assert seen == threads


@pytest.mark.parametrize(("provider", "cores"), [("cpu", 8), ("openvino", 8), ("cuda", 2)])
def test_a_network_that_another_device_computes_leaves_the_processor_to_others(provider: str, cores: int) -> None:
    at_work, beside, seen = threading.Event(), threading.Event(), set()

    @node("ask.network", resident=lambda knobs: 0, facts=lambda knobs: {"provider": provider})
    def network(audio: Audio, *, run: Run) -> Audio:
        """Asks for its cores, and waits a while for others to work."""
        at_work.set()
        seen.update({run.cores, beside.wait(10 if provider == "cuda" else 0.03)})
        at_work.clear()
        return audio

    @node("ask.beside")
    def other(audio: Audio) -> Audio:
        """Tells whether a network is at work."""
        if at_work.is_set():
            beside.set()
        return audio

    made = graph({"song": "small.tone", "net": "ask.network", "other": "ask.beside"}, wires("song", ["net", "other"]))
    executor(made, ["net", "other"], made_of(network, other), jobs=8).run()
    assert seen == {cores, provider == "cuda"}


def wires(source: str, targets: Iterable[str]) -> str:
    return ";".join(f"{source}.out -> {target}.audio" for target in targets)


# Memory


def test_units_at_work_stay_within_the_memory_that_is_given() -> None:
    changed, at_work, most = threading.Condition(), 0, 0

    @node("count.at_work", scratch=1.0)
    def count(audio: Audio) -> Audio:
        """Counts how many of its kind are at work, and waits for a second one where there is memory for it."""
        nonlocal at_work, most
        with changed:
            at_work += 1
            most = max(most, at_work)
            changed.notify_all()
            changed.wait_for(lambda: most > 1, 0.01 if expected == 1 else 10)
            at_work -= 1
        return audio

    names = [f"n{i}" for i in range(6)]
    made = graph({"song": "small.tone", **dict.fromkeys(names, "count.at_work")}, wires("song", names))
    for limit, expected in ((1, 1), (1 << 40, 4)):
        most = 0
        ran = executor(made, names, made_of(count), jobs=4, memory=limit)
        ran.run()
        assert not ran.failures
        assert min(expected, 2) <= most <= expected


def test_what_a_derived_result_is_made_of_stays_until_the_run_is_over() -> None:
    made = graph(
        {"song": "small.tone", "half": "small.half", "mean": "small.mean"},
        "song.out -> half.audio; song.out -> mean.audio",
    )
    ran = run(made, ["half", "mean"])
    assert ran.audio("half").shape == (1, 25 * RATE)


def test_values_are_freed_below_a_failure_too() -> None:
    made = graph(
        {"song": "small.tone", "bad": "small.broken", "below": "small.scale", "two": "small.add"},
        "song.out -> bad.audio; bad.out -> below.audio; song.out -> two.audio[0]; below.out -> two.audio[1]",
    )
    made = replace(made, nodes={**made.nodes, "end": made.nodes["below"]}, edges=made.edges | edge("two", "end"))
    ran = run(made, ["end"])
    assert ran.status("end") == "failed"
    assert ran.executor._holdings.held == {}


def test_what_only_lost_units_would_have_read_is_freed_when_it_is_done() -> None:
    failed = threading.Event()

    @node("wait.failure")
    def late(audio: Audio) -> Audio:
        """Ends after its reader was lost."""
        assert failed.wait(10)
        return audio

    made = graph(
        {
            "song": "small.tone",
            "bad": "small.broken",
            "late": "wait.failure",
            "sum": "small.add",
            "keep": "small.scale",
        },
        "song.out -> bad.audio; song.out -> late.audio; bad.out -> sum.audio[0]; late.out -> sum.audio[1];"
        "sum.out -> keep.audio",
    )

    def told(unit: Unit, status: Status) -> None:
        if unit.node == "keep":
            failed.set()

    ran = executor(made, ["keep"], made_of(late), seconds=5, watcher=Told(told))
    ran.run()
    assert ran.reports["late"].status == "ran"
    assert ran._holdings.held == {}


def edge(source: str, target: str) -> frozenset[Edge]:
    return graph({}, f"{source}.out -> {target}.audio").edges


# The store


class Full(MemoryStore):
    """A store that takes some units and is full then."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def put(self, key: str, values: Mapping[str, object], **about: object) -> UnitRecord:
        if self.room == 0:
            raise StoreFull(f"{about['node']} left 320 bytes, and the store is full.")
        self.room -= 1
        return super().put(key, values, **about)  # type: ignore[arg-type]


@pytest.mark.parametrize("room", [0, 1, 4, 9])
def test_a_full_store_lets_the_run_go_on_in_memory_and_says_so_once(room: int) -> None:
    made = graph(
        {"song": "small.tone", "loud": "small.scale", "norm": "small.normalise"},
        "song.out -> loud.audio; loud.out -> norm.audio",
    )
    ran = run(made, ["norm"], store=Full(room))
    assert not ran.executor.failures
    assert len(ran.executor.problems) == 1 and ran.executor.problems[0].endswith("The run goes on in memory.")
    assert np.array_equal(ran.audio("norm"), run(made, ["norm"]).audio("norm"))
    assert {unit.node for unit in ran.executor._holdings.held} <= {"norm"}


def test_a_song_beyond_the_limit_of_the_store_runs_with_the_same_samples(tmp_path: Path) -> None:
    made = graph(
        {"song": "small.tone", "loud": "small.scale", "smooth": ("small.smooth", {"reach": 700}), "mean": "small.mean"},
        "song.out -> loud.audio; loud.out -> smooth.audio; smooth.out -> mean.audio",
    )
    with DiskStore(tmp_path / "store", 4 * (TILE_BYTES + 8192)) as store:
        ran = run(made, ["mean"], store=store, seconds=95)
        assert not ran.executor.failures
        assert store.size() <= store.limit_bytes
    assert ran.status("mean") == "ran"
    assert ran.executor.reports["mean"].units == {"ran": 1}


class Forgetful(MemoryStore):
    """A store that evicts whatever is not pinned."""

    def put(self, key: str, values: Mapping[str, object], **about: object) -> UnitRecord:
        record = super().put(key, values, **about)  # type: ignore[arg-type]
        for known in [d for d in self._values if d not in self._pins and d not in record.outputs.values()]:
            del self._values[known]
        return record


def test_what_is_still_to_be_read_is_not_evicted() -> None:
    made = graph(
        {"song": "small.tone", "a": "small.scale", "b": ("small.scale", {"factor": 3.0}), "mean": "small.mean"},
        "song.out -> a.audio; a.out -> b.audio; b.out -> mean.audio",
    )
    ran = run(made, ["mean"], store=Forgetful(), seconds=45, jobs=1)
    assert not ran.executor.failures


@pytest.mark.parametrize("second_run", [False, True])
def test_a_run_leaves_nothing_pinned(second_run: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holdings, "UNPIN_EVERY", 2)
    made = graph({"song": "small.tone", "a": "small.scale"}, "song.out -> a.audio")
    store = MemoryStore()
    for _ in range(1 + second_run):
        run(made, ["a"], store=store)
    assert not store._pins


def test_without_a_store_writers_write_and_are_up_to_date_the_next_time(tmp_path: Path) -> None:
    made = graph({"song": "small.tone", "save": "io.save"}, "song.out -> save.stems")
    statuses = []
    for _ in range(2):
        outputs = OutputFolder(tmp_path / "out").song("song", "")
        ran = run(made, [], outputs=outputs)
        outputs.finish(graph={}, graph_hash="", inputs={}, scores={}, libraries={})
        assert not ran.executor.failures
        statuses.append(ran.status("save"))
    assert statuses == ["ran", "up to date"]


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
    made = graph({"song": "small.tone", "a": "small.scale", "b": "small.scale"}, wires("song", ["a", "b"]))
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


# Reports


def test_the_most_significant_status_and_its_reason_are_shown() -> None:
    report = NodeReport("skipped")
    report.add("cached", 0.0, 10, "")
    report.add("ran", 1.5, 20, "knob n_fft: 2048 -> 4096")
    report.add("cached", 0.0, 10, "")
    assert (report.status, report.reason) == ("ran", "knob n_fft: 2048 -> 4096")
    report.add("failed", 0.2, 0, "needs more silence")
    report.add("ran", 0.5, 5, "another reason")
    assert (report.status, report.reason, report.nbytes) == ("failed", "needs more silence", 45)
    assert report.units == {"cached": 2, "ran": 2, "failed": 1}


def test_reports_count_every_unit_and_bytes_and_say_why_it_ran() -> None:
    made = graph({"song": "small.tone", "half": "small.half", "a": "small.scale"}, "song.out -> half.audio")
    made = replace(made, edges=made.edges | edge("half", "a"))
    ran = run(made, ["a"], store=MemoryStore())
    song = ran.executor.reports["song"]
    assert (song.status, song.units, song.nbytes) == ("ran", {"ran": 3}, 25 * RATE * 4)
    assert song.reason
    assert ran.status("half") == "derived"


def test_a_writer_without_an_output_folder_is_skipped() -> None:
    made = graph({"song": "small.tone", "save": "io.save"}, "song.out -> save.stems")
    assert run(made, [], store=MemoryStore()).status("save") == "skipped"


def test_progress_and_finish_are_told_for_every_unit() -> None:
    told: dict[Unit, Status] = {}
    made = graph({"song": "small.tone", "bad": "small.broken", "end": "small.scale"}, "song.out -> bad.audio")
    made = replace(made, edges=made.edges | edge("bad", "end"))
    ran = executor(made, ["end"], watcher=Told(told.__setitem__))
    ran.run()
    assert set(told) == set(ran.plan.units)
    assert {status for unit, status in told.items() if unit.node != "song"} == {"failed"}
