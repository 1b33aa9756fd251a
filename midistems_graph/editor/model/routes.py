"""Points that an edge is led through: set, moved and taken away. They are shown only; what is computed stays."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from midistems_graph.document.graph import Address, Body, Edge
from midistems_graph.editor.model.edit import Edit, Refused, edited
from midistems_graph.editor.model.plane import Point, snapped
from midistems_graph.editor.model.state import EditorState
from midistems_graph.editor.model.tracks import Track

Points = tuple[Point, ...]


def add_point(state: EditorState, edge: Edge, track: Track, at: Point) -> Edit:
    """Lead an edge, which runs along a track, through one more point."""
    if edge not in state.body.edges:
        raise Refused("edges at the ports of a group run straight; lead the edge inside through a point")
    piece = min(range(len(track.pieces)), key=lambda i: track.pieces[i].distance(at))
    points = state.body.view.routes.get(edge.target, ())
    return _routed(state, edge.target, (*points[:piece], on_grid(at), *points[piece:]), f"bend {edge.target}")


def remove_point(state: EditorState, target: Address, place: int) -> Edit:
    """Take a point away; the edge runs on to the next."""
    points = state.body.view.routes.get(target, ())
    return _routed(state, target, (*points[:place], *points[place + 1 :]), f"straighten {target}")


def with_point(body: Body, target: Address, place: int, at: Point) -> Body:
    """The body with one of the points elsewhere."""
    points = body.view.routes[target]
    return with_route(body, target, (*points[:place], on_grid(at), *points[place + 1 :]))


def with_route(body: Body, target: Address, points: Points) -> Body:
    """The body with the edge into a port led through other points, or through none."""
    routes = {end: other for end, other in body.view.routes.items() if end != target}
    return replace(body, view=replace(body.view, routes={**routes, target: points} if points else routes))


def routes_of(body: Body, edges: Collection[Edge]) -> dict[Address, Points]:
    """The points of some edges of a body, by where the edges end."""
    ends = {edge.target for edge in edges} if body.view.routes else set()
    return {end: points for end, points in body.view.routes.items() if end in ends}


def shifted(points: Points, by: Point) -> Points:
    """Points moved with the nodes around them."""
    return tuple((x + by[0], y + by[1]) for x, y in points)


def on_grid(at: Point) -> Point:
    return snapped(at[0]), snapped(at[1])


def _routed(state: EditorState, target: Address, points: Points, label: str) -> Edit:
    return edited(state, with_route(state.body, target, points), label)
