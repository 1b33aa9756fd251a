from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.document.data import from_data, to_data
from midistems_graph.document.graph import Graph, KnobValue, Node, View
from midistems_graph.document.identity import graph_hash
from strategies import graphs, reordered, some, texts


def with_gain(value: KnobValue) -> str:
    return graph_hash(Graph().with_node("gain", Node("filter.gain", knobs={"gain": value})))


@some
@given(graphs())
def test_order_says_nothing(graph: Graph) -> None:
    assert graph_hash(replace(graph, **reordered(graph))) == graph_hash(graph)


@some
@given(graphs(), texts)
def test_what_is_only_shown_says_nothing(graph: Graph, text: str) -> None:
    shown = {name: replace(node, label=text, extra={}) for name, node in graph.nodes.items()}
    other = replace(graph, nodes=shown, view=View(), title=text, author=text, description=text, extra={})
    assert graph_hash(other) == graph_hash(graph)


@some
@given(st.data())
def test_what_is_computed_says_everything(data: st.DataObject) -> None:
    graph = data.draw(graphs().filter(lambda g: g.nodes))
    node_id = data.draw(st.sampled_from(sorted(graph.nodes)))
    node = graph.nodes[node_id]
    others = (
        graph.without_nodes([node_id]),
        graph.with_node(node_id, replace(node, type=node.type + "2")),
        graph.with_node(node_id, replace(node, version="9.9.9")),
        graph.with_node(node_id, replace(node, state="muted" if node.state == "on" else "on")),
        graph.with_knob(node_id, "a_new_knob", 1),
    )
    hashes = [graph_hash(g) for g in (graph, *others)]
    assert len(set(hashes)) == len(hashes)


def test_values_of_different_types_stay_apart() -> None:
    values: tuple[KnobValue, ...] = (1, 1.0, True, "1", "True", (1,), (1.0,), ("1",), (), "")
    assert all(with_gain(a) != with_gain(b) for a, b in combinations(values, 2))
    assert with_gain(0.0) == with_gain(-0.0)


def test_the_hash_of_a_known_graph_never_changes() -> None:
    graph = Graph().with_node("a", Node("mix", knobs={"gain": 0.5})).with_node("b", Node("io.write"))
    known = graph.with_edge("a.out", "b.audio[0]")
    assert graph_hash(from_data(to_data(known))) == graph_hash(known)
    assert graph_hash(known) == "e60f57ddc25807188bb2870aeb9e262eec9a83f894b1f8ba1130b46da7befeec"
