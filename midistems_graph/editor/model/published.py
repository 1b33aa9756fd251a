"""The knobs of a whole graph: what somebody who does not look inside may turn.

Those that the graph publishes. Where it publishes none, those that its groups publish, or else those that it sets, for
its author found them worth a thought; of these only knobs that are turned or chosen, not names and lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from midistems_graph.document.graph import Address, Body, Graph, KnobValue
from midistems_graph.editor.model.knobs import knobs_of, set_published
from midistems_graph.editor.model.state import EditorState
from midistems_graph.node.contract import Range
from midistems_graph.node.definition import Knob
from midistems_graph.node.library import NodeLibrary

TURNED = frozenset({"int", "float", "bool", "choice"})


@dataclass(frozen=True)
class PublishedKnob:
    """A knob by the name that it is shown under, what it turns, and its value now.

    `label` is what its node is called, empty where the author gave the knob a name.
    """

    knob: Knob
    ends: tuple[Address, ...]
    value: KnobValue
    label: str = ""

    @property
    def id(self) -> str:
        return str(self.ends[0])


def knobs_of_body(graph: Graph, body: Body, library: NodeLibrary) -> list[PublishedKnob]:
    """The knobs that a graph or a group publishes; the first that one stands for gives its value."""
    found = []
    for name, ends in body.knobs.items():
        turned = [
            knobs_of(graph, body.nodes[end.node], library).get(end.port) for end in ends if end.node in body.nodes
        ]
        there = [knob for knob in turned if knob is not None]
        if there and len(there) == len(ends):
            value = body.nodes[ends[0].node].knobs.get(there[0].name, there[0].default)
            found.append(PublishedKnob(replace(there[0], name=name, range=_common_range(there)), ends, value))
    return found


def _common_range(knobs: Sequence[Knob]) -> Range | None:
    """What all of them may be set to."""
    ranges = [knob.range for knob in knobs if knob.range is not None]
    if not ranges:
        return None
    return replace(ranges[0], low=max(one.low for one in ranges), high=min(one.high for one in ranges))


def published_knobs(graph: Graph, library: NodeLibrary) -> list[PublishedKnob]:
    """The knobs of a graph: those that it publishes, else some in the order of its nodes from left to right."""
    if published := knobs_of_body(graph, graph, library):
        return published
    found, own = [], []
    places = graph.view.nodes
    for node_id in sorted(graph.nodes, key=lambda i: (places.get(i, (0.0, 0.0)), i)):
        node = graph.nodes[node_id]
        for name, knob in knobs_of(graph, node, library).items():
            if knob.kind not in TURNED or any(str(edge.target) == f"{node_id}.{name}" for edge in graph.edges):
                continue
            end, value = Address(node_id, name), node.knobs.get(name, knob.default)
            one = PublishedKnob(knob, (end,), value, node.label or node_id)
            if node.group is not None:
                found.append(one)
            elif name in node.knobs:
                own.append(one)
    return found or own


def with_value(graph: Graph, library: NodeLibrary, knob: PublishedKnob, value: object) -> Graph:
    """The graph with one of its knobs turned (a text is read as it was typed); raises Refused."""
    return set_published(EditorState(graph), library, knob.knob.name, knob.ends, value).graph
