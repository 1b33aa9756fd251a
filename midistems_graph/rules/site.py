"""What every check looks at: a graph, flattened once, with the kinds on its edges resolved."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from midistems_graph.document.flatten import SEPARATOR, Flat, flatten
from midistems_graph.document.graph import Address, Edge, Graph, Node
from midistems_graph.node.definition import NodeType, Port
from midistems_graph.node.knob import Knob
from midistems_graph.node.library import NodeLibrary
from midistems_graph.rules.kinds import edges_by_target, fed_by_call, possible_kinds, resolve_kinds

FUNCTION = Port(SEPARATOR, ("separator",))
"""The port of a group instance that offers the group as a function."""


@dataclass(frozen=True)
class Site:
    """A flattened graph seen through a node library. Node types that no pack has are None."""

    graph: Graph
    flat: Flat
    library: NodeLibrary

    @classmethod
    def of(cls, graph: Graph, library: NodeLibrary) -> Site:
        """Flatten a graph; raises Unfolding."""
        return cls(graph, flatten(graph), library)

    @cached_property
    def kinds(self) -> dict[tuple[str, str], str]:
        return resolve_kinds(self.flat, self.library)

    @cached_property
    def into(self) -> dict[str, list[Edge]]:
        """The edges into every node, sorted by port and place."""
        return edges_by_target(self.flat)

    @cached_property
    def used(self) -> Counter[tuple[str, str]]:
        """How many edges begin at each (node, output port)."""
        return Counter((e.source.node, e.source.port) for e in self.flat.edges)

    @cached_property
    def used_ports(self) -> dict[str, set[str]]:
        """The output ports of each node where edges begin."""
        found: dict[str, set[str]] = {}
        for node, port in self.used:
            found.setdefault(node, set()).add(port)
        return found

    @cached_property
    def called(self) -> set[tuple[str, str]]:
        """Inner (node, port) pairs that receive audio when their group is called as a function."""
        return fed_by_call(self.flat)

    def type_of(self, address: str) -> NodeType | None:
        node = self.flat.nodes.get(address)
        return None if node is None else self.library.get(node.type)

    def source(self, address: Address) -> Port | None:
        """The output port where an edge begins, if it exists."""
        node = self.flat.nodes.get(address.node)
        if node is not None and node.group is not None:
            return FUNCTION if address.port == SEPARATOR else None
        node_type = self.type_of(address.node)
        return node_type.output(address.port) if node_type else None

    def target(self, address: Address) -> Port | Knob | None:
        """The input port or knob where an edge ends, if it exists."""
        node_type = self.type_of(address.node)
        return (node_type.input(address.port) or node_type.knob(address.port)) if node_type else None

    def gives(self, address: Address) -> tuple[str, ...]:
        """The kinds that may come out of an output; none if the port is unknown."""
        port = self.source(address)
        return () if port is None else possible_kinds(port, address.node, self.kinds)

    def instance(self, address: str) -> Node | None:
        """The group instance at an address that is no node of the flattened graph, or only as a function."""
        prefix, slash, name = address.rpartition("/")
        body = self.flat.bodies.get(prefix + slash)
        node = body.nodes.get(name) if body else None
        return node if node is not None and node.group is not None else None
