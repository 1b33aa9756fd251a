"""From pointer events to gestures: what a press begins, what a click, a double click and the wheel do.

press and move   a port: a wire; a node, note or title of a frame: a drag (Alt: of a copy); a side of a
                 frame: its size; an edge: its end pulled off; a point of one: moved; nothing: a box that
                 selects (Shift adds, Ctrl or Alt subtracts); with the middle button: the canvas
click            selects (Shift adds, Ctrl toggles, Alt subtracts); an edge or an output plays, too (an edge that
                 the click misses by a little is taken)
double click     nothing: the palette; a group: into it; a node, frame or note: its text; an edge: led through
                 the point, or no longer through one that is there
right click      the menu of what is there
wheel            zoom
Escape           takes the gesture back, or the selection
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import hypot

from midistems_graph.document.graph import Edge
from midistems_graph.editor.model.bodies import TERMINALS
from midistems_graph.editor.model.drag_route import DragRoute
from midistems_graph.editor.model.drag_things import DragThings, begin_frame, fixed
from midistems_graph.editor.model.drag_wire import DragWire
from midistems_graph.editor.model.edit import Edit, Refused
from midistems_graph.editor.model.events import (
    AskForNode,
    Audition,
    Commit,
    ContextMenu,
    EditText,
    Effect,
    Entered,
    Event,
    Overlay,
    Said,
)
from midistems_graph.editor.model.gesture import Desk, Gesture, Step
from midistems_graph.editor.model.plane import Point, Rect
from midistems_graph.editor.model.routes import add_point, remove_point
from midistems_graph.editor.model.scene_items import Hit
from midistems_graph.editor.model.selection import Selection
from midistems_graph.editor.model.state import EditorState

SLACK = 4.0
"""A press that moves less than this many pixels is a click."""

CLICK_REACH = 16.0
"""A click on empty canvas that misses an edge by fewer pixels takes that edge."""

ZOOM = 1.18
"""How much more is seen after one step of the wheel."""


def handle(event: Event, gesture: Gesture | None, desk: Desk) -> Step:
    """What follows an event, whether something is going on or not."""
    if gesture is not None:
        match event.kind:
            case "move":
                return gesture.moved(event, desk)
            case "up":
                return gesture.released(event, desk)
            case "key" if event.key == "Escape":
                return gesture.cancelled(desk)
            case "down" if event.button == "right":
                return gesture.cancelled(desk)
            case "wheel":
                return Step(desk.state.zoomed(event.at, ZOOM**-event.turn), gesture)
        return Step(desk.state, gesture)
    match event.kind:
        case "move":
            hit = desk.scene.hit(event.at, event.scale)
            return Step(desk.state if hit == desk.state.hover else replace(desk.state, hover=hit))
        case "down":
            return _pressed(event, desk)
        case "double":
            return _double(event, desk)
        case "wheel":
            return Step(desk.state.zoomed(event.at, ZOOM**-event.turn))
        case "key" if event.key == "Escape":
            return Step(replace(desk.state, selection=Selection()))
    return Step(desk.state)


def _pressed(event: Event, desk: Desk) -> Step:
    if event.button == "middle":
        return Step(desk.state, Pan(desk.state, event.at))
    return Step(desk.state, Press(desk.state, event, desk.scene.hit(event.at, event.scale)))


def _double(event: Event, desk: Desk) -> Step:
    hit, state = desk.scene.hit(event.at, event.scale), desk.state
    match hit.kind:
        case "empty":
            return Step(state, None, (AskForNode(event.at),))
        case "edge" if edge := _edge(hit, desk):
            track = desk.scene.wires[hit.id].track
            return _bent(desk, partial(add_point, state, edge, track, event.at))
        case "route" if edge := _edge(hit, desk):
            return _bent(desk, partial(remove_point, state, edge.target, hit.place))
        case "node" if hit.id in TERMINALS:
            return Step(state)
        case "node" if state.body.nodes[hit.id].group in state.graph.groups:
            inside = state.at((*state.path, hit.id))
            return Step(inside, None, (Entered(inside.path),))
        case "node" | "frame" | "note":
            return Step(state, None, (EditText(hit.id),))
    return Step(state)


@dataclass(frozen=True)
class Press(Gesture):
    """A button is down and has not moved yet: a click, or the beginning of a drag."""

    event: Event
    hit: Hit

    def moved(self, event: Event, desk: Desk) -> Step:
        (x0, y0), (x1, y1) = self.event.at, event.at
        if self.event.button == "right" or hypot(x1 - x0, y1 - y0) < SLACK * event.scale:
            return Step(desk.state, self)
        event = replace(event, shift=self.event.shift, ctrl=self.event.ctrl, alt=self.event.alt)
        match self.hit.kind:
            case "port":
                return DragWire.begin(event, self.hit, desk)
            case "edge" if edge := _edge(self.hit, desk):
                return DragWire.pull_off(event, edge, desk)
            case "route" if edge := _edge(self.hit, desk):
                return DragRoute(desk.state, edge.target, self.hit.place).moved(event, desk)
            case "node" if self.hit.id in TERMINALS:
                return fixed(desk)
            case "node" | "note":
                return DragThings.begin(event, self.hit, self.event.at, desk)
            case "frame":
                return begin_frame(event, self.hit, self.event.at, desk)
        return BoxSelect.begin(event, self.event.at, desk)

    def released(self, event: Event, desk: Desk) -> Step:
        state, hit = desk.state, self.hit
        if hit.kind == "empty" and (edge := desk.scene.edge_at(event.at, event.scale, CLICK_REACH)):
            hit = Hit("edge", str(edge))
        own = Selection.under(hit, state.body)
        if self.event.button == "right":
            if not (own and state.selection >= own):
                state = replace(state, selection=own)
            return Step(state, None, (ContextMenu(event.at, hit),))
        if self.event.shift:
            chosen = state.selection | own
        elif self.event.ctrl:
            chosen = state.selection ^ own
        elif self.event.alt:
            chosen = state.selection - own
        else:
            chosen = state.selection if hit.kind == "port" else own
        return Step(replace(state, selection=chosen), None, _heard(hit, desk))


@dataclass(frozen=True)
class BoxSelect(Gesture):
    """A rectangle that selects the nodes it meets, notes and frames inside it, or else the edges it crosses."""

    origin: Point
    corner: Point
    adds: bool = False
    subtracts: bool = False

    @classmethod
    def begin(cls, event: Event, at: Point, desk: Desk) -> Step:
        return cls(desk.state, at, at, event.shift, event.ctrl or event.alt).moved(event, desk)

    def moved(self, event: Event, desk: Desk) -> Step:
        gesture = replace(self, corner=event.at)
        return Step(gesture._selected(desk), gesture)

    def released(self, event: Event, desk: Desk) -> Step:
        return Step(replace(self, corner=event.at)._selected(desk))

    @property
    def overlay(self) -> Overlay:
        return Overlay(box=Rect.between(self.origin, self.corner))

    def _selected(self, desk: Desk) -> EditorState:
        rect = Rect.between(self.origin, self.corner)
        nodes = [name for name in desk.scene.boxes_in(rect) if name not in TERMINALS]
        found = Selection.of(nodes, () if nodes else desk.scene.edges_in(rect), *desk.scene.frames_and_notes_in(rect))
        before = self.start.selection
        chosen = before | found if self.adds else before - found if self.subtracts else found
        return replace(desk.state, selection=chosen)


@dataclass(frozen=True)
class Pan(Gesture):
    """The canvas under the pointer: the point that was pressed stays there."""

    anchor: Point

    def moved(self, event: Event, desk: Desk) -> Step:
        dx, dy = self.anchor[0] - event.at[0], self.anchor[1] - event.at[1]
        return Step(replace(desk.state, view=desk.state.view.moved(dx, dy)), self)

    def released(self, event: Event, desk: Desk) -> Step:
        return Step(self.moved(event, desk).state)

    def cancelled(self, desk: Desk) -> Step:
        return Step(self.start)


def _bent(desk: Desk, make: Callable[[], Edit]) -> Step:
    """An edge led through one point more or less."""
    try:
        edit = make()
    except Refused as refused:
        return Step(desk.state, None, (Said(str(refused)),))
    return Step(desk.state.with_graph(edit.graph), None, (Commit(edit.label),))


def _edge(hit: Hit, desk: Desk) -> Edge | None:
    wire = desk.scene.wires.get(hit.id)
    return wire.edge if wire else None


def _heard(hit: Hit, desk: Desk) -> tuple[Effect, ...]:
    """The request to play an edge or an output that was clicked."""
    path = desk.state.path
    edge = _edge(hit, desk) if hit.kind in ("edge", "route") else None
    if edge is not None:
        return (Audition(edge.source, desk.insight.flat_source(path, edge.source), edge),)
    if hit.kind == "port" and hit.port is not None and hit.port.side == "out" and not hit.port.free:
        return (Audition(hit.address, desk.insight.flat_source(path, hit.address)),)
    return ()
