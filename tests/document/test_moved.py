"""Nodes are found again where an edit put them."""

from __future__ import annotations

from midistems_graph.document.edits import rename_nodes
from midistems_graph.document.flatten import flatten
from midistems_graph.document.graph import Address, Graph, Group, Node
from midistems_graph.document.moved import moved

GAIN, LOUD = Node("filter.gain", knobs={"db": -3.0}), Node("filter.gain", knobs={"db": 3.0})
FLAT = Graph(nodes={"a": GAIN, "b": GAIN, "c": LOUD})


def into_group(graph: Graph, *names: str) -> Graph:
    group = Group(nodes={name: graph.nodes[name] for name in names}, outputs={"out": Address(names[0], "out")})
    kept = {i: node for i, node in graph.nodes.items() if i not in names}
    return Graph(nodes={**kept, "box": Node("group:box")}, groups={"box": group})


def told(before: Graph, after: Graph) -> dict[str, str]:
    return moved(flatten(before), flatten(after))


def test_into_a_group_and_out_of_it() -> None:
    inside = into_group(FLAT, "a", "b")
    assert told(FLAT, inside) == {"a": "box/a", "b": "box/b"}
    assert told(inside, FLAT) == {"box/a": "a", "box/b": "b"}


def test_under_another_id() -> None:
    assert told(FLAT, rename_nodes(FLAT, {"c": "louder"})) == {"c": "louder"}
    assert told(FLAT, rename_nodes(FLAT, {"a": "x", "b": "y"})) == {"a": "x", "b": "y"}


def test_what_was_deleted_or_turned_is_not_found_elsewhere() -> None:
    assert told(FLAT, FLAT.without_nodes(["a"])) == {}
    assert told(FLAT, FLAT.without_nodes(["c"]).with_node("d", GAIN)) == {}
    assert told(FLAT, FLAT.with_knob("a", "db", 1.0)) == {}
