"""The wires of a flattened graph, with bypassed nodes resolved and an order to evaluate in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from midistems_graph.document.flatten import FUNCTIONS, Flat
from midistems_graph.document.graph import Address, Node
from midistems_graph.node.definition import NodeType
from midistems_graph.node.library import NodeLibrary


class PlanError(Exception):
    """A graph cannot be planned; the sentence names the node and the remedy."""


class Source(NamedTuple):
    """An output port of a node of the flattened graph."""

    node: str
    port: str


Wires = tuple[tuple[Address, Source], ...]


@dataclass(frozen=True)
class Wiring:
    """What flows into every node, by target port and place (`into`), and the nodes in topological order.

    `drawn` are the same wires before bypassed nodes are resolved. Nothing flows into a locked node.
    """

    nodes: Mapping[str, Node]
    library: NodeLibrary
    drawn: Mapping[str, Wires]

    @classmethod
    def of(cls, flat: Flat, library: NodeLibrary) -> Wiring:
        drawn: dict[str, list[tuple[Address, Source]]] = {address: [] for address in flat.nodes}
        for edge in sorted(flat.edges, key=lambda e: (e.target.node, e.target.port, e.target.index or 0)):
            if flat.nodes[edge.target.node].is_locked:
                continue
            drawn[edge.target.node].append((edge.target, Source(edge.source.node, edge.source.port)))
        return cls(flat.nodes, library, {address: tuple(wires) for address, wires in drawn.items()})

    def without(self, lost: Collection[str]) -> Wiring:
        """The same without some nodes and the wires from them."""
        if not lost:
            return self
        left = {address: node for address, node in self.nodes.items() if address not in lost}
        drawn = {a: tuple(wire for wire in self.drawn[a] if wire[1].node not in lost) for a in left}
        return Wiring(left, self.library, drawn)

    @cached_property
    def into(self) -> Mapping[str, Wires]:
        if all(node.state != "bypassed" for node in self.nodes.values()):
            return self.drawn
        return {a: tuple((t, self.past_bypassed(s)) for t, s in wires) for a, wires in self.drawn.items()}

    @cached_property
    def order(self) -> tuple[str, ...]:
        before = {address: [source.node for _, source in wires] for address, wires in self.into.items()}
        try:
            return tuple(TopologicalSorter(before).static_order())
        except CycleError as error:
            raise PlanError(f"the nodes run in a circle: {' -> '.join(error.args[1])}; remove one edge of it") from None

    def past_bypassed(self, source: Source) -> Source:
        """What an output port really shows: a bypassed node passes on the first input of its output's kind."""
        for _ in range(len(self.nodes) + 1):
            node = self.nodes[source.node]
            node_type = self.library.get(node.type) if node.state == "bypassed" else None
            port = node_type.output(source.port) if node_type else None
            if node_type is None or port is None:
                return source
            fits = [p.name for p in node_type.inputs if set(p.kinds) & set(port.kinds)]
            wires = self.drawn[source.node]
            passed = next((s for name in fits for t, s in wires if t.port == name), None)
            if passed is None:
                raise PlanError(
                    f"the node {source.node!r} is bypassed, but nothing it could pass on to its output "
                    f"{source.port!r} is connected; connect an input of that kind or switch the node on"
                )
            source = passed
        raise PlanError(f"bypassed nodes around {source.node!r} lead in a circle")

    def ends(self) -> list[str]:
        """What a run gives unless asked otherwise: writers, and measures whose figures nothing else reads."""
        read = {source.node for wires in self.into.values() for _, source in wires}
        found = []
        for address in self.order:
            node_type = self.library.get(self.nodes[address].type)
            if node_type is not None and self.nodes[address].state == "on":
                fed = self.into[address] or self.nodes[address].is_locked
                measures = address not in read and fed and _gives_figures(node_type)
                if node_type.writes or measures:
                    found.append(address)
        return found

    def ancestors(self, wanted: Collection[str]) -> frozenset[str]:
        """The wanted nodes and all that they depend on (a node used as a function needs none of its inputs)."""
        seen: set[str] = set()
        todo = list(wanted)
        while todo:
            address = todo.pop()
            if address not in seen:
                seen.add(address)
                todo.extend(source.node for _, source in self.into[address] if source.port not in FUNCTIONS)
        return frozenset(seen)


def _gives_figures(node_type: NodeType) -> bool:
    return bool(node_type.outputs) and not any(port.timed for port in node_type.outputs)
