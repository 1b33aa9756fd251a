"""All problems at once; what is wanted; repeats; groups that do not unfold; work that grows with the graph alone."""

import sys

from small_graphs import LIBRARY, graph, group

from midistems_graph.document.graph import Edge, Graph, Node
from midistems_graph.rules.check import check, may_connect
from midistems_graph.rules.problems import (
    Cycle,
    GenericMismatch,
    GroupProblem,
    IndexMissing,
    KindMismatch,
    KnobRefused,
    KnobShapesPlan,
    MissingInput,
    UnknownKnob,
    UnknownNode,
    UnknownNodeType,
    UnknownPort,
    errors,
    relevant_to,
)


def types(found):
    return {type(p) for p in found}


def test_all_problems_are_given_at_once_errors_first():
    found = check(
        graph(
            "load=io.load@9.0.0; hpss=separate.hpss(margin=11.0, colour=1); x=other.pack; rms=measure.rms",
            "hpss.out->rms.audio",
        ),
        LIBRARY,
    )
    assert {UnknownNodeType, UnknownKnob, KnobRefused, MissingInput, KindMismatch} < types(found)
    assert [p.severity for p in found] == sorted(p.severity for p in found)
    assert len(errors(found)) == len(found) - 1


def test_problems_of_what_is_not_wanted_are_left_out():
    sample = graph("load=io.load; x=other.pack; y=measure.rms; rms=measure.rms", "load.out->rms.audio; x.out->y.audio")
    assert types(check(sample, LIBRARY)) == {UnknownNodeType}
    assert check(sample, LIBRARY, wanted=["rms"]) == []
    assert types(check(sample, LIBRARY, wanted=["y"])) == {UnknownNodeType}


def test_a_wanted_group_stands_for_its_nodes():
    sample = graph(
        "x=other.pack; i=group:g", "x.out->i.in", groups={"g": group("r=measure.rms", inputs={"in": "r.audio"})}
    )
    assert types(check(sample, LIBRARY, wanted=["i"])) == {UnknownNodeType}


def test_problems_inside_a_function_concern_who_calls_it():
    inside = group("x=other.pack; h=separate.hpss", "x.out->h.mixture", inputs={"in": "x.a"}, outputs={"out": "h.out"})
    sample = graph(
        "load=io.load; i=group:g; loop=blend.loop",
        "load.out->loop.mixture; i.separator->loop.separator",
        groups={"g": inside},
    )
    assert UnknownNodeType in types(check(sample, LIBRARY, wanted=["loop"]))


def test_a_problem_of_a_repeat_is_listed_once_and_concerns_every_iteration():
    repeat = group(
        "g=filter.gain(gain=99.0)", inputs={"in": "g.signal"}, outputs={"out": "g.out"}, carry={"in": "out"}, repeat=9
    )
    found = check(graph("load=io.load; i=group:g", "load.out->i.in", groups={"g": repeat}), LIBRARY)
    assert [p.node for p in found] == ["i[1]/g"]
    assert relevant_to(found, ["i[9]/g"]) == found
    assert relevant_to(found, ["load"]) == []


def test_a_group_that_cannot_be_unfolded_does_not_hide_the_rest():
    sample = graph("i=group:gone; load=io.load; g=filter.gain(gain=99.0)", "load.out->g.signal; i.out->g.gain")
    assert types(check(sample, LIBRARY)) == {GroupProblem, KnobRefused}


def test_an_empty_graph_is_sound():
    assert check(graph(""), LIBRARY) == []


def test_problems_are_the_same_whatever_the_order_of_edges():
    edges = ["a.out->b.a", "b.out->a.signal", "c.out->b.b", "a.out->c.signal", "d.out->b.b"]
    nodes = "a=filter.gain; b=blend.blend; c=filter.gain; d=filter.gain"
    assert check(graph(nodes, ";".join(edges)), LIBRARY) == check(graph(nodes, ";".join(edges[::-1])), LIBRARY)


def calls_of_check(length: int) -> int:
    """How many Python functions a check of a chain of nodes, all of them wrong, calls."""
    nodes = {f"n{i}": Node("filter.gain", knobs={"gain": 99.0}) for i in range(length)}
    edges = frozenset(Edge.parse(f"n{i}.out", f"n{i + 1}.signal") for i in range(length - 1))
    chain, count = Graph(nodes=nodes, edges=edges), 0

    def seen(frame, event, argument):
        nonlocal count
        count += 1

    sys.setprofile(seen)
    try:
        check(chain, LIBRARY)
    finally:
        sys.setprofile(None)
    return count


def test_the_work_of_a_check_grows_with_the_graph_and_not_with_its_square():
    assert calls_of_check(1000) < 6 * calls_of_check(250)


# may_connect -------------------------------------------------------------------------------------

BASE = graph(
    "load=io.load; hpss=separate.hpss; g=filter.gain; b=blend.blend; rms=measure.rms; mix=blend.mix; n=control.number",
    "load.out->hpss.mixture; load.out->b.a; g.out->rms.audio",
)


def test_a_fitting_edge_may_be_drawn_though_the_graph_is_unfinished():
    assert may_connect(BASE, LIBRARY, "load.out", "g.signal") is None
    assert may_connect(BASE, LIBRARY, "load.out", "rms.audio") is None  # takes the place of the edge from g
    assert may_connect(BASE, LIBRARY, "n.out", "hpss.margin") is None


def test_why_an_edge_cannot_be_drawn():
    cases = {
        ("hpss.out", "mix.audio[0]"): KindMismatch,
        ("hpss.out", "b.b"): GenericMismatch,
        ("g.out", "g.signal"): Cycle,
        ("load.out", "rms.sound"): UnknownPort,
        ("load.out", "gone.audio"): UnknownNode,
        ("load.out", "mix.audio"): IndexMissing,
        ("n.out", "hpss.n_fft"): KnobShapesPlan,
    }
    for (source, target), reason in cases.items():
        assert isinstance(may_connect(BASE, LIBRARY, source, target), reason), (source, target)


def test_a_kind_that_breaks_an_edge_further_down():
    found = may_connect(BASE, LIBRARY, "hpss.out", "g.signal")
    assert isinstance(found, KindMismatch) and found.node == "rms"


def test_old_problems_do_not_hinder_a_new_edge():
    broken = BASE.with_edge("hpss.out", "mix.audio[0]")
    assert may_connect(broken, LIBRARY, "load.out", "g.signal") is None
