"""Edges drawn, taken away, and led through a node that is dropped on them or around one that goes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from midistems_graph.document.flatten import FUNCTIONS
from midistems_graph.document.graph import Address, Body, Edge
from midistems_graph.editor.model.bodies import (
    INPUTS,
    OUTPUTS,
    Path,
    all_edges,
    connected,
    disconnected,
    with_body,
    without_nodes,
)
from midistems_graph.editor.model.edit import Edit, Refused, edited
from midistems_graph.editor.model.insight import Insight
from midistems_graph.editor.model.shape import Side, Sides, sides_of
from midistems_graph.editor.model.state import EditorState
from midistems_graph.node.definition import Port
from midistems_graph.node.library import NodeLibrary


def connect(state: EditorState, insight: Insight, source: Address, target: Address) -> Edit:
    """Draw an edge, if the rules allow it; one that ends there gives way."""
    if refusal := insight.after(state.graph).refusal(state.path, source, target):
        raise Refused(refusal)
    return edited(state, connected(state.body, source, target), f"connect {source} to {target}")


def disconnect(state: EditorState, edges: Collection[Edge]) -> Edit:
    """Take edges away."""
    if not edges:
        raise Refused("no edge is selected; click one first")
    label = f"disconnect {next(iter(edges)).target}" if len(edges) == 1 else f"disconnect {len(edges)} edges"
    return edited(state, disconnected(state.body, edges), label)


def insert_on_edge(state: EditorState, insight: Insight, node_id: str, edge: Edge) -> Edit:
    """Lead an edge through a node: into its first input and out of its first output that fit."""
    body = disconnected(state.body, [edge], close_gaps=False)
    entered = _wired_in(state, insight, body, edge.source, node_id)
    if entered is None:
        raise Refused(f"{node_id} has no free input that takes what {edge.source} gives")
    for port in _free(sides(state, insight.library, node_id), "out", all_edges(entered), node_id):
        source = Address(node_id, port.name)
        if not _refusal(state, insight, entered, source, edge.target):
            return edited(state, connected(entered, source, edge.target), f"insert {node_id}")
    raise Refused(f"{node_id} has no output that {edge.target} takes")


def wired_to(state: EditorState, insight: Insight, node_id: str, port: Address, side: Side) -> Edit:
    """Connect a node that was just added to a port: its first input to an output, or the other way round."""
    body = state.body
    if side == "out":
        wired = _wired_in(state, insight, body, port, node_id)
    else:
        offered = sides(state, insight.library, node_id).outputs
        sources = (Address(node_id, output.name) for output in offered)
        fitting = next((s for s in sources if not _refusal(state, insight, body, s, port)), None)
        wired = None if fitting is None else connected(body, fitting, port)
    if wired is None:
        raise Refused(f"{node_id} has no port that fits {port}")
    return edited(state, wired, f"add {node_id}")


def without_nodes_healed(state: EditorState, insight: Insight, ids: Collection[str]) -> Body:
    """The body without some nodes, and what fed them feeds what they fed, where the kind of value is the same.

    As in a bypass, the first connected input of the output's kind stands in for it.
    """
    body, gone = state.body, frozenset(ids)
    edges = all_edges(body)
    into: dict[str, list[Edge]] = {}
    for edge in sorted(edges):
        if edge.target.node in gone:
            into.setdefault(edge.target.node, []).append(edge)
    for node_id, arriving in into.items():
        order = {port.name: i for i, port in enumerate(sides(state, insight.library, node_id).inputs)}
        arriving[:] = sorted((e for e in arriving if e.target.port in order), key=lambda e: order[e.target.port])
    insight = insight.after(state.graph)
    healed = []
    for edge in sorted(edges):
        if edge.source.node in gone and edge.target.node not in gone:
            kind = insight.kind(state.path, edge.source)
            source = _standing_in(edge.source, kind, gone, into, insight, state.path)
            if source is not None and not (source.node == INPUTS and edge.target.node == OUTPUTS):
                healed.append((source, edge.target))
    for source, target in healed:
        body = connected(body, source, target)
    return without_nodes(body, gone)


def sides(state: EditorState, library: NodeLibrary, node_id: str) -> Sides:
    """What a node on the canvas offers; nothing if its type is not known."""
    node = state.body.nodes.get(node_id)
    return (sides_of(node, state.graph, library) if node else None) or Sides()


def _standing_in(
    source: Address, kind: str, gone: frozenset[str], into: dict[str, list[Edge]], insight: Insight, path: Path
) -> Address | None:
    """What gives the same kind of value above the nodes that go."""
    seen: set[str] = set()
    while source.node in gone:
        if not kind or source.node in seen:
            return None
        seen.add(source.node)
        above = (e.source for e in into.get(source.node, ()) if insight.kind(path, e.source) == kind)
        following = next(above, None)
        if following is None:
            return None
        source = following
    return source


def _wired_in(state: EditorState, insight: Insight, body: Body, source: Address, node_id: str) -> Body | None:
    """The body with a source led to the first free input of a node that takes it."""
    edges = all_edges(body)
    for port in _free(sides(state, insight.library, node_id), "in", edges, node_id):
        taken = {e.target.index for e in edges if e.target.node == node_id and e.target.port == port.name}
        place = next(k for k in range(len(taken) + 1) if k not in taken) if port.variadic else None
        target = Address(node_id, port.name, place)
        if not _refusal(state, insight, body, source, target):
            return connected(body, source, target)
    return None


def _free(offered: Sides, side: Side, edges: Iterable[Edge], node_id: str) -> Iterator[Port]:
    """Ports without an edge (outputs, and inputs with many places, always have room); functions come last."""
    ports = offered.inputs if side == "in" else offered.outputs
    used = {e.target.port for e in edges if e.target.node == node_id}
    for port in sorted(ports, key=lambda p: p.name in FUNCTIONS):
        if side == "out" or port.variadic or port.name not in used:
            yield port


def _refusal(state: EditorState, insight: Insight, body: Body, source: Address, target: Address) -> str:
    graph = with_body(state.graph, state.path, body)
    return insight.after(graph).refusal(state.path, source, target)
