"""What a graph computes, apart from how it looks, and the hash of that.

Two graphs with one hash give the same samples from the same inputs. Labels, positions, titles and
unknown fields are not computed; the order in which nodes, edges and links were made says nothing; the
numbers 1, 1.0 and true and the text "1" stay apart.
"""

from __future__ import annotations

import json
from typing import Any

import blake3

from midistems_graph.document.data import edge_order
from midistems_graph.document.graph import Address, Body, Graph, Group, KnobValue, Node

_DOMAIN = b"midistems/graph/1\n"
_TAGS: dict[type, str] = {bool: "flag", int: "int", float: "float", str: "text"}


def graph_hash(graph: Graph) -> str:
    """blake3 of the computed part, 64 hexadecimal digits."""
    canonical = json.dumps(computed_part(graph), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return blake3.blake3(_DOMAIN + canonical.encode()).hexdigest()


def computed_part(graph: Graph) -> dict[str, Any]:
    """Nodes with type, version, state and tagged knobs, edges, links, groups and inputs, in one order."""
    return {
        **_body(graph),
        "groups": {name: _group(group) for name, group in graph.groups.items()},
        "inputs": {name: {"optional": slot.optional} for name, slot in graph.inputs.items()},
    }


def tagged(value: KnobValue) -> list[Any]:
    """A knob's value with its type, as hashes and comparisons need it: 1 == 1.0 == True in Python."""
    if isinstance(value, tuple):
        return ["list", [tagged(item) for item in value]]
    if isinstance(value, float):
        return ["float", value + 0.0]  # -0.0 becomes 0.0
    return [_TAGS[type(value)], value]


def _body(body: Body) -> dict[str, Any]:
    return {
        "nodes": {node_id: node_part(node) for node_id, node in body.nodes.items()},
        "edges": [[str(e.source), str(e.target)] for e in sorted(body.edges, key=edge_order)],
        "links": sorted(_led(link) for link in body.links),
    }


def node_part(node: Node) -> dict[str, Any]:
    """What a node computes by itself."""
    knobs = {name: tagged(value) for name, value in node.knobs.items()}
    lock = {"lock": [node.lock.song, dict(node.lock.outputs)]} if node.lock else {}
    return {"type": node.type, "version": node.version, "state": node.state, "knobs": knobs, **lock}


def _led(addresses: tuple[Address, ...]) -> list[str]:
    """Addresses whose first one gives the value; the order of the others says nothing."""
    return [str(a) for a in addresses[:1]] + sorted(str(a) for a in addresses[1:])


def _group(group: Group) -> dict[str, Any]:
    return {
        **_body(group),
        "inputs": {name: sorted(str(a) for a in ends) for name, ends in group.inputs.items()},
        "outputs": {name: str(end) for name, end in group.outputs.items()},
        "knobs": {name: _led(ends) for name, ends in group.knobs.items()},
        "carry": dict(group.carry),
        "repeat": group.repeat,
    }
