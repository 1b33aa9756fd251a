"""What is on the canvas for one body: boxes, edges, frames and notes, where they are, and what a point hits.

A scene is made from the one before it and shares all that stayed the same, so that dragging one of a
thousand nodes costs one box and its edges. Ids: a box has that of its node, an edge is written as in
the document (`a.out -> b.in`), frames and notes are `frame:0`, `note:0`.

Edges run from port to port, through the points of their route.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import hypot
from typing import Literal, NamedTuple

from midistems_graph.document.boxes import text_width
from midistems_graph.document.graph import Address, Body, Edge, Frame, Graph, Group, Node, Note
from midistems_graph.editor.model.bodies import INPUTS, OUTPUTS, TERMINALS, Path, all_edges, body_at
from midistems_graph.editor.model.grid import GridIndex
from midistems_graph.editor.model.insight import Insight
from midistems_graph.editor.model.knob_words import told_knobs
from midistems_graph.editor.model.plane import Point, Rect, snapped
from midistems_graph.editor.model.shape import (
    PortSpot,
    Shape,
    Sides,
    in_order,
    shape_of,
    sides_of,
    sides_of_group,
    terminal_shape,
)
from midistems_graph.editor.model.tracks import Track, nearest_point

PORT_REACH, EDGE_REACH, FRAME_REACH = 9.0, 7.0, 8.0
"""How near a point must be to hit a port, an edge or the border of a frame, in pixels of the screen."""

FRAME_TITLE = 28.0
NOTE_SIZE, NOTE_LINE, NOTE_PAD = 14.0, 20.0, 10.0
FAR = 240.0
"""How far beside a group's nodes its `<inputs>` and `<outputs>` stand."""


class Box(NamedTuple):
    """A node on the canvas."""

    id: str
    x: float
    y: float
    shape: Shape

    @property
    def rect(self) -> Rect:
        return Rect(self.x, self.y, self.x + self.shape.width, self.y + self.shape.height)

    @property
    def header(self) -> Rect:
        """The title bar."""
        return Rect(self.x, self.y, self.x + self.shape.width, self.y + 30.0)

    def at(self, spot: PortSpot) -> Point:
        """Where a port is on the canvas."""
        return self.x + spot.at[0], self.y + spot.at[1]


class Wire(NamedTuple):
    """An edge on the canvas. `kind` names its colour (`document.colors.style_of`), empty if not known."""

    id: str
    edge: Edge
    track: Track
    kind: str
    quiet: bool
    """An end is muted or bypassed."""


class FrameBox(NamedTuple):
    id: str
    frame: Frame

    @property
    def rect(self) -> Rect:
        f = self.frame
        return Rect(f.x, f.y, f.x + f.width, f.y + f.height)


class NoteBox(NamedTuple):
    id: str
    note: Note

    @property
    def rect(self) -> Rect:
        lines = self.note.text[:4000].splitlines()[:40] or [""]
        width = max(text_width(line, NOTE_SIZE) for line in lines)
        x, y = self.note.x, self.note.y
        return Rect(x, y, x + max(width, 60.0) + 2 * NOTE_PAD, y + NOTE_LINE * len(lines) + 2 * NOTE_PAD)


Item = Box | Wire | FrameBox | NoteBox
Part = Literal["body", "title", "left", "right", "top", "bottom", "corner"]


@dataclass(frozen=True, slots=True)
class Hit:
    """What is under a point. `part` says where on it: the title of a box or frame, a side of a frame; `place` which
    of the points of an edge it is."""

    kind: Literal["port", "node", "edge", "route", "note", "frame", "empty"]
    id: str = ""
    port: PortSpot | None = None
    part: Part = "body"
    place: int = 0

    @property
    def address(self) -> Address:
        """The address of the port that was hit."""
        assert self.port is not None
        return self.port.address(self.id)


EMPTY = Hit("empty")


@dataclass(frozen=True, slots=True)
class SceneDiff:
    """Ids of what the view has to make, draw anew, move (boxes alone) and take away."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.updated or self.moved or self.removed)


@dataclass(frozen=True, eq=False)
class Scene:
    """The canvas of one body. Boxes are in z-order, the last on top; nothing in it is ever changed."""

    path: Path
    graph: Graph
    insight: Insight
    body: Body
    boxes: Mapping[str, Box]
    wires: Mapping[str, Wire]
    frames: Mapping[str, FrameBox]
    notes: Mapping[str, NoteBox]
    edges: frozenset[Edge]
    incident: Mapping[str, tuple[Edge, ...]]
    """Edges by the nodes that they touch."""
    before: Scene | None = field(default=None, repr=False)
    """The scene that this one was made from, until its index is built."""

    @classmethod
    def of(cls, graph: Graph, insight: Insight, path: Path = (), before: Scene | None = None) -> Scene:
        """The canvas of the body that a path leads to; `before` is the last one, of the same path or not."""
        body = body_at(graph, path)
        if before is not None and (before.path != path or before.insight.library is not insight.library):
            before = None
        return _Making(graph, insight, path, body, before).scene()

    def item(self, item_id: str) -> Item | None:
        """The box, wire, frame or note of an id."""
        for kind in (self.boxes, self.wires, self.frames, self.notes):
            if item_id in kind:
                return kind[item_id]
        return None

    def wire(self, edge: Edge) -> Wire | None:
        return self.wires.get(str(edge))

    def rect(self, item_id: str) -> Rect | None:
        item = self.item(item_id)
        return item.track.bounds if isinstance(item, Wire) else item.rect if item else None

    @cached_property
    def bounds(self) -> Rect | None:
        """What is around everything, None if the canvas is empty."""
        things: Iterable[Box | FrameBox | NoteBox] = (
            *self.boxes.values(),
            *self.frames.values(),
            *self.notes.values(),
        )
        return Rect.around(thing.rect for thing in things)

    def hit(self, at: Point, scale: float = 1.0) -> Hit:
        """What a pointer touches: a port, before a node or note, an edge, a frame, nothing.

        `scale` is how many world units a pixel of the screen has.
        """
        near = self.index.near(at, PORT_REACH * max(scale, 1.0))
        return self._port_at(at, scale, near) or self._solid_at(at, near) or self._other_at(at, scale, near)

    def port_at(self, at: Point, scale: float = 1.0) -> Hit | None:
        return self._port_at(at, scale, self.index.near(at, PORT_REACH * max(scale, 1.0)))

    def edge_at(self, at: Point, scale: float = 1.0) -> Edge | None:
        """The nearest edge that a pointer touches, whatever lies on it."""
        reach = EDGE_REACH * scale
        nearest, found = reach, None
        for name in sorted(self.index.near(at, reach)):
            wire = self.wires.get(name)
            if wire and wire.track.bounds.grown(reach).holds(at):
                distance = wire.track.distance(at)
                if distance <= nearest:
                    nearest, found = distance, wire.edge
        return found

    def boxes_in(self, rect: Rect) -> list[str]:
        """Ids of the boxes that a rectangle meets."""
        return [name for name in self.index.within(rect) if name in self.boxes and rect.meets(self.boxes[name].rect)]

    def edges_in(self, rect: Rect) -> list[Edge]:
        """Edges that cross a rectangle or lie in it."""
        near = (self.wires[name] for name in self.index.within(rect) if name in self.wires)
        return [wire.edge for wire in near if wire.track.crosses(rect)]

    def frames_and_notes_in(self, rect: Rect) -> tuple[list[int], list[int]]:
        """Numbers of the frames and notes that lie in a rectangle."""
        frames = [i for i, frame in enumerate(self.frames.values()) if rect.encloses(frame.rect)]
        return frames, [i for i, note in enumerate(self.notes.values()) if rect.encloses(note.rect)]

    @cached_property
    def index(self) -> GridIndex:
        before = self.before
        object.__setattr__(self, "before", None)
        if before is None:
            return GridIndex().changed({}, dict(self._rects()))
        gone, come = {}, {}
        for own, others in self._kinds(before):
            for name in _differing(own, others):
                if name in others:
                    gone[name] = _rect(others[name])
                if name in own:
                    come[name] = _rect(own[name])
        if len(come) > (len(self.boxes) + len(self.wires)) // 4:  # then building anew is quicker
            return GridIndex().changed({}, dict(self._rects()))
        return before.index.changed(gone, come)

    def diff(self, old: Scene | None) -> SceneDiff:
        """What leads from another scene to this one."""
        added: list[str] = []
        updated: list[str] = []
        moved: list[str] = []
        removed: list[str] = []
        for own, others in self._kinds(old):
            for name in _differing(own, others):
                if name not in own:
                    removed.append(name)
                elif name not in others:
                    added.append(name)
                elif isinstance(box := own[name], Box) and isinstance(was := others[name], Box):
                    (moved if box.shape is was.shape or box.shape == was.shape else updated).append(name)
                else:
                    updated.append(name)
        return SceneDiff(tuple(added), tuple(updated), tuple(moved), tuple(removed))

    def _kinds(self, other: Scene | None) -> Iterator[tuple[Mapping[str, Item], Mapping[str, Item]]]:
        yield self.frames, other.frames if other else {}
        yield self.wires, other.wires if other else {}
        yield self.boxes, other.boxes if other else {}
        yield self.notes, other.notes if other else {}

    def _rects(self) -> Iterator[tuple[str, Rect]]:
        for own, _ in self._kinds(None):
            for name, item in own.items():
                yield name, _rect(item)

    def _port_at(self, at: Point, scale: float, near: Collection[str]) -> Hit | None:
        reach = min(PORT_REACH * max(scale, 1.0), 2 * PORT_REACH)
        nearest, found = reach, None
        for name in self._top_first(near):
            box = self.boxes[name]
            if not box.rect.grown(reach).holds(at):
                continue
            for spot in box.shape.ports:
                x, y = box.at(spot)
                distance = hypot(x - at[0], y - at[1])
                if distance < nearest or (distance <= reach and found is None):
                    nearest, found = distance, Hit("port", name, spot)
        return found

    def _solid_at(self, at: Point, near: Collection[str]) -> Hit | None:
        for name in self._top_first(near):
            box = self.boxes[name]
            if box.rect.holds(at):
                return Hit("node", name, part="title" if box.header.holds(at) else "body")
        for name in sorted(near, reverse=True):
            if name in self.notes and self.notes[name].rect.holds(at):
                return Hit("note", name)
        return None

    def _other_at(self, at: Point, scale: float, near: set[str]) -> Hit:
        for name in sorted(near & self.routed):
            place = nearest_point(self.wires[name].track.points, at, PORT_REACH * max(scale, 1.0))
            if place is not None:
                return Hit("route", name, place=place)
        edge = self.edge_at(at, scale)
        if edge is not None:
            return Hit("edge", str(edge))
        for name in reversed(list(self.frames)):
            if name in near and (part := _part_of(self.frames[name].rect, at, FRAME_REACH * scale)):
                return Hit("frame", name, part=part)
        return EMPTY

    def _top_first(self, near: Collection[str]) -> list[str]:
        names = [name for name in near if name in self.boxes]
        return sorted(names, key=self._place.__getitem__, reverse=True)

    @cached_property
    def routed(self) -> frozenset[str]:
        """Ids of the edges that are led through points."""
        routes = self.body.view.routes
        return frozenset(str(edge) for edge in self.edges if edge.target in routes) if routes else frozenset()

    @cached_property
    def _place(self) -> dict[str, int]:
        if self.before is not None and self.before.boxes.keys() == self.boxes.keys():
            return self.before._place
        return {name: place for place, name in enumerate(self.boxes)}


def _rect(item: Item) -> Rect:
    return item.track.bounds if isinstance(item, Wire) else item.rect


def _differing(own: Mapping[str, Item], others: Mapping[str, Item]) -> list[str]:
    """Ids of what is not the same object in both, for most are."""
    if own is others:
        return []
    names = [name for name, item in own.items() if others.get(name) is not item and others.get(name) != item]
    return names + [name for name in others if name not in own]


def _part_of(rect: Rect, at: Point, reach: float) -> Part | None:
    """Where on a frame a point is: its corner, a side, its title; the inside counts as canvas."""
    if not rect.grown(reach).holds(at):
        return None
    right, bottom = abs(at[0] - rect.right) <= reach, abs(at[1] - rect.bottom) <= reach
    if right and bottom:
        return "corner"
    sides: tuple[tuple[Part, bool], ...] = (
        ("right", right),
        ("bottom", bottom),
        ("left", abs(at[0] - rect.left) <= reach),
        ("title", rect.top <= at[1] <= rect.top + FRAME_TITLE),
        ("top", abs(at[1] - rect.top) <= reach),
    )
    return next((part for part, is_there in sides if is_there), None)


class _Making:
    """The making of one scene: what stayed the same is taken from the one before."""

    def __init__(self, graph: Graph, insight: Insight, path: Path, body: Body, before: Scene | None) -> None:
        self.graph, self.insight, self.path, self.body, self.before = graph, insight, path, body, before
        self.edges = before.edges if before and _same_edges(before.body, body) else all_edges(body)
        self.groups_same = before is not None and before.graph.groups == graph.groups
        self._sides: dict[str, Sides | None] = {}

    def scene(self) -> Scene:
        before = self.before
        incident = self._incident()
        boxes = self._boxes(incident)
        wires = self._wires(boxes, incident)
        view = self.body.view
        same_view = before is not None and before.body.view.frames == view.frames
        same_notes = before is not None and before.body.view.notes == view.notes
        frames = {f"frame:{i}": FrameBox(f"frame:{i}", frame) for i, frame in enumerate(view.frames)}
        notes = {f"note:{i}": NoteBox(f"note:{i}", note) for i, note in enumerate(view.notes)}
        indexed = before
        if before is not None and before.before is not None:
            indexed = before.before  # its index was never built: compare with the last one that was
        return Scene(
            self.path,
            self.graph,
            self.insight,
            self.body,
            boxes,
            wires,
            before.frames if before and same_view else frames,
            before.notes if before and same_notes else notes,
            self.edges,
            incident,
            indexed,
        )

    def _incident(self) -> Mapping[str, tuple[Edge, ...]]:
        if self.before is None:
            found: dict[str, list[Edge]] = defaultdict(list)
            for edge in self.edges:
                for node in {edge.source.node, edge.target.node}:
                    found[node].append(edge)
            return {node: tuple(edges) for node, edges in found.items()}
        if self.edges is self.before.edges:
            return self.before.incident
        incident = dict(self.before.incident)
        gone, come = self.before.edges - self.edges, self.edges - self.before.edges
        for edge in gone:
            for node in {edge.source.node, edge.target.node}:
                incident[node] = tuple(e for e in incident.get(node, ()) if e != edge)
        for edge in come:
            for node in {edge.source.node, edge.target.node}:
                incident[node] = (*incident.get(node, ()), edge)
        return incident

    def _boxes(self, incident: Mapping[str, tuple[Edge, ...]]) -> Mapping[str, Box]:
        before, positions = self.before, self.body.view.nodes
        old = before.boxes if before else {}
        old_nodes: Mapping[str, Node] = before.body.nodes if before else {}
        touched = before.incident if before else {}
        boxes: dict[str, Box] = {}
        if before is not None and incident is before.incident and self.body.nodes == old_nodes and self.groups_same:
            was = before.body.view.nodes  # places alone differ: most are the same objects
            moved = [i for i, at in positions.items() if was.get(i) is not at and i in self.body.nodes]
            boxes = {i: box for i, box in old.items() if i not in TERMINALS}
            boxes.update({i: Box(i, *positions[i], old[i].shape) for i in moved if positions[i] != was.get(i)})
            return boxes | (self._terminals(self.body, boxes) if isinstance(self.body, Group) else {})
        for node_id, node in self.body.nodes.items():
            box = old.get(node_id)
            x, y = positions.get(node_id, (0.0, 0.0))
            keeps_shape = (
                box is not None
                and node is old_nodes[node_id]
                and touched.get(node_id) is incident.get(node_id)
                and (self.groups_same or node.group is None)
            )
            if box is None or not keeps_shape:
                shape = self._shape(node_id, node, incident.get(node_id, ()))
                made = Box(node_id, x, y, shape)
                boxes[node_id] = box if box == made and box is not None else made
            else:
                boxes[node_id] = box if box[1] == x and box[2] == y else Box(node_id, x, y, box.shape)
        if isinstance(self.body, Group):
            boxes |= self._terminals(self.body, boxes)
        return boxes

    def _shape(self, node_id: str, node: Node, edges: Iterable[Edge]) -> Shape:
        if node.type not in self._sides:
            self._sides[node.type] = sides_of(node, self.graph, self.insight.library)
        ins = {(e.target.port, e.target.index) for e in edges if e.target.node == node_id}
        outs = {(e.source.port, e.source.index) for e in edges if e.source.node == node_id}
        told = told_knobs(node, self.insight.library)
        return shape_of(node_id, node, self._sides[node.type], in_order(ins), in_order(outs), told)

    def _terminals(self, group: Group, boxes: Mapping[str, Box]) -> dict[str, Box]:
        sides = sides_of_group(group, self.graph, self.insight.library)
        around = Rect.around(box.rect for box in boxes.values()) or Rect(0.0, 0.0, 0.0, 0.0)
        shapes = {terminal: terminal_shape(terminal, group, sides) for terminal in TERMINALS}
        top = {terminal: snapped(around.center[1] - shape.height / 2) for terminal, shape in shapes.items()}
        left = snapped(around.left - FAR - shapes[INPUTS].width)
        return {
            INPUTS: Box(INPUTS, left, top[INPUTS], shapes[INPUTS]),
            OUTPUTS: Box(OUTPUTS, snapped(around.right + FAR), top[OUTPUTS], shapes[OUTPUTS]),
        }

    def _wires(self, boxes: Mapping[str, Box], incident: Mapping[str, tuple[Edge, ...]]) -> Mapping[str, Wire]:
        before = self.before
        if before is None or before.insight.map is not self.insight.map:
            return {str(edge): self._wire(edge, boxes) for edge in self.edges}
        dirty = {
            edge for name, box in boxes.items() if before.boxes.get(name) is not box for edge in incident.get(name, ())
        }
        gone: frozenset[Edge] = frozenset()
        routes, old = self.body.view.routes, before.body.view.routes
        if routes != old:
            dirty |= {e for e in self.edges if routes.get(e.target) != old.get(e.target)}
        if self.edges is not before.edges:
            gone, dirty = before.edges - self.edges, dirty | (self.edges - before.edges)
        if not dirty and not gone:
            return before.wires
        wires = dict(before.wires)
        for edge in gone:
            wires.pop(str(edge), None)
        for edge in dirty:
            name = str(edge)
            known = wires.get(name)
            wires[name] = self._wire(edge, boxes, known.kind if known else None)
        return wires

    def _wire(self, edge: Edge, boxes: Mapping[str, Box], kind: str | None = None) -> Wire:
        source, target = boxes.get(edge.source.node), boxes.get(edge.target.node)
        leaves = source.shape.port("out", edge.source.port, edge.source.index) if source else None
        arrives = target.shape.port("in", edge.target.port, edge.target.index) if target else None
        start = source.at(leaves) if source and leaves else (0.0, 0.0)
        end = target.at(arrives) if target and arrives else (0.0, 0.0)
        if kind is None:
            kind = self.insight.kind(self.path, edge.source)
        if not kind:
            kind = next((p.kinds[0] for p in (leaves, arrives) if p is not None and len(p.kinds) == 1), "")
        quiet = any(box is not None and box.shape.state != "on" for box in (source, target))
        points = self.body.view.routes.get(edge.target, ())
        return Wire(str(edge), edge, Track.through(start, points, end), kind, quiet)


def _same_edges(a: Body, b: Body) -> bool:
    if isinstance(a, Group) and isinstance(b, Group) and (a.inputs != b.inputs or a.outputs != b.outputs):
        return False
    return a.edges is b.edges
