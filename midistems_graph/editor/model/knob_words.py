"""Knobs in few words: values as they are typed, and what a node is set to other than the default."""

from __future__ import annotations

from collections.abc import Sequence

from midistems_graph.document.graph import KnobValue, Node
from midistems_graph.node.definition import Knob
from midistems_graph.node.library import NodeLibrary

MOST = 8
"""More knobs than this are not told on a node."""


def shown_value(value: KnobValue | Sequence[object]) -> str:
    """A value as it is typed."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case str() | int():
            return str(value)
    return ", ".join(shown_value(part) for part in value)  # type: ignore[arg-type]


def with_unit(knob: Knob, value: KnobValue) -> str:
    """A value with its unit: `150 Hz`."""
    unit = f" {knob.range.unit}" if knob.range and knob.range.unit else ""
    return shown_value(value) + unit


def told_knobs(node: Node, library: NodeLibrary) -> tuple[str, ...]:
    """What a node is set to, where that is not the default: `cutoff 150 Hz`."""
    node_type = library.get(node.type)
    told = []
    for name in sorted(node.knobs):
        value = node.knobs[name]
        knob = node_type.knob(name) if node_type else None
        if knob is None or knob.default != value:
            told.append(f"{name.replace('_', ' ')} {with_unit(knob, value) if knob else shown_value(value)}")
    return tuple(told[:MOST])
