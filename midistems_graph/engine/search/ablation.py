"""Each node switched off in turn: the variants of an ablation map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from midistems_graph.document.flatten import Unfolding, flatten
from midistems_graph.document.graph import Graph, Node
from midistems_graph.engine.search.variants import Variant
from midistems_graph.engine.wiring import PlanError, Wiring
from midistems_graph.node.definition import TIMED
from midistems_graph.node.library import NodeLibrary
from midistems_graph.rules.check import check
from midistems_graph.rules.problems import errors


@dataclass(frozen=True)
class Off:
    """A node that is switched off, and how: bypassed where it has an input to pass on, else muted."""

    node: str
    how: Literal["bypassed", "muted"]
    variant: Variant


def switched_off(graph: Graph, library: NodeLibrary) -> Iterator[Off]:
    """Every node of the graph itself that changes what flows, in the order of the graph.

    Sources, measures, checks and writers change nothing and are left out, as is what is off already.
    """
    flat = flatten(graph)
    order = {address.split("/")[0].split("[")[0]: place for place, address in enumerate(Wiring.of(flat, library).order)}
    for node_id in sorted(graph.nodes, key=lambda name: (order.get(name, 0), name)):
        node = graph.nodes[node_id]
        if node.state == "on" and _changes(node, library) and graph.edges_into(node_id) and graph.edges_from(node_id):
            for how in ("bypassed", "muted"):
                without = replace(graph, nodes={**graph.nodes, node_id: replace(node, state=how)})
                if _can_run(without, library):
                    yield Off(node_id, how, Variant(f"without {node_id}", without))
                    break


def _changes(node: Node, library: NodeLibrary) -> bool:
    if node.group is not None:
        return True
    node_type = library.get(node.type)
    return node_type is not None and any(set(port.kinds) & TIMED for port in node_type.outputs)


def _can_run(graph: Graph, library: NodeLibrary) -> bool:
    try:
        return not errors(check(graph, library)) and bool(Wiring.of(flatten(graph), library).into)
    except (PlanError, Unfolding):
        return False
