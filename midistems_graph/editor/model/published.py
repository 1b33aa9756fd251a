"""The knobs of a whole graph: what somebody who does not look inside may turn.

Those that its groups publish; where there are none, those that the graph itself sets, for its author found them
worth a thought. Only knobs that are turned or chosen, not names and lists.
"""

from __future__ import annotations

from dataclasses import dataclass

from midistems_graph.document.graph import Graph, KnobValue
from midistems_graph.editor.model.knobs import knobs_of, set_knob, type_knob
from midistems_graph.editor.model.state import EditorState
from midistems_graph.node.definition import Knob
from midistems_graph.node.library import NodeLibrary

TURNED = frozenset({"int", "float", "bool", "choice"})


@dataclass(frozen=True)
class PublishedKnob:
    """A knob of a node, what the node is called, and its value now."""

    node: str
    knob: Knob
    label: str
    value: KnobValue

    @property
    def id(self) -> str:
        return f"{self.node}.{self.knob.name}"


def published_knobs(graph: Graph, library: NodeLibrary) -> list[PublishedKnob]:
    """The knobs of a graph, in the order in which its nodes stand from left to right."""
    found, own = [], []
    places = graph.view.nodes
    for node_id in sorted(graph.nodes, key=lambda i: (places.get(i, (0.0, 0.0)), i)):
        node = graph.nodes[node_id]
        for name, knob in knobs_of(graph, node, library).items():
            if knob.kind not in TURNED or any(str(edge.target) == f"{node_id}.{name}" for edge in graph.edges):
                continue
            one = PublishedKnob(node_id, knob, node.label or node_id, node.knobs.get(name, knob.default))
            if node.group is not None:
                found.append(one)
            elif name in node.knobs:
                own.append(one)
    return found or own


def with_value(graph: Graph, library: NodeLibrary, knob: PublishedKnob, value: object) -> Graph:
    """The graph with one of its knobs turned (a text is read as it was typed); raises Refused."""
    state = EditorState(graph)
    change = type_knob if isinstance(value, str) else set_knob
    return change(state, library, {knob.node}, knob.knob.name, value).graph  # type: ignore[arg-type]
