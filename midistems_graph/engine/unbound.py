"""What a run leaves out of a graph because an optional input of it is bound to nothing.

A node that reads such an input is not there, nor is one that lacks something it needs without it. A port that takes
any number of edges, or none, goes on with the others; so a graph may have room for more than a song comes with.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from midistems_graph.document.flatten import FUNCTIONS
from midistems_graph.document.graph import Graph
from midistems_graph.engine.wiring import Wiring
from midistems_graph.node.contract import InputName
from midistems_graph.node.definition import NodeType


def left_out(wiring: Wiring, graph: Graph, bound: Collection[str]) -> Mapping[str, str]:
    """The nodes that a run does without, each with the input that it lacks."""
    open_ = {name for name, slot in graph.inputs.items() if slot.optional}.difference(bound)
    lost: dict[str, str] = {}
    for address in wiring.order if open_ else ():
        node = wiring.nodes[address]
        node_type = wiring.library.get(node.type)
        if node_type is None or node.is_locked:
            continue
        reads = (
            node.knobs.get(knob.name, knob.default) for knob in node_type.knobs if isinstance(knob.file, InputName)
        )
        lacks = next((str(name) for name in reads if name in open_), "") or _lacks(address, wiring, node_type, lost)
        if lacks:
            lost[address] = lacks
    return lost


def _lacks(address: str, wiring: Wiring, node_type: NodeType, lost: Mapping[str, str]) -> str:
    """The input without which a node has nothing on a port that needs something, or on a knob that is driven."""
    arriving: dict[str, list[str]] = {}
    for target, source in wiring.into[address]:
        arriving.setdefault(target.port, []).append("" if source.port in FUNCTIONS else lost.get(source.node, ""))
    for name, lacking in arriving.items():
        port = node_type.input(name)
        if all(lacking) and not (port and port.optional):
            return lacking[0]
    return ""
