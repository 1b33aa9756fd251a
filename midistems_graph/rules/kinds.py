"""Which kind of value flows on every output of a flattened graph.

A generic port takes the kind that the node's inputs bind its type variable to, the first connected
one in the order of its ports deciding. What cannot be known (unknown types, generic nodes that
nothing feeds, nodes of a cycle) is absent from the result, never guessed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from midistems_graph.document.flatten import SEPARATOR, Flat
from midistems_graph.document.graph import Edge, Group
from midistems_graph.node.definition import NodeType, Port
from midistems_graph.node.library import NodeLibrary

Kinds = Mapping[tuple[str, str], str]
"""(node address, output port) -> kind."""


def resolve_kinds(flat: Flat, library: NodeLibrary) -> dict[tuple[str, str], str]:
    """The kind on every output port that is known without running, in time linear in nodes and edges."""
    into = edges_by_target(flat)
    kinds: dict[tuple[str, str], str] = {}
    called = fed_by_call(flat)
    for address in in_order(flat):
        node = flat.nodes[address]
        if node.group is not None:
            kinds[address, SEPARATOR] = "separator"
        node_type = library.get(node.type)
        if node_type is None:
            continue
        bound = bindings(node_type, into.get(address, ()), kinds)
        for port in node_type.inputs:
            if port.generic and (address, port.name) in called:
                bound.setdefault(port.generic, "audio")
        for port in node_type.outputs:
            kind = bound.get(port.generic) if port.generic else port.kinds[0] if len(port.kinds) == 1 else None
            if kind is not None:
                kinds[address, port.name] = kind
    return kinds


def bindings(node_type: NodeType, incoming: Iterable[Edge], kinds: Kinds) -> dict[str, str]:
    """The kind that each type variable of a node is bound to by what is connected."""
    bound: dict[str, str] = {}
    arriving: dict[str, list[Edge]] = {}
    for edge in incoming:
        arriving.setdefault(edge.target.port, []).append(edge)
    for port in node_type.inputs:
        if not port.generic:
            continue
        for edge in arriving.get(port.name, ()):
            kind = kinds.get((edge.source.node, edge.source.port))
            if kind in port.kinds:
                bound.setdefault(port.generic, kind)
    return bound


def possible_kinds(port: Port, address: str, kinds: Kinds) -> tuple[str, ...]:
    """The kinds that an output may give: the resolved one, or all that its node type allows."""
    kind = kinds.get((address, port.name))
    return port.kinds if kind is None else (kind,)


def edges_by_target(flat: Flat) -> dict[str, list[Edge]]:
    """The edges into every node, sorted by port and place."""
    into: dict[str, list[Edge]] = {}
    for edge in sorted(flat.edges, key=_place):
        into.setdefault(edge.target.node, []).append(edge)
    return into


def in_order(flat: Flat) -> list[str]:
    """All nodes, each after what feeds it; those of cycles and below come last."""
    below: dict[str, list[str]] = {}
    waiting = dict.fromkeys(flat.nodes, 0)
    for edge in flat.edges:
        if edge.source.node in waiting and edge.target.node in waiting:
            below.setdefault(edge.source.node, []).append(edge.target.node)
            waiting[edge.target.node] += 1
    ready = deque(address for address, count in waiting.items() if count == 0)
    order: list[str] = []
    while ready:
        address = ready.popleft()
        order.append(address)
        del waiting[address]
        for target in below.get(address, ()):
            waiting[target] -= 1
            if waiting[target] == 0:
                ready.append(target)
    return order + list(waiting)


def bodies_of(flat: Flat, instance: str) -> list[tuple[str, Group]]:
    """Prefix and group of every iteration of a group instance; none if it is bypassed or no instance."""
    found: list[tuple[str, Group]] = []
    body = flat.bodies.get(f"{instance}/")
    if isinstance(body, Group):
        return [(f"{instance}/", body)]
    while isinstance(body := flat.bodies.get(f"{instance}[{len(found) + 1}]/"), Group):
        found.append((f"{instance}[{len(found) + 1}]/", body))
    return found


def inner_inputs(flat: Flat, instance: str, name: str) -> Iterator[tuple[str, str]]:
    """The (node, port) pairs that an input of an instance feeds, through nested groups and all iterations."""
    for prefix, group in bodies_of(flat, instance):
        for target in group.inputs.get(name, ()):
            if bodies_of(flat, prefix + target.node):
                yield from inner_inputs(flat, prefix + target.node, target.port)
            else:
                yield prefix + target.node, target.port


def fed_by_call(flat: Flat) -> set[tuple[str, str]]:
    """Inner (node, port) pairs that receive audio whenever a group is called as a function."""
    found: set[tuple[str, str]] = set()
    for address, node in flat.nodes.items():
        if node.group is not None:
            for _, group in bodies_of(flat, address)[:1]:
                found |= {place for name in group.inputs for place in inner_inputs(flat, address, name)}
    return found


def _place(edge: Edge) -> tuple[str, str, int, str]:
    target = edge.target
    return (target.node, target.port, -1 if target.index is None else target.index, str(edge.source))
