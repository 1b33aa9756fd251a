"""Painting on the spectrogram of an edge: what the pointer draws becomes strokes of a `mask.paint` node behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, get_args

from midistems_graph.audio.strokes import Stroke
from midistems_graph.document.graph import Address
from midistems_graph.editor.model.bodies import all_edges, connected, disconnected
from midistems_graph.editor.model.edit import Edit, Refused
from midistems_graph.editor.model.insight import Insight
from midistems_graph.editor.model.knobs import set_knob
from midistems_graph.editor.model.nodes import add_node
from midistems_graph.editor.model.plane import GRID, Rect
from midistems_graph.editor.model.shape import shape_of, sides_of
from midistems_graph.editor.model.state import EditorState
from midistems_graph.node.library import NodeLibrary

Means = Literal["rectangle", "lasso", "brush", "harmonic", "edit"]
"""What the pointer does: draw a shape, or change those that are there."""

PAINT = "mask.paint"
KNOB = "strokes"
MOST_STROKES = 2000

SIZES = (6, 12, 24, 48)
"""Half the width of a brush in pixels."""

GAINS = (-6, -12, -24, -40, -60, -120, 6, 12)
"""Changes of level in dB that are offered."""

_ROOM = 240.0, 220.0
"""What a paint node takes on the canvas, at most."""

_HZ_OF_SIZE = {6: 10.0, 12: 20.0, 24: 40.0, 48: 80.0}
_STEP_PIXELS = 2.0
_LEAST_PIXELS = 4.0


@dataclass(frozen=True)
class Point:
    """Where the pointer was, in pixels, and what is there."""

    x: float
    y: float
    seconds: float
    hz: float


@dataclass(frozen=True)
class Tool:
    """What one paints with."""

    shape: Means = "rectangle"
    gain_db: int = -24
    size: int = 12

    @property
    def edits(self) -> bool:
        """Whether it changes strokes that are there."""
        return self.shape == "edit"

    def next(self, name: str) -> Tool:
        """The choice after the present one, the first again after the last."""
        allowed = tools(name)
        here = allowed.index(getattr(self, name))
        return replace(self, **{name: allowed[(here + 1) % len(allowed)]})

    def after(self, points: Sequence[Point], point: Point) -> tuple[Point, ...]:
        """The points of a drag with one more; a rectangle keeps its corners, a path leaves out what is very near."""
        if self.shape == "rectangle":
            return (points[0], point) if points else (point,)
        if points and abs(points[-1].x - point.x) + abs(points[-1].y - point.y) < _STEP_PIXELS:
            return tuple(points)
        return (*points, point)

    def stroke(self, points: Sequence[Point], brush: tuple[float, float]) -> Stroke | None:
        """What was drawn, None for a click that draws nothing. `brush` is half its width in seconds and semitones."""
        places = [(point.seconds, point.hz) for point in points]
        path = sum(abs(b.x - a.x) + abs(b.y - a.y) for a, b in pairwise(points))
        if self.shape in ("rectangle", "lasso") and (path < _LEAST_PIXELS or len(places) < 2 + (self.shape == "lasso")):
            return None
        if not places:
            return None
        match self.shape:
            case "edit":
                return None
            case "brush":
                return Stroke.of("brush", self.gain_db, places, brush)
            case "harmonic":
                return Stroke.of("harmonic", self.gain_db, _forward(places), (_HZ_OF_SIZE[self.size],))
        return Stroke.of(self.shape, self.gain_db, places)


def tools(name: str) -> tuple[Any, ...]:
    """What can be chosen, in order."""
    return {"shape": get_args(Means), "gain_db": GAINS, "size": SIZES}[name]


def canvas_port(state: EditorState, insight: Insight, flat: Address) -> Address:
    """The output on the canvas that gives what flows at a flattened one. Raises Refused."""
    outputs = {edge.source for edge in all_edges(state.body)}
    prefix = insight.prefix(state.path) or ""
    inside = flat.node.removeprefix(prefix)
    if flat.node.startswith(prefix) and inside in state.body.nodes:
        outputs.add(Address(inside, flat.port))
    found = sorted(port for port in outputs if insight.flat_source(state.path, port) == flat)
    if not found:
        raise Refused("this edge is not on the canvas; enter the group that it lies in to paint on it")
    return found[0]


def strokes_of(state: EditorState, port: Address) -> tuple[str, ...]:
    """The strokes that made the sound at a port, if a paint node gives it."""
    node = state.body.nodes.get(port.node)
    found = node.knobs.get(KNOB, ()) if node is not None and node.type == PAINT else ()
    return tuple(str(text) for text in found) if isinstance(found, tuple) else ()


def add_stroke(
    state: EditorState, library: NodeLibrary, insight: Insight, port: Address, stroke: Stroke
) -> tuple[Edit, Address]:
    """Paint behind an output: on the paint node that gives it, or on a new one. Also gives the output of that node.

    Every stroke is a step of the history. Raises Refused for edges that carry no sound.
    """
    node = state.body.nodes.get(port.node)
    if node is not None and node.type == PAINT:
        drawn = strokes_of(state, port)
        if len(drawn) >= MOST_STROKES:
            raise Refused(f"this node has {MOST_STROKES} strokes; hear an edge behind it and paint there")
        edit = set_knob(state, library, {port.node}, KNOB, (*drawn, str(stroke)))
        return replace(edit, label=f"paint {stroke.shape}", key=""), port
    kind = insight.kind(state.path, port)
    if kind not in ("audio", "stems"):
        raise Refused(f"paint on an edge of sound; this one carries {kind or 'nothing that is known'}")
    added = add_node(state, library, PAINT, _beside(state, library, port.node))
    after = state.with_graph(added.graph, added.selection)
    (node_id,) = after.selection.nodes
    painted = Address(node_id, "out")
    leaving = [edge for edge in all_edges(state.body) if edge.source == port]
    body = disconnected(after.body, leaving, close_gaps=False)
    body = connected(body, port, Address(node_id, "signal"))
    for edge in sorted(leaving):
        body = connected(body, painted, edge.target)
    body = body.with_knob(node_id, KNOB, (str(stroke),))
    graph = after.with_body(body).graph
    return replace(added, graph=graph, label=f"paint {stroke.shape}"), painted


def _beside(state: EditorState, library: NodeLibrary, node_id: str) -> tuple[float, float]:
    """A place for a new node's title: to the right of another node, below whatever stands there."""
    rects = {}
    for other, node in state.body.nodes.items():
        shape = shape_of(other, node, sides_of(node, state.graph, library))
        x, y = state.body.view.nodes.get(other, (0.0, 0.0))
        rects[other] = Rect(x, y, x + shape.width, y + shape.height)
    if node_id not in rects:
        return state.view.center
    wide, high = _ROOM
    left, top = rects[node_id].right + GRID, rects[node_id].top
    while any(Rect(left, top, left + wide, top + high).meets(rect.grown(GRID)) for rect in rects.values()):
        top += GRID
    return left + wide / 2, top


def _forward(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A path whose moments only rise: where the pointer went back, what was drawn last holds."""
    kept: list[tuple[float, float]] = []
    forward = places if places[-1][0] >= places[0][0] else places[::-1]
    for seconds, hz in forward:
        if not kept or seconds > kept[-1][0]:
            kept.append((seconds, hz))
    return kept
