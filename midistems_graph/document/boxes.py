"""What stands in the box of a node when a graph is drawn, and how large that makes it. Units are pixels."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import zip_longest

from midistems_graph.document.data import edge_order
from midistems_graph.document.graph import Address, Edge, Graph, Group, KnobValue, Node, State

Ports = list[tuple[str, str]]
PortsOf = Callable[[str], tuple[Ports, Ports] | None]
"""The input and output ports (name, kind) of a node type, None if it is not known."""

TITLE, ROW, KNOB, PAD = 42.0, 20.0, 16.0, 10.0
"""Heights of the title bar, a row of ports and a knob; the space around text."""

TITLE_SIZE, PORT_SIZE, SMALL_SIZE = 13.0, 11.0, 10.0
"""Sizes of type; small are node types and knobs."""

NARROWEST, WIDEST = 132.0, 250.0


@dataclass(frozen=True, slots=True)
class Port:
    """A dot on a box: its name, its kind (empty if not known), how far down it is, and the name as it fits."""

    name: str
    kind: str
    y: float
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A node as it is drawn; texts are single lines that fit."""

    title: str
    type: str
    state: State
    group: bool
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    knobs: tuple[tuple[str, str], ...]
    width: float
    height: float

    def widened(self, width: float) -> Box:
        """The same in a wider frame."""
        return replace(self, width=width)

    @property
    def ports_end(self) -> float:
        """Where the rows of ports end and the knobs begin."""
        return TITLE + PAD + ROW * max(len(self.inputs), len(self.outputs), 1)


def boxes(graph: Graph, ports_of: PortsOf | None = None) -> dict[str, Box]:
    """The box of every node; where a node type is not known, only ports that edges touch are there."""
    used_in: dict[str, list[str]] = {node_id: [] for node_id in graph.nodes}
    used_out: dict[str, list[str]] = {node_id: [] for node_id in graph.nodes}
    for edge in sorted(graph.edges, key=edge_order):
        used_out[edge.source.node].append(edge.source.port)
    for edge in sorted(graph.edges, key=lambda e: edge_order(Edge(e.target, e.source))):
        used_in[edge.target.node].append(input_name(edge))
    made = {}
    for node_id, node in graph.nodes.items():
        inputs, outputs = _known_ports(graph, node, ports_of)
        made[node_id] = _box(node_id, node, _rows(inputs, used_in[node_id]), _rows(outputs, used_out[node_id]))
    return made


def input_name(edge: Edge) -> str:
    """The name of the dot that an edge ends at: each place of a variadic port has its own."""
    return edge.target.port + ("" if edge.target.index is None else f"[{edge.target.index}]")


def fit(text: str, size: float, width: float) -> str:
    """The text on one line, without control characters, cut to a width."""
    shown = "".join(c if c.isprintable() else " " for c in text[:200])
    if text_width(shown, size) <= width:
        return shown
    while shown and text_width(shown + "…", size) > width:
        shown = shown[:-1]
    return shown.rstrip() + "…"


def text_width(text: str, size: float) -> float:
    """About how wide a text is in a sans-serif font of a size; never much less than it turns out."""
    return size * sum(_EM.get(c) or (1.0 if unicodedata.east_asian_width(c) in "WF" else 0.58) for c in text)


_EM = {
    **dict.fromkeys("ijl.,:;'|!", 0.29),
    **dict.fromkeys(' ftr()[]-/"*', 0.4),
    **dict.fromkeys("mwMW@%", 0.9),
    **dict.fromkeys("ABCDEFGHKNOPQRSTUVXYZ_", 0.68),
}


def _known_ports(graph: Graph, node: Node, ports_of: PortsOf | None) -> tuple[Ports, Ports]:
    group = graph.groups.get(node.group or "")
    if group is None:
        return (ports_of(node.type) if ports_of else None) or ([], [])
    inputs = [(name, _kind(group, ends[0], 0, ports_of) if ends else "") for name, ends in group.inputs.items()]
    return inputs, [(name, _kind(group, end, 1, ports_of)) for name, end in group.outputs.items()]


def _kind(group: Group, inner: Address, side: int, ports_of: PortsOf | None) -> str:
    """The kind of a port inside a group; a group in it stays neutral."""
    known = ports_of(group.nodes[inner.node].type) if ports_of and inner.node in group.nodes else None
    return dict(known[side]).get(inner.port, "") if known else ""


def _rows(known: Ports, used: list[str]) -> tuple[Port, ...]:
    """Known ports in their order, variadic ones with the places in use, then what else edges touch."""
    names: dict[str, str] = {}
    for name, kind in known:
        places = [place for place in used if place.partition("[")[0] == name]
        names.update(dict.fromkeys(places or [name], kind))
    for name in used:
        names.setdefault(name, "")
    return tuple(
        Port(name, kind, TITLE + PAD / 2 + ROW * (row + 0.5)) for row, (name, kind) in enumerate(names.items())
    )


def _box(node_id: str, node: Node, inputs: tuple[Port, ...], outputs: tuple[Port, ...]) -> Box:
    said = "locked" if node.is_locked else "" if node.state == "on" else node.state
    title, kind = node.label or node_id, f"{node.type} · {said}" if said else node.type
    knobs = [(name, _value(node.knobs[name])) for name in sorted(node.knobs)]
    rows = zip_longest((p.name for p in inputs), (p.name for p in outputs), fillvalue="")
    needed = max(
        NARROWEST,
        text_width(title, TITLE_SIZE) + 2 * PAD + 14,
        text_width(kind, SMALL_SIZE) + 2 * PAD + 14,
        *(text_width(left + right, PORT_SIZE) + 2 * PAD + 24 for left, right in rows),
        *(text_width(name + value, SMALL_SIZE) + 2 * PAD + 18 for name, value in knobs),
    )
    width = min(float(round(needed)), WIDEST)
    room = width - 2 * PAD
    height = TITLE + PAD + ROW * max(len(inputs), len(outputs), 1) + (KNOB * len(knobs) + PAD if knobs else 0)
    half = (width - 2 * PAD - 8) / 2 if needed > WIDEST and inputs and outputs else width - 2 * PAD
    inputs, outputs = (
        tuple(replace(port, shown=fit(port.name, PORT_SIZE, half)) for port in side) for side in (inputs, outputs)
    )
    names = [fit(name, SMALL_SIZE, room * 0.55) for name, _ in knobs]
    return Box(
        fit(title, TITLE_SIZE, room),
        fit(kind, SMALL_SIZE, room),
        node.state,
        node.group is not None,
        inputs,
        outputs,
        tuple(
            (name, fit(value, SMALL_SIZE, room - 10 - text_width(name, SMALL_SIZE)))
            for name, (_, value) in zip(names, knobs, strict=True)
        ),
        width,
        height,
    )


def _value(value: KnobValue) -> str:
    """A knob's value as people write it: 12, 0.001, yes, soft, 1 2 4."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case tuple():
            return " ".join(map(_value, value))
    return str(value)
