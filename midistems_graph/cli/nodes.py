"""`midistems-graph nodes`: the node library as a list, the help of one node type, either as JSON."""

from __future__ import annotations

import json
from difflib import get_close_matches
from itertools import groupby
from typing import Any

from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.cli.plain_text import clean, typed
from midistems_graph.node.definition import NodeType, Port
from midistems_graph.node.library import NodeLibrary, installed


def print_nodes(type_id: str | None, as_json: bool) -> Exit:
    """Print all node types, or one; raises Refused for one that does not exist."""
    library = installed()
    chosen = [_found(library, type_id)] if type_id else list(library)
    if as_json:
        print(json.dumps([_data(one) for one in chosen], indent=1))
    elif type_id:
        print(_page(chosen[0]))
    else:
        width = max((len(one.id) for one in chosen), default=0)
        for _, room in groupby(chosen, key=lambda one: one.room):
            for one in room:
                print(f"{one.id:<{width}}  {clean(one.summary)}")
    return Exit.DONE


def _found(library: NodeLibrary, type_id: str) -> NodeType:
    node_type = library.get(type_id)
    if node_type is None:
        close = get_close_matches(type_id, library.types, 3)
        hint = f"did you mean {' or '.join(close)}?" if close else "midistems-graph nodes lists all"
        raise Refused(Exit.USAGE, f"there is no node type {type_id!r}; {hint}")
    return node_type


def _page(node_type: NodeType) -> str:
    """Title, ports and knobs with what may be set, then the docstring."""
    lines = [f"{node_type.id} {node_type.version}: {node_type.title}", "", node_type.help]
    for title, ports in (("Inputs", node_type.inputs), ("Outputs", node_type.outputs)):
        lines += ["", title, *(f"  {port.name}: {_kind(port)}" for port in ports)] if ports else []
    if node_type.knobs:
        lines += ["", "Knobs", *(f"  {k.name} = {typed(k.default)}  ({k.allowed})" for k in node_type.knobs)]
    return "\n".join(lines)


def _kind(port: Port) -> str:
    words = [" or ".join(port.kinds)]
    words += ["any number of them"] if port.variadic else []
    words += ["may be left out"] if port.optional else []
    return ", ".join(words)


def _data(node_type: NodeType) -> dict[str, Any]:
    docs = node_type.parameter_docs
    return {
        "id": node_type.id,
        "version": node_type.version,
        "title": node_type.title,
        "summary": node_type.summary,
        "tags": list(node_type.tags),
        "inputs": [
            {
                "name": port.name,
                "kinds": list(port.kinds),
                "optional": port.optional,
                "variadic": port.variadic,
                "help": docs.get(port.name, ""),
            }
            for port in node_type.inputs
        ],
        "outputs": [{"name": port.name, "kinds": list(port.kinds)} for port in node_type.outputs],
        "knobs": [
            {
                "name": knob.name,
                "kind": knob.kind,
                "default": knob.default,
                "allowed": knob.allowed,
                "help": docs.get(knob.name, ""),
            }
            for knob in node_type.knobs
        ],
    }
