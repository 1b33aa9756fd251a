"""Nodes, notes and frames dragged on the grid; a single unwired node dropped on an edge is put into it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from midistems_graph.document.graph import Address, Edge, Frame
from midistems_graph.editor.model.bodies import TERMINALS
from midistems_graph.editor.model.clipboard import duplicate
from midistems_graph.editor.model.edit import Refused, named
from midistems_graph.editor.model.events import Commit, Event, Overlay, Said
from midistems_graph.editor.model.gesture import Desk, Gesture, Step
from midistems_graph.editor.model.plane import GRID, Point, snapped
from midistems_graph.editor.model.scene import Scene
from midistems_graph.editor.model.scene_items import Hit, Part
from midistems_graph.editor.model.selection import Selection, number
from midistems_graph.editor.model.state import EditorState
from midistems_graph.editor.model.wiring import insert_on_edge

SMALLEST_FRAME = 4 * GRID


@dataclass(frozen=True)
class DragThings(Gesture):
    """The selection (`moving`, with what lies in its frames) under the pointer; `base` is its state unmoved."""

    base: EditorState
    scene: Scene
    moving: Selection
    origin: Point
    anchor: Point
    verb: str = "move"
    onto: Edge | None = None
    refused: Edge | None = None
    carried: frozenset[Address] = frozenset()
    """Where edges end whose points move along, for both of their nodes do."""

    @classmethod
    def begin(cls, event: Event, hit: Hit, at: Point, desk: Desk) -> Step:
        """Begin to drag what was pressed at a point; with Alt, a copy of it."""
        start = desk.state
        own = Selection.under(hit, start.body)
        base = start
        if not start.selection >= own:
            base = replace(start, selection=start.selection | own if event.shift else own)
        verb = "move"
        if event.alt and base.selection:
            edit = duplicate(base, by=(0.0, 0.0))
            base, verb = base.with_graph(edit.graph, edit.selection), "duplicate"
        base = replace(base, selection=replace(base.selection, edges=frozenset()))
        moving = _with_contents(base, desk.scene)
        anchor = _anchor(base, moving, hit)
        moved = (e.target for e in base.body.edges if {e.source.node, e.target.node} <= moving.nodes)
        carried = frozenset(moved) & base.body.view.routes.keys() if base.body.view.routes else frozenset()
        return cls(start, base, desk.scene, moving, at, anchor, verb, carried=carried).moved(event, desk)

    def moved(self, event: Event, desk: Desk) -> Step:
        state = self._state(event)
        gesture = self._over(event, desk)
        return Step(state, gesture)

    def released(self, event: Event, desk: Desk) -> Step:
        gesture = self._over(event, desk)
        state = self._state(event)
        if gesture.onto is not None:
            (node_id,) = self.moving.nodes
            edit = insert_on_edge(state, desk.insight, node_id, gesture.onto)
            return Step(state.with_graph(edit.graph), None, (Commit(edit.label),))
        if state.graph == self.start.graph:
            return Step(replace(self.start, selection=self.base.selection))
        what = named(self.moving.nodes) if self.moving.nodes else "notes and frames"
        return Step(state, None, (Commit(f"{self.verb} {what}"),))

    @property
    def overlay(self) -> Overlay:
        return Overlay(insert=self.onto)

    def _state(self, event: Event) -> EditorState:
        """The base with everything moved so that what was pressed lies on the grid."""
        (x, y), (x0, y0) = self.anchor, self.origin
        dx, dy = snapped(x + event.at[0] - x0) - x, snapped(y + event.at[1] - y0) - y
        body = self.base.body
        view = body.view
        nodes = dict(view.nodes)
        for node_id in self.moving.nodes:
            left, top = nodes.get(node_id, (0.0, 0.0))
            nodes[node_id] = (left + dx, top + dy)
        frames = tuple(
            replace(f, x=f.x + dx, y=f.y + dy) if i in self.moving.frames else f for i, f in enumerate(view.frames)
        )
        notes = tuple(
            replace(n, x=n.x + dx, y=n.y + dy) if i in self.moving.notes else n for i, n in enumerate(view.notes)
        )
        routes = {
            end: tuple((px + dx, py + dy) for px, py in points) if end in self.carried else points
            for end, points in view.routes.items()
        }
        view = replace(view, nodes=nodes, frames=frames, notes=notes, routes=routes if routes else view.routes)
        return self.base.with_body(replace(body, view=view))

    def _over(self, event: Event, desk: Desk) -> DragThings:
        """The gesture with the edge under the pointer that the node would go into."""
        if len(self.moving.nodes) != 1 or self.moving.frames or self.verb != "move":
            return self
        (node_id,) = self.moving.nodes
        if self.scene.incident.get(node_id):
            return self
        edge = self.scene.edge_at(event.at, event.scale)
        if edge == self.onto or (edge is not None and edge == self.refused):
            return self if edge == self.onto else replace(self, onto=None)
        if edge is None:
            return replace(self, onto=None)
        try:
            insert_on_edge(self.base, desk.insight, node_id, edge)
        except Refused:
            return replace(self, onto=None, refused=edge)
        return replace(self, onto=edge)


@dataclass(frozen=True)
class ResizeFrame(Gesture):
    """A side or the corner of a frame under the pointer."""

    number: int
    part: Part

    def moved(self, event: Event, desk: Desk) -> Step:
        body = self.start.body
        frames = list(body.view.frames)
        frames[self.number] = _resized(frames[self.number], self.part, event.at)
        return Step(self.start.with_body(replace(body, view=replace(body.view, frames=tuple(frames)))), self)

    def released(self, event: Event, desk: Desk) -> Step:
        state = self.moved(event, desk).state
        if state.graph == self.start.graph:
            return Step(self.start)
        return Step(state, None, (Commit("resize frame"),))


def begin_frame(event: Event, hit: Hit, at: Point, desk: Desk) -> Step:
    """Drag a frame by its title, or one of its sides."""
    if hit.part == "title":
        return DragThings.begin(event, hit, at, desk)
    return ResizeFrame(desk.state, number(hit.id), hit.part).moved(event, desk)


def fixed(desk: Desk) -> Step:
    """The two boxes of a group's ports stand where its nodes end."""
    return Step(desk.state, None, (Said("the ports of a group stand beside its nodes and cannot be moved"),))


def _with_contents(state: EditorState, scene: Scene) -> Selection:
    """The selection with the nodes, notes and frames that lie within selected frames."""
    chosen = state.selection
    for i in chosen.frames:
        around = scene.frames.get(f"frame:{i}")
        if around is None:
            continue
        inside = [b.id for b in scene.boxes.values() if b.id not in TERMINALS and around.rect.encloses(b.rect)]
        chosen |= Selection.of(inside, (), *scene.frames_and_notes_in(around.rect))
    return chosen.within(state.body)


def _anchor(state: EditorState, moving: Selection, hit: Hit) -> Point:
    """What is brought to the grid: the thing that was pressed, or the first that moves."""
    view = state.body.view
    if hit.kind == "frame":
        frame = view.frames[number(hit.id)]
        return frame.x, frame.y
    if hit.kind == "note":
        note = view.notes[number(hit.id)]
        return note.x, note.y
    node_id = hit.id if hit.id in moving.nodes else min(moving.nodes)
    return view.nodes.get(node_id, (0.0, 0.0))


def _resized(frame: Frame, part: Part, at: Point) -> Frame:
    x, y = snapped(at[0]), snapped(at[1])
    left, top, right, bottom = frame.x, frame.y, frame.x + frame.width, frame.y + frame.height
    if part in ("right", "corner"):
        right = max(x, left + SMALLEST_FRAME)
    if part in ("bottom", "corner"):
        bottom = max(y, top + SMALLEST_FRAME)
    if part == "left":
        left = min(x, right - SMALLEST_FRAME)
    if part == "top":
        top = min(y, bottom - SMALLEST_FRAME)
    return replace(frame, x=left, y=top, width=right - left, height=bottom - top)
