"""The memory that a program will take: of units those that can be at work together, and what is loaded once."""

from __future__ import annotations

from fractions import Fraction

import pytest

from midistems_graph.document.graph import Address
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.peak import LIBRARY_BYTES, PROGRAM_BYTES, peak_bytes
from midistems_graph.engine.plan import Plan, compile_plan
from small_runs import RATE, graph, library

TILE = 10 * RATE * 2 * 4


def plan_of(seconds: int, nodes: dict[str, object], edges: str, *ends: str) -> Plan:
    ports = [Address(end, "out") for end in ends]
    return compile_plan(graph(nodes, edges), library(), Bindings({}, RATE, Fraction(seconds)), outputs=ports)


def at_work(plan: Plan, workers: int) -> float:
    """Of the estimate what units take, in tiles."""
    return (peak_bytes(plan, plan.units, workers) - PROGRAM_BYTES) / TILE


def test_units_that_wait_for_each_other_are_not_at_work_together() -> None:
    chain = {"tone": "small.tone", "one": "small.scale", "two": "small.scale"}
    edges = "tone.out -> one.audio; one.out -> two.audio"
    short, long = (plan_of(seconds, chain, edges, "two") for seconds in (10, 20))
    assert at_work(short, 1) == pytest.approx(6) == at_work(short, 2)  # what is read and given, three times
    assert at_work(long, 2) == pytest.approx(12) == at_work(long, 3)  # the other tile


def test_what_does_not_hang_on_each_other_is() -> None:
    plan = plan_of(10, {"a": "small.tone", "b": "small.tone"}, "", "a", "b")
    assert at_work(plan, 1) == pytest.approx(3) and at_work(plan, 2) == pytest.approx(6)


def test_libraries_count_once_and_nothing_to_do_takes_nothing() -> None:
    plan = plan_of(10, {"tone": "small.tone", "low": "filter.filter", "high": "filter.filter"},
                   "tone.out -> low.signal; low.out -> high.signal", "high")  # fmt: skip
    assert "scipy" in plan.nodes["low"].type.libraries
    assert PROGRAM_BYTES + LIBRARY_BYTES["scipy"] < peak_bytes(plan, plan.units, 1) < PROGRAM_BYTES + 60_000_000
    assert peak_bytes(plan, (), 1) == 0
