"""What an edge that is being drawn may end at: ports of the graph, and node types for a filtered menu."""

from __future__ import annotations

from collections.abc import Iterator

from midistems_graph.document.flatten import FUNCTIONS
from midistems_graph.document.graph import Address, Graph
from midistems_graph.node.definition import NodeType, Port
from midistems_graph.node.library import NodeLibrary
from midistems_graph.rules.check import ancestors
from midistems_graph.rules.kinds import bindings, inner_inputs
from midistems_graph.rules.site import Site


def compatible_targets(graph: Graph, library: NodeLibrary, source: str | Address) -> list[Address]:
    """Input ports that an output may be led to, sorted: kinds agree and no circle arises.

    Of a variadic port the first free place is named; a taken port is listed, since its edge gives way.
    Raises Unfolding.
    """
    site = Site.of(graph, library)
    start = Address.parse(source) if isinstance(source, str) else source
    start = site.flat.aliases.get(str(start), start)
    gives = set(site.gives(start))
    above = ancestors(site.flat, [start.node])
    found = []
    for node_id in graph.nodes:
        for at, places in _inputs(site, node_id):
            fits = all(node not in above and _takes(site, node, port, gives) for node, port in places)
            if gives and places and fits:
                found.append(at)
    return sorted(found, key=str)


def types_taking(library: NodeLibrary, kind: str) -> list[NodeType]:
    """Node types with an input that takes a kind, sorted by id."""
    return [t for t in library if any(kind in port.kinds for port in t.inputs)]


def types_giving(library: NodeLibrary, kinds: tuple[str, ...]) -> list[NodeType]:
    """Node types with an output that may give one of some kinds, sorted by id (a generic one may)."""
    return [t for t in library if any(set(kinds) & set(port.kinds) for port in t.outputs if port.name not in FUNCTIONS)]


def _inputs(site: Site, node_id: str) -> Iterator[tuple[Address, list[tuple[str, str]]]]:
    """Every input of a node of the graph with the flattened (node, port) pairs behind it."""
    instance = site.instance(node_id)
    if instance is not None:
        for name in site.graph.groups[instance.group or ""].inputs:
            yield Address(node_id, name), list(inner_inputs(site.flat, node_id, name))
    node_type = site.type_of(node_id)
    for port in node_type.inputs if node_type else ():
        yield Address(node_id, port.name, _free_place(site, node_id, port)), [(node_id, port.name)]


def _free_place(site: Site, node_id: str, port: Port) -> int | None:
    taken = {e.target.index for e in site.into.get(node_id, ()) if e.target.port == port.name}
    return next(i for i in range(len(taken) + 1) if i not in taken) if port.variadic else None


def _takes(site: Site, node: str, name: str, gives: set[str]) -> bool:
    """Whether a port takes one of some kinds, given what else is connected to its node."""
    node_type = site.type_of(node)
    port = node_type.input(name) if node_type else None
    if node_type is None or port is None:
        return False
    replaced = not port.variadic
    others = [e for e in site.into.get(node, ()) if not (replaced and e.target.port == name)]
    bound = bindings(node_type, others, site.kinds).get(port.generic) if port.generic else None
    return bool(gives & ({bound} if bound else set(port.kinds)))
