from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.document.data import from_data, to_data
from midistems_graph.document.graph import DocumentError, Graph, Node
from midistems_graph.document.plain import MAX_DEPTH, MAX_EDGES, MAX_NODES, MAX_TEXT
from strategies import damaged, graphs, some

HEAD: dict[str, Any] = {"format": "midistems-graph", "version": 1}


def refusal(**fields: Any) -> str:
    with pytest.raises(DocumentError) as caught:
        from_data({**HEAD, **fields})
    return str(caught.value)


def knob(value: object) -> str:
    return refusal(nodes={"hpss": {"type": "separate.hpss", "knobs": {"margin": value}}})


@some
@given(graphs())
def test_nothing_is_lost(graph: Graph) -> None:
    assert from_data(to_data(graph)) == graph


@some
@given(st.data())
def test_damaged_data_is_read_or_refused_in_a_sentence(data: st.DataObject) -> None:
    damage = data.draw(damaged(to_data(data.draw(graphs()))))
    try:
        from_data(damage)
    except DocumentError as error:
        assert ": " in str(error) and len(str(error)) < 600


def test_defaults_are_left_out() -> None:
    graph = Graph().with_node("mix", Node("mix"))
    assert to_data(graph) == {**HEAD, "nodes": {"mix": {"type": "mix"}}}


def test_data_shares_nothing_with_the_graph() -> None:
    graph = Graph(extra={"x_palette": {"colors": [1, 2]}})
    to_data(graph)["x_palette"]["colors"].append(3)
    assert to_data(graph)["x_palette"] == {"colors": [1, 2]}


def test_an_unknown_field_cannot_hide_a_known_one() -> None:
    with pytest.raises(DocumentError, match="'nodes'"):
        to_data(Graph(extra={"nodes": {}}))


@pytest.mark.parametrize("value", [math.nan, math.inf, None, [[1]], [1, "a"], [True], {"a": 1}, 2**63, b"bytes"])
def test_a_knob_is_a_scalar_or_a_flat_list(value: object) -> None:
    assert knob(value).startswith("nodes.hpss.knobs.margin")


def test_the_place_is_named() -> None:
    node = {"type": "mix"}
    assert refusal(nodes={"9a": node}).startswith("nodes: '9a' is not a name")
    assert refusal(nodes={"a": {}}).startswith("nodes.a: the node has no type")
    assert refusal(nodes={"a": {**node, "state": "off"}}).startswith("nodes.a.state: 'off' is not a state")
    assert refusal(nodes={"a": node}, edges=[{"from": "a.out", "to": "b.in"}]).startswith("edges[0]: b.in needs")
    assert refusal(nodes={"a": node}, edges=[{"from": "a.out", "to": "a"}]).startswith("edges[0].to: 'a' is not an")
    assert refusal(edges=[["a.out", "b.in"]]).startswith("edges[0]: ['a.out', 'b.in'] stands where an object")
    assert refusal(edges=[{"from": "a.b"}]).startswith("edges[0]: the field 'to' is missing")
    assert refusal(nodes={"a": node}, links=[["a.x"]]).startswith("links[0]: a link joins two")
    assert refusal(groups={"g": {"nodes": {"a": node}, "outputs": {"o": "b.out"}}}).startswith(
        "groups.g.outputs.o: b.out"
    )
    assert refusal(groups={"g": {"carry": {"x": "y"}}}).startswith("groups.g.carry.x: the output 'y'")
    assert refusal(groups={"g": {"repeat": 0}}).startswith("groups.g.repeat: 0 is not a count")
    assert refusal(view={"nodes": {"a": [1]}}).startswith("view.nodes.a: [1] is no position")
    assert refusal(view={"notes": [{"text": "", "x": 0, "y": 0, "z": 0}]}).startswith("view.notes[0].z: there is no")
    assert refusal(inputs={"song": {"optional": 1}}).startswith("inputs.song.optional: 1 is neither")


def test_an_edge_is_drawn_once() -> None:
    edge = {"from": "a.out", "to": "a.in[0]"}
    message = refusal(nodes={"a": {"type": "mix"}}, edges=[edge, {**edge, "to": "a.in[00]"}])
    assert message.startswith("edges[1]: the edge a.out -> a.in[0] is already there as edges[0]")


def test_limits() -> None:
    assert "too many; 10000 are allowed" in refusal(nodes={f"n{i}": {"type": "mix"} for i in range(MAX_NODES + 1)})
    assert f"nodes: {MAX_EDGES + 1} entries are too many" in refusal(
        nodes=dict.fromkeys(map(str, range(MAX_EDGES + 1)), 1)
    )
    assert "too long" in refusal(title="a" * (MAX_TEXT + 1))
    deep: object = 0
    for _ in range(5 * MAX_DEPTH):
        deep = [deep]
    assert f"more than {MAX_DEPTH} lists" in refusal(x_deep=deep)
    assert "surrogate" in refusal(title="\ud800")


@pytest.mark.parametrize("data", [None, [], "graph", 3, {1: 2}])
def test_what_is_no_object_is_refused(data: object) -> None:
    with pytest.raises(DocumentError):
        from_data(data)
