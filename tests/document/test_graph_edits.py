from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.document.data import from_data, to_data
from midistems_graph.document.edits import free_name, make_group, merge, unpack_group
from midistems_graph.document.graph import Address, DocumentError, Graph, Group, Node
from midistems_graph.document.identity import computed_part, graph_hash
from strategies import graphs, some

CHAIN = (
    Graph()
    .with_node("song", Node("io.input"), at=(0, 0))
    .with_node("split", Node("separate.hpss", knobs={"margin": 2}), at=(200, 0))
    .with_node("mix", Node("blend.ensemble"), at=(400, 100))
    .with_node("write", Node("io.write"), at=(600, 0))
    .with_edge("song.audio", "split.mixture")
    .with_edge("song.audio", "mix.audio[0]")
    .with_edge("split.harmonic", "mix.audio[1]")
    .with_edge("mix.out", "write.audio")
)


@some
@given(graphs(), graphs())
def test_pasting_adds_everything_once(graph: Graph, other: Graph) -> None:
    both = merge(graph, other)
    assert from_data(to_data(both)) is not None
    assert len(both.nodes) == len(graph.nodes) + len(other.nodes)
    assert len(both.edges) == len(graph.edges) + len(other.edges)
    assert graph.nodes.items() <= dict(both.nodes).items()


def test_pasted_nodes_get_numbers() -> None:
    twice = merge(merge(CHAIN, CHAIN), CHAIN)
    assert {"mix", "mix-2", "mix-3"} <= twice.nodes.keys()
    assert str(twice.edges_into("mix-3")[1].source) == "split-3.harmonic"


def test_groups_of_one_name_are_shared_or_kept_apart() -> None:
    first = Graph(groups={"g": Group(repeat=1)}, nodes={"a": Node("group:g")})
    other = Graph(groups={"g": Group(repeat=2)}, nodes={"b": Node("group:g")})
    assert merge(first, first).groups.keys() == {"g"}
    both = merge(first, other)
    assert (both.nodes["a"].type, both.nodes["b"].type) == ("group:g", "group:g-2")
    assert both.groups["g-2"].repeat == 2


def test_a_free_name_is_a_name() -> None:
    assert free_name("a", {"b"}) == "a"
    assert free_name("a", {"a", "a-2"}) == "a-3"
    assert free_name("n" * 64, {"n" * 64}) == "n" * 62 + "-2"


def test_a_group_has_the_ports_that_edges_cross() -> None:
    grouped = make_group(CHAIN, ["split", "mix"], "refine")
    group = grouped.groups["refine"]
    assert grouped.nodes["refine"].type == "group:refine" and grouped.view.nodes["refine"] == (300, 50)
    assert {str(e) for e in grouped.edges} == {"song.audio -> refine.audio", "refine.out -> write.audio"}
    assert group.inputs == {"audio": (Address("mix", "audio", 0), Address("split", "mixture"))}
    assert group.outputs == {"out": Address("mix", "out")}


@some
@given(st.sets(st.sampled_from(sorted(CHAIN.nodes)), min_size=1))
def test_a_group_unpacked_is_what_it_was(ids: set[str]) -> None:
    grouped = make_group(CHAIN, ids, "refine")
    again = unpack_group(from_data(to_data(grouped)), "refine")
    assert {**computed_part(again), "groups": {}} == computed_part(CHAIN)
    assert graph_hash(grouped) != graph_hash(CHAIN)


def test_knobs_that_an_instance_sets_come_along() -> None:
    group = Group(nodes={"split": Node("separate.hpss")}, knobs={"m": (Address("split", "margin"),)})
    graph = Graph(groups={"g": group}, nodes={"split": Node("mix"), "one": Node("group:g", knobs={"m": 3})})
    assert unpack_group(graph, "one").nodes["split-2"] == Node("separate.hpss", knobs={"margin": 3})


def test_what_cannot_be_grouped_or_unpacked_says_why() -> None:
    linked = Graph(nodes=CHAIN.nodes, links=((Address("split", "margin"), Address("mix", "gain")),))
    repeating = Graph(groups={"g": Group(repeat=2)}, nodes={"a": Node("group:g")})
    muted = Graph(groups={"g": Group()}, nodes={"a": Node("group:g", state="muted"), "b": Node("mix")})
    portless = Graph(groups={"g": Group()}, nodes={"a": Node("group:g"), "b": Node("mix")}).with_edge("b.out", "a.in")
    with pytest.raises(DocumentError, match="no node 'nobody'"):
        make_group(CHAIN, ["nobody"], "g")
    with pytest.raises(DocumentError, match="inside and outside"):
        make_group(linked, ["split"], "g")
    for graph, node_id, words in (
        (CHAIN, "mix", "no instance"),
        (repeating, "a", "repeats"),
        (muted, "a", "is muted"),
        (portless, "a", "does not have"),
    ):
        with pytest.raises(DocumentError, match=words):
            unpack_group(graph, node_id)
