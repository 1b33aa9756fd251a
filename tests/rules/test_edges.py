"""Ports and edges: every reason has its class, and its sentence names the two ends and the remedy."""

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_graphs import LIBRARY, graph, group, one

from midistems_graph.document.graph import Edge, Graph, Node
from midistems_graph.rules.check import check
from midistems_graph.rules.problems import (
    BypassImpossible,
    Cycle,
    GenericMismatch,
    IndexMissing,
    IndexRefused,
    KindMismatch,
    KnobEdgeKind,
    KnobShapesPlan,
    MissingInput,
    PortTaken,
    UnknownNode,
    UnknownPort,
    VariadicGap,
)

SOUND = ("load=io.load; hpss=separate.hpss; pick=stems.pick; save=io.save",)
SOUND_EDGES = "load.out->hpss.mixture; hpss.out->pick.stems; pick.out->save.audio"


def test_a_sound_graph_has_no_problems():
    assert check(graph(*SOUND, SOUND_EDGES), LIBRARY) == []


def test_an_edge_to_a_missing_node():
    found = one(UnknownNode, "load=io.load", "load.out->gone.audio")
    assert found.node == "gone" and "load.out -> gone.audio" in found.message


def test_an_edge_from_a_missing_node():
    assert one(UnknownNode, "load=io.load; save=io.save", "gone.out->save.audio").node == "gone"


def test_an_unknown_input_port_is_named_with_those_that_exist():
    found = one(UnknownPort, "load=io.load; pick=measure.rms", "load.out->pick.audio; load.out->pick.sound")
    assert (found.node, found.port) == ("pick", "sound") and "it has audio" in found.message


def test_an_unknown_output_port_is_named_with_those_that_exist():
    found = one(UnknownPort, "load=io.load; rms=measure.rms", "load.sound->rms.audio")
    assert (found.node, found.port) == ("load", "sound") and "it has out" in found.message


def test_kinds_that_disagree_name_both_ends_and_a_remedy():
    message = one(
        KindMismatch, "load=io.load; hpss=separate.hpss; rms=measure.rms", "load.out->hpss.mixture; hpss.out->rms.audio"
    ).message
    assert "hpss.out gives stems" in message and "rms.audio takes audio" in message and "stems.pick" in message


def test_kinds_are_followed_through_generic_nodes():
    message = one(
        KindMismatch,
        "load=io.load; hpss=separate.hpss; g=filter.gain; h=filter.gain; rms=measure.rms",
        "load.out->hpss.mixture; hpss.out->g.signal; g.out->h.signal; h.out->rms.audio",
    ).message
    assert "h.out gives stems" in message


def test_a_generic_node_that_nothing_feeds_may_give_either_kind():
    assert one(MissingInput, "g=filter.gain; rms=measure.rms", "g.out->rms.audio").node == "g"


def test_generic_ports_of_one_node_must_agree():
    found = one(
        GenericMismatch,
        "load=io.load; hpss=separate.hpss; b=blend.blend",
        "load.out->hpss.mixture; load.out->b.a; hpss.out->b.b",
    )
    assert "b.a receives audio" in found.message and "b.b receives stems" in found.message


def test_a_port_takes_one_edge():
    message = one(PortTaken, "a=io.load; b=io.load; rms=measure.rms", "a.out->rms.audio; b.out->rms.audio").message
    assert "a.out and b.out" in message and "rms.audio" in message


def test_two_edges_into_an_input_of_a_group_are_both_seen():
    groups = {"g": group("rms=measure.rms", inputs={"audio": "rms.audio"})}
    message = one(PortTaken, "a=io.load; b=io.load; i=group:g", "a.out->i.audio; b.out->i.audio", groups=groups).message
    assert "i/rms.audio" in message


def test_a_required_input_must_be_connected():
    found = one(MissingInput, "hpss=separate.hpss")
    assert (found.node, found.port) == ("hpss", "mixture") and "needs audio" in found.message


def test_an_optional_input_may_stay_open():
    assert check(graph("load=io.load; r=stems.residual", "load.out->r.mixture"), LIBRARY) == []


def test_a_variadic_input_needs_one_edge():
    assert one(MissingInput, "load=io.load; mix=blend.mix").port == "audio"


def test_a_separator_used_as_a_function_needs_no_audio():
    found = check(
        graph(
            "load=io.load; hpss=separate.hpss; loop=blend.loop",
            "load.out->loop.mixture; hpss.separator->loop.separator",
        ),
        LIBRARY,
    )
    assert found == []


def test_a_separator_used_both_ways_needs_its_audio():
    assert (
        one(
            MissingInput,
            "load=io.load; hpss=separate.hpss; loop=blend.loop; pick=stems.pick",
            "load.out->loop.mixture; hpss.separator->loop.separator; hpss.out->pick.stems",
        ).node
        == "hpss"
    )


def test_a_gap_between_places_is_named():
    message = one(VariadicGap, "load=io.load; mix=blend.mix", "load.out->mix.audio[0]; load.out->mix.audio[2]").message
    assert "mix.audio[1]" in message


def test_a_variadic_port_needs_a_place():
    assert "mix.audio[0]" in one(IndexMissing, "load=io.load; mix=blend.mix", "load.out->mix.audio").message


def test_a_single_port_has_no_places():
    assert "rms.audio" in one(IndexRefused, "load=io.load; rms=measure.rms", "load.out->rms.audio[0]").message


def test_an_output_has_no_places():
    assert "load.out" in one(IndexRefused, "load=io.load; rms=measure.rms", "load.out[1]->rms.audio").message


def test_an_input_of_a_group_has_no_places():
    groups = {"g": group("mix=blend.mix", inputs={"audio": "mix.audio[0]"})}
    found = check(graph("load=io.load; i=group:g", "load.out->i.audio[0]", groups=groups), LIBRARY)
    assert {type(p) for p in found} == {IndexRefused, MissingInput}


def test_unknown_ports_of_a_group_are_named_with_those_that_exist():
    groups = {"g": group("rms=measure.rms", inputs={"audio": "rms.audio"}, outputs={"figure": "rms.out"})}
    found = check(
        graph("load=io.load; i=group:g; n=io.save", "load.out->i.sound; i.level->n.audio", groups=groups), LIBRARY
    )
    unknown = [p for p in found if isinstance(p, UnknownPort)]
    assert ["it has audio" in p.message or "it has figure" in p.message for p in unknown] == [True, True]


def test_the_repeat_of_a_group_cannot_be_wired():
    groups = {"g": group("gain=filter.gain", inputs={"audio": "gain.signal"})}
    found = one(
        KnobShapesPlan,
        "load=io.load; n=control.number; i=group:g",
        "load.out->i.audio; n.out->i.repeat",
        groups=groups,
    )
    assert found.port == "repeat"


@pytest.mark.parametrize(
    ("source", "target", "fits"),
    [
        ("n.out", "hpss.margin", True),
        ("n.out", "b.bins", True),
        ("t.out", "pick.stem", True),
        ("t.out", "b.kind", True),
        ("t.out", "hpss.margin", False),
        ("n.out", "pick.stem", False),
        ("n.out", "b.kind", False),
        ("t.out", "b.bins", False),
        ("load.out", "hpss.margin", False),
        ("n.out", "mix.weights", False),
    ],
)
def test_what_may_drive_a_knob(source, target, fits):
    found = check(
        graph(
            "load=io.load; n=control.number; t=control.text; hpss=separate.hpss; b=blend.blend; pick=stems.pick;"
            "mix=blend.mix",
            "load.out->hpss.mixture; hpss.out->pick.stems; load.out->b.a; load.out->b.b; load.out->mix.audio[0];"
            f"{source}->{target}",
        ),
        LIBRARY,
    )
    assert [type(p) for p in found] == ([] if fits else [KnobEdgeKind])
    assert all(target in p.message for p in found)


def test_a_published_knob_is_driven_inside():
    groups = {"g": group("gain=filter.gain", inputs={"audio": "gain.signal"}, knobs={"level": "gain.gain"})}
    found = one(
        KnobEdgeKind,
        "load=io.load; t=control.text; i=group:g",
        "load.out->i.audio; t.out->i.level",
        groups=groups,
    )
    assert (found.node, found.port) == ("i/gain", "gain")


def test_a_circle_names_its_nodes_in_order():
    found = one(
        Cycle, "b=filter.gain; c=filter.gain; a=filter.gain", "a.out->c.signal; c.out->b.signal; b.out->a.signal"
    )
    assert found.nodes == ("a", "c", "b") and "a -> c -> b -> a" in found.message


def test_a_node_that_feeds_itself():
    assert one(Cycle, "a=filter.gain", "a.out->a.signal").nodes == ("a",)


def test_a_circle_through_a_group():
    groups = {"g": group("x=filter.gain", inputs={"in": "x.signal"}, outputs={"out": "x.out"})}
    assert one(Cycle, "a=filter.gain; i=group:g", "a.out->i.in; i.out->a.signal", groups=groups).nodes == ("a", "i/x")


def test_two_circles_are_both_named():
    found = check(
        graph("a=filter.gain; b=filter.gain; c=filter.gain", "a.out->b.signal; b.out->a.signal; c.out->c.signal"),
        LIBRARY,
    )
    assert [p.nodes for p in found] == [("a", "b"), ("c",)]


def test_a_bypassed_group_without_input():
    groups = {"g": group("x=filter.gain", inputs={"in": "x.signal"}, outputs={"out": "x.out"})}
    assert one(BypassImpossible, "i=group:g!; rms=measure.rms", "i.out->rms.audio", groups=groups).node == "i"


@st.composite
def dags(draw):
    """A graph of mixers in which every node is fed by earlier ones, with the edges as index pairs."""
    count = draw(st.integers(2, 12))
    feeds = [draw(st.sets(st.integers(0, i - 1), min_size=1, max_size=3)) for i in range(1, count)]
    pairs = [(s, t) for t, sources in enumerate(feeds, 1) for s in sorted(sources)]
    edges = [Edge.parse(f"n{s}.out", f"n{t}.audio[{sorted(feeds[t - 1]).index(s)}]") for s, t in pairs]
    nodes = {f"n{i}": Node("blend.mix" if i else "io.load") for i in range(count)}
    return Graph(nodes=nodes, edges=frozenset(edges)), pairs


@given(dags())
def test_a_dag_is_sound(dag):
    assert check(dag[0], LIBRARY) == []


@given(dags(), st.data())
def test_an_edge_back_makes_a_circle_that_is_named(dag, data):
    drawn, pairs = dag
    last = data.draw(st.integers(1, len(drawn.nodes) - 1))
    above = nx.ancestors(nx.DiGraph(pairs), last) - {0} | {last}
    first = data.draw(st.sampled_from(sorted(above)))
    place = sum(t == first for _, t in pairs)
    (found,) = check(drawn.with_edge(f"n{last}.out", f"n{first}.audio[{place}]"), LIBRARY)
    assert isinstance(found, Cycle)
    edges = {(f"n{s}", f"n{t}") for s, t in [*pairs, (last, first)]}
    assert len(set(found.nodes)) == len(found.nodes)
    assert all(step in edges for step in zip(found.nodes, (*found.nodes[1:], found.nodes[0]), strict=True))
