"""What is on the canvas for one body: boxes, edges, frames and notes, where they are, and what a point hits.

A scene is made (`scene_making`) from the one before it and shares all that stayed the same, so that dragging one of a
thousand nodes costs one box and its edges. Ids: a box has that of its node, an edge is written as in
the document (`a.out -> b.in`), frames and notes are `frame:0`, `note:0`.

Edges run from port to port, through the points of their route.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import hypot

from midistems_graph.document.graph import Body, Edge, Graph
from midistems_graph.editor.model.bodies import Path
from midistems_graph.editor.model.grid import GridIndex
from midistems_graph.editor.model.insight import Insight
from midistems_graph.editor.model.plane import Point, Rect
from midistems_graph.editor.model.scene_items import EMPTY, FRAME_TITLE, Box, FrameBox, Hit, Item, NoteBox, Part, Wire
from midistems_graph.editor.model.tracks import nearest_point

PORT_REACH, EDGE_REACH, FRAME_REACH = 9.0, 7.0, 8.0
"""How near a point must be to hit a port, an edge or the border of a frame, in pixels of the screen."""


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

    def edge_at(self, at: Point, scale: float = 1.0, pixels: float = EDGE_REACH) -> Edge | None:
        """The nearest edge that a pointer touches (or misses by so many pixels), whatever lies on it."""
        reach = pixels * scale
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

    def is_free(self, rect: Rect) -> bool:
        """Whether no box meets a rectangle, so that something can be written there."""
        return not self.boxes_in(rect)

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
