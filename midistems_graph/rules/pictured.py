"""What pictures of a graph ask of the node library: the ports of a type with their kinds."""

from __future__ import annotations

from midistems_graph.document.boxes import PortsOf
from midistems_graph.node.definition import Port
from midistems_graph.node.library import NodeLibrary

Ports = list[tuple[str, str]]


def ports_of(library: NodeLibrary) -> PortsOf:
    """Inputs and outputs of a node type by name and kind, the first one where there are several; None if unknown."""

    def ports(type_id: str) -> tuple[Ports, Ports] | None:
        node_type = library.get(type_id)
        return None if node_type is None else (_named(node_type.inputs), _named(node_type.outputs))

    return ports


def _named(ports: tuple[Port, ...]) -> Ports:
    return [(port.name, port.kinds[0]) for port in ports]
