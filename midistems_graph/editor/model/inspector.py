"""What the inspector shows of a selection: knobs with the right control, ports, problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from midistems_graph.document.graph import Address, Body, Edge, Graph, KnobValue, Node
from midistems_graph.document.identity import tagged
from midistems_graph.editor.model.insight import Insight
from midistems_graph.editor.model.knobs import NEW_INPUT, knobs_of, linked_with
from midistems_graph.editor.model.published import PublishedKnob, knobs_of_body
from midistems_graph.editor.model.shape import Side, sides_of
from midistems_graph.editor.model.state import EditorState
from midistems_graph.models.library import ModelLibrary
from midistems_graph.node.contract import FileBelowGraph, FolderBelowGraph, InputName, ModelName
from midistems_graph.node.definition import Knob, KnobError
from midistems_graph.node.library import NodeLibrary
from midistems_graph.rules.problems import Problem

Control = Literal["slider", "drag", "combo", "checkbox", "text", "list", "file", "folder", "input"]

WIDEST_SLIDER = 1000.0
"""Whole numbers with a wider range are dragged: a slider could not reach each of them."""


@dataclass(frozen=True)
class KnobRow:
    """One knob of all selected nodes. `value` is that of the first; `mixed` says that others differ.

    `step` is what a fine drag changes by; `said` is the sentence when the document holds a value that is refused.
    """

    name: str
    knob: Knob
    control: Control
    value: KnobValue
    mixed: bool
    is_default: bool
    unit: str = ""
    low: float | None = None
    high: float | None = None
    log: bool = False
    step: float = 1.0
    choices: tuple[str, ...] = ()
    docs: str = ""
    said: str = ""
    driven_by: Edge | None = None
    linked: tuple[Address, ...] = ()
    published: str = ""
    turns: tuple[Address, ...] = ()
    """What a published knob stands for."""

    @property
    def enabled(self) -> bool:
        """Whether it can be set by hand."""
        return self.driven_by is None


@dataclass(frozen=True)
class PortRow:
    """One port: what it takes or gives, with what is known of it, and the edges there."""

    name: str
    side: Side
    kinds: tuple[str, ...]
    about: str = ""
    edges: tuple[Edge, ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class Inspection:
    """The panel. Of several nodes the knobs that they share are there; of none, those that the body publishes."""

    nodes: tuple[str, ...] = ()
    title: str = ""
    type: str = ""
    summary: str = ""
    help: str = ""
    state: str = ""
    knobs: tuple[KnobRow, ...] = ()
    ports: tuple[PortRow, ...] = ()
    problems: tuple[Problem, ...] = ()


def inspect(
    state: EditorState,
    insight: Insight,
    problems: Mapping[str, Sequence[Problem]] | None = None,
) -> Inspection:
    """The panel for the selected nodes; `problems` are by the nodes of the canvas."""
    body, library = state.body, insight.library
    ids = tuple(sorted(state.selection.nodes))
    if not ids:
        published = knobs_of_body(state.graph, body, library)
        return Inspection(knobs=tuple(_published_row(state, one, library) for one in published))
    nodes = [body.nodes[i] for i in ids]
    first = nodes[0]
    node_type = library.get(first.type)
    group = state.graph.groups.get(first.group or "")
    one = len(ids) == 1
    same = all(node.type == first.type for node in nodes)
    return Inspection(
        nodes=ids,
        title=(first.label or ids[0]) if one else f"{len(ids)} nodes",
        type=first.type if same else "",
        summary=(node_type.summary if node_type else group.description if group else "") if same else "",
        help=node_type.help if node_type and same else "",
        state=first.state if all(node.state == first.state for node in nodes) else "mixed",
        knobs=tuple(_knob_rows(state, ids, nodes, library)),
        ports=tuple(_port_rows(state, insight, ids[0])) if one else (),
        problems=tuple(p for i in ids for p in (problems or {}).get(i, ())),
    )


def _knob_rows(state: EditorState, ids: Sequence[str], nodes: Sequence[Node], library: NodeLibrary) -> list[KnobRow]:
    """The knobs that all nodes have, with the same kind of value."""
    graph, body = state.graph, state.body
    each = [knobs_of(graph, node, library) for node in nodes]
    driven = {(e.target.node, e.target.port): e for e in body.edges}
    rows = []
    for name, knob in each[0].items():
        if any(name not in other or _sort(other[name]) != _sort(knob) for other in each[1:]):
            continue
        values = [node.knobs.get(name, known[name].default) for node, known in zip(nodes, each, strict=True)]
        row = _knob_row(graph, knob, values, [known[name].default for known in each])
        rows.append(
            replace(
                row,
                docs=_docs(graph, nodes[0], name, library),
                driven_by=next((driven[i, name] for i in ids if (i, name) in driven), None),
                linked=linked_with(body, Address(ids[0], name)),
                published=_published(body, Address(ids[0], name)),
            )
        )
    return rows


def _published_row(state: EditorState, one: PublishedKnob, library: NodeLibrary) -> KnobRow:
    """A knob that the body on the canvas publishes, with the values of all that it stands for."""
    graph, body, first = state.graph, state.body, one.ends[0]
    values = [body.nodes[end.node].knobs.get(end.port, one.knob.default) for end in one.ends]
    driven = {edge.target: edge for edge in body.edges}
    return replace(
        _knob_row(graph, one.knob, values, [one.knob.default] * len(values)),
        docs=_docs(graph, body.nodes[first.node], first.port, library),
        driven_by=next((driven[end] for end in one.ends if end in driven), None),
        turns=one.ends,
    )


def _knob_row(graph: Graph, knob: Knob, values: Sequence[KnobValue], defaults: Sequence[KnobValue]) -> KnobRow:
    """The row of one knob with its values on some nodes."""
    return KnobRow(
        name=knob.name,
        knob=knob,
        control=control_of(knob),
        value=values[0],
        mixed=any(tagged(v) != tagged(values[0]) for v in values),
        is_default=all(tagged(v) == tagged(d) for v, d in zip(values, defaults, strict=True)),
        unit=knob.range.unit if knob.range else "",
        low=knob.range.low if knob.range else None,
        high=knob.range.high if knob.range else None,
        log=knob.range is not None and knob.range.scale == "log",
        step=_step(knob),
        choices=_choices(knob, graph),
        said=_refusal(knob, values[0]),
    )


def control_of(knob: Knob) -> Control:
    """How a knob is best set."""
    match knob.file:
        case FileBelowGraph():
            return "file"
        case FolderBelowGraph():
            return "folder"
        case InputName() | ModelName():
            return "input"
    match knob.kind:
        case "bool":
            return "checkbox"
        case "choice":
            return "combo"
        case "numbers" | "texts":
            return "list"
        case "text":
            return "text"
    span = knob.range.high - knob.range.low if knob.range else float("inf")
    wide = knob.range is None or (knob.range.scale != "log" and span > WIDEST_SLIDER)
    return "drag" if wide else "slider"


def _step(knob: Knob) -> float:
    if knob.kind != "float" or knob.range is None:
        return 1.0
    return float((knob.range.high - knob.range.low) / 1000.0)


def _sort(knob: Knob) -> tuple[object, ...]:
    return knob.kind, knob.range, knob.choices, knob.file


def _choices(knob: Knob, graph: Graph) -> tuple[str, ...]:
    if isinstance(knob.file, InputName):
        return (*sorted(graph.inputs), NEW_INPUT)
    if isinstance(knob.file, ModelName):
        return tuple(ModelLibrary.default())
    return tuple(map(str, knob.choices))


def _docs(graph: Graph, node: Node, name: str, library: NodeLibrary, depth: int = 0) -> str:
    """What the docstring says about a knob, of a published one that of the inner knob."""
    group = graph.groups.get(node.group or "")
    if group is not None:
        ends = group.knobs.get(name, ())
        inner = group.nodes.get(ends[0].node) if ends else None
        return _docs(graph, inner, ends[0].port, library, depth + 1) if inner and depth < 10 else ""
    node_type = library.get(node.type)
    return node_type.parameter_docs.get(name, "") if node_type else ""


def _refusal(knob: Knob, value: KnobValue) -> str:
    try:
        knob.coerce(value)
    except KnobError as error:
        return str(error)
    return ""


def _published(body: Body, address: Address) -> str:
    return next((name for name, ends in sorted(body.knobs.items()) if address in ends), "")


def _port_rows(state: EditorState, insight: Insight, node_id: str) -> list[PortRow]:
    body = state.body
    sides = sides_of(body.nodes[node_id], state.graph, insight.library)
    if sides is None:
        return []
    node_type = insight.library.get(body.nodes[node_id].type)
    docs = node_type.parameter_docs if node_type else {}
    rows = []
    for port in sides.inputs:
        edges = tuple(e for e in body.edges_into(node_id) if e.target.port == port.name)
        optional = port.optional or port.variadic
        rows.append(PortRow(port.name, "in", port.kinds, docs.get(port.name, ""), edges, optional))
    for port in sides.outputs:
        kind = insight.kind(state.path, Address(node_id, port.name))
        edges = tuple(e for e in body.edges_from(node_id) if e.source.port == port.name)
        rows.append(PortRow(port.name, "out", (kind,) if kind else port.kinds, "", edges))
    return rows
