"""Why a node would run now."""

from __future__ import annotations

from fractions import Fraction

from midistems_graph.document.graph import Address
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.plan import Plan, compile_plan
from midistems_graph.engine.store import MemoryStore
from midistems_graph.engine.why import why
from small_runs import RATE, graph, library


def plan(factor: float, steps: int = 10) -> Plan:
    made = graph(
        {"song": "small.tone", "loud": ("small.scale", {"factor": factor}), "rough": ("small.round", {"steps": steps})},
        "song.out -> loud.audio; loud.out -> rough.audio",
    )
    return compile_plan(made, library(), Bindings({}, RATE, Fraction(15)), outputs=[Address("rough", "out")])


def test_a_node_that_never_ran_says_so_and_those_below_name_it() -> None:
    store = MemoryStore()
    assert why(plan(2.0), store, "song") == ["it has not been computed before"]
    assert why(plan(2.0), store, "rough") == ["loud has to be computed first"]


def test_what_is_there_has_no_reason_and_a_turned_knob_is_named() -> None:
    store = MemoryStore()
    Executor(plan(2.0), library(), store=store).run()
    assert why(plan(2.0), store, "loud") == []
    assert why(plan(3.0), store, "loud") == ["knob factor: 2.0 -> 3.0"]
    assert why(plan(3.0), store, "rough") == ["loud has to be computed first"]
    assert why(plan(2.0, steps=5), store, "rough") == ["knob steps: 10 -> 5"]
