"""Each node switched off in turn, those inside groups too: the variants of an ablation map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from midistems_graph.document.flatten import Unfolding, flatten
from midistems_graph.document.graph import Body, Graph, Group, Node
from midistems_graph.engine.search.variants import Variant
from midistems_graph.engine.wiring import PlanError, Wiring
from midistems_graph.node.definition import TIMED
from midistems_graph.node.library import NodeLibrary
from midistems_graph.rules.check import check
from midistems_graph.rules.problems import errors


@dataclass(frozen=True)
class Off:
    """A node that is switched off, and how: bypassed where it has an input to pass on, else muted.

    One inside a group is named `group:refine/hpss` after the group's definition: it is off in all of its instances
    and rounds.
    """

    node: str
    type: str
    how: Literal["bypassed", "muted"]
    variant: Variant


def switched_off(graph: Graph, library: NodeLibrary) -> Iterator[Off]:
    """Every node that changes what flows: those of the graph in its order, each group's after the last of them.

    Sources, measures, checks and writers change nothing and are left out, as is what is off already.
    """
    flat = flatten(graph)
    order = {address: place for place, address in enumerate(Wiring.of(flat, library).order)}
    top = {address.split("/")[0].split("[")[0]: place for address, place in order.items()}
    yield from _of(graph, "", graph, library, top)
    for name in sorted(_used(graph)):
        inner = {address.rpartition("/")[2].split("[")[0]: place for address, place in order.items()}
        yield from _of(graph, name, graph.groups[name], library, inner)


def _of(graph: Graph, group: str, body: Body, library: NodeLibrary, order: dict[str, int]) -> Iterator[Off]:
    """The nodes of one body that can be switched off."""
    for node_id in sorted(body.nodes, key=lambda name: (order.get(name, 0), name)):
        node = body.nodes[node_id]
        if node.state != "on" or not _changes(node, library) or not _is_between(body, node_id):
            continue
        for how in ("bypassed", "muted"):
            without = _with(graph, group, node_id, replace(node, state=how))
            if _can_run(without, library):
                address = f"group:{group}/{node_id}" if group else node_id
                yield Off(address, node.type, how, Variant(f"without {address}", without))
                break


def _with(graph: Graph, group: str, node_id: str, node: Node) -> Graph:
    """The graph with a node of a group, or of its own, in place of another."""
    if not group:
        return replace(graph, nodes={**graph.nodes, node_id: node})
    body = graph.groups[group]
    changed = replace(body, nodes={**body.nodes, node_id: node})
    return replace(graph, groups={**graph.groups, group: changed})


def _is_between(body: Body, node_id: str) -> bool:
    """Whether something flows into a node and out of it; the ports of a group count."""
    into = {edge.target.node for edge in body.edges}
    out = {edge.source.node for edge in body.edges}
    if isinstance(body, Group):
        into |= {target.node for targets in body.inputs.values() for target in targets}
        out |= {source.node for source in body.outputs.values()}
    return node_id in into and node_id in out


def _used(graph: Graph) -> set[str]:
    """The groups that a graph has instances of, through other groups too."""
    found: set[str] = set()
    todo: list[Body] = [graph]
    while todo:
        names = (node.group for node in todo.pop().nodes.values())
        new = {name for name in names if name is not None and name in graph.groups} - found
        found |= new
        todo += [graph.groups[name] for name in new]
    return found


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
