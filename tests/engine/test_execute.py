"""Carrying a plan out: readiness, memory, stores that fill up, reports."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from midistems_graph.document.graph import Edge
from midistems_graph.engine import holdings
from midistems_graph.engine.outputs import OutputFolder
from midistems_graph.engine.plan import ONCE, Unit
from midistems_graph.engine.reports import NodeReport, Status
from midistems_graph.engine.store import DiskStore, MemoryStore, StoreFull, UnitRecord
from midistems_graph.node import Audio, NodeError, Run, node
from small_runs import RATE, Told, executor, graph, made_of, run

TILE_BYTES = 10 * RATE * 4
"""Bytes of a tile of one channel."""


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
