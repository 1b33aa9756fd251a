"""Where nodes stand: aligned, spread evenly, laid out in layers, and given a place when they have none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, TypeVar

from midistems_graph.document.graph import Body, Edge, Frame, Graph
from midistems_graph.document.layout import Wire as LaidWire
from midistems_graph.document.layout import arrange
from midistems_graph.editor.model.bodies import with_positions
from midistems_graph.editor.model.edit import Edit, Refused, edited, named
from midistems_graph.editor.model.knob_words import told_knobs
from midistems_graph.editor.model.plane import GRID, Point, Rect, snapped, snapped_up
from midistems_graph.editor.model.shape import Shape, in_order, shape_of, sides_of
from midistems_graph.editor.model.state import EditorState
from midistems_graph.node.library import NodeLibrary

B = TypeVar("B", bound=Body)
Side = Literal["left", "right", "top", "bottom", "center", "middle"]
GAP = 2 * GRID
"""The least space between nodes that are spread."""


def align(state: EditorState, library: NodeLibrary, side: Side) -> Edit:
    """Bring the selected nodes to one line: a side of them all, or their centres (`middle` is the vertical one)."""
    rects = _chosen(state, library, 2)
    around = Rect.around(rects.values())
    assert around is not None
    moved = {}
    for node_id, rect in rects.items():
        x, y = rect.left, rect.top
        match side:
            case "left":
                x = around.left
            case "right":
                x = around.right - rect.width
            case "top":
                y = around.top
            case "bottom":
                y = around.bottom - rect.height
            case "center":
                x = around.center[0] - rect.width / 2
            case "middle":
                y = around.center[1] - rect.height / 2
        moved[node_id] = (snapped(x), snapped(y))
    return edited(state, with_positions(state.body, moved), f"align {named(moved)}")


def distribute(state: EditorState, library: NodeLibrary, axis: Literal["across", "down"]) -> Edit:
    """The same space between the selected nodes from left to right (or top to bottom); the first one stays."""
    rects = _chosen(state, library, 3)
    lies = 0 if axis == "across" else 1
    ordered = sorted(rects, key=lambda i: (rects[i][lies], rects[i][1 - lies], i))
    sizes = {i: rects[i].width if axis == "across" else rects[i].height for i in ordered}
    first, last = rects[ordered[0]], rects[ordered[-1]]
    room = last[lies + 2] - first[lies] - sum(sizes.values())
    gap = max(snapped(room / (len(ordered) - 1)), GAP)
    at, moved = first[lies], {}
    for node_id in ordered:
        rect = rects[node_id]
        moved[node_id] = (snapped(at), rect.top) if axis == "across" else (rect.left, snapped(at))
        at += sizes[node_id] + gap
    return edited(state, with_positions(state.body, moved), f"distribute {named(moved)}")


def auto_layout(state: EditorState, library: NodeLibrary) -> Edit:
    """Lay the selected nodes (all, if fewer than two are selected) out in layers, from left to right.

    A frame goes along with the nodes that stood in it.
    """
    chosen = state.selection.nodes if len(state.selection.nodes) > 1 else frozenset(state.body.nodes)
    if not chosen:
        raise Refused("there are no nodes to lay out; add some first")
    corner = min((state.body.view.nodes.get(i, (0.0, 0.0)) for i in chosen), default=(0.0, 0.0))
    top = min(state.body.view.nodes.get(i, (0.0, 0.0))[1] for i in chosen)
    places = layered(state.graph, state.body, library, chosen, (corner[0], top))
    body = with_positions(state.body, places)
    before, after = (rects_of(one, library, frozenset(body.nodes)) for one in (state, state.with_body(body)))
    frames = tuple(_around_the_same(frame, before, after) for frame in body.view.frames)
    body = replace(body, view=replace(body.view, frames=frames))
    return edited(state, body, f"lay out {named(places)}")


def _around_the_same(frame: Frame, before: Mapping[str, Rect], after: Mapping[str, Rect]) -> Frame:
    """A frame around the nodes that it held before, with the room that it left them on each side."""
    own = Rect(frame.x, frame.y, frame.x + frame.width, frame.y + frame.height)
    held = [i for i, rect in before.items() if own.encloses(rect)]
    was, now = (Rect.around(rects[i] for i in held) for rects in (before, after))
    if was is None or now is None or was == now:
        return frame
    left, top = now.left - (was.left - own.left), now.top - (was.top - own.top)
    width, height = own.width - was.width + now.width, own.height - was.height + now.height
    return replace(frame, x=left, y=top, width=width, height=height)


def with_places(graph: Graph, library: NodeLibrary) -> Graph:
    """The graph with a place for every node, in groups as well; what has one stays there."""
    groups = {name: _placed(graph, group, library) for name, group in graph.groups.items()}
    if any(groups[name] is not group for name, group in graph.groups.items()):
        graph = replace(graph, groups=groups)
    return _placed(graph, graph, library)


def layered(graph: Graph, body: Body, library: NodeLibrary, ids: frozenset[str], corner: Point) -> dict[str, Point]:
    """Places in layers on the grid, the upper left one at a corner."""
    shapes = shapes_of(graph, body, library, ids)
    inner = sorted(e for e in body.edges if e.source.node in ids and e.target.node in ids)
    wires = []
    for edge in inner:
        source, target = edge.source.node, edge.target.node
        wires.append(LaidWire(source, target, _level(shapes[source], edge, "out"), _level(shapes[target], edge, "in")))
    layout = arrange({i: (shape.width, shape.height) for i, shape in shapes.items()}, wires)
    columns: dict[int, list[str]] = {}
    for node_id in sorted(shapes, key=lambda i: layout.positions[i][1]):
        columns.setdefault(layout.layers[node_id], []).append(node_id)
    places = {}
    for column in columns.values():
        lowest = float("-inf")
        for node_id in column:
            x, y = layout.positions[node_id]
            top = max(snapped(y), lowest)
            places[node_id] = (snapped_up(corner[0] + x), snapped_up(corner[1]) + top)
            lowest = top + shapes[node_id].height + GRID
    return places


def shapes_of(graph: Graph, body: Body, library: NodeLibrary, ids: frozenset[str]) -> dict[str, Shape]:
    """The shapes of some nodes of a body."""
    ins: dict[str, set[tuple[str, int | None]]] = {}
    outs: dict[str, set[tuple[str, int | None]]] = {}
    for edge in body.edges:
        ins.setdefault(edge.target.node, set()).add((edge.target.port, edge.target.index))
        outs.setdefault(edge.source.node, set()).add((edge.source.port, edge.source.index))
    found = {}
    for node_id in ids:
        node = body.nodes[node_id]
        wired = (in_order(ins.get(node_id, set())), in_order(outs.get(node_id, set())))
        found[node_id] = shape_of(node_id, node, sides_of(node, graph, library), *wired, told_knobs(node, library))
    return found


def rects_of(state: EditorState, library: NodeLibrary, ids: frozenset[str]) -> dict[str, Rect]:
    """Where some nodes of the canvas are."""
    shapes = shapes_of(state.graph, state.body, library, ids)
    places: Mapping[str, Point] = state.body.view.nodes
    return {
        i: Rect(x, y, x + shape.width, y + shape.height)
        for i, shape in shapes.items()
        for x, y in [places.get(i, (0.0, 0.0))]
    }


def _chosen(state: EditorState, library: NodeLibrary, least: int) -> dict[str, Rect]:
    if len(state.selection.nodes) < least:
        raise Refused(f"select at least {least} nodes first")
    return rects_of(state, library, state.selection.nodes)


def _placed(graph: Graph, body: B, library: NodeLibrary) -> B:
    missing = frozenset(body.nodes.keys() - body.view.nodes.keys())
    if not missing:
        return body
    known = [body.view.nodes[i] for i in body.nodes.keys() & body.view.nodes.keys()]
    corner = (0.0, 0.0)
    if known:
        shapes = shapes_of(graph, body, library, frozenset(body.nodes) - missing)
        corner = (min(x for x, _ in known), max(body.view.nodes[i][1] + s.height for i, s in shapes.items()) + GAP)
    return with_positions(body, layered(graph, body, library, missing, corner))


def _level(shape: Shape, edge: Edge, side: Literal["in", "out"]) -> float:
    end = edge.source if side == "out" else edge.target
    spot = shape.port(side, end.port, end.index)
    return spot.at[1] if spot else 0.0
