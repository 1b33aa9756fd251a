"""A wire drawn from a port, in either direction, or pulled off the input where it ended."""

from __future__ import annotations

from dataclasses import dataclass, replace

from midistems_graph.document.graph import Address, Edge
from midistems_graph.editor.model.bodies import TERMINALS, connected, disconnected
from midistems_graph.editor.model.events import AskForNode, Commit, Event, LooseWire, Overlay, Said
from midistems_graph.editor.model.gesture import Desk, Gesture, Step
from midistems_graph.editor.model.plane import Point
from midistems_graph.editor.model.scene_items import Hit
from midistems_graph.editor.model.shape import Side


@dataclass(frozen=True)
class DragWire(Gesture):
    """A wire with one end at `port` and the other under the pointer; `detached` is the edge it was pulled off."""

    port: Address
    side: Side
    begins: Point
    kind: str
    ends: Point
    detached: Edge | None = None
    target: Hit | None = None
    sentence: str = ""

    @classmethod
    def begin(cls, event: Event, hit: Hit, desk: Desk) -> Step:
        """Begin at a port. An input with an edge gives that edge away: it hangs on its source then."""
        assert hit.port is not None
        if hit.port.side == "in":
            wired = next((e for e in desk.scene.incident.get(hit.id, ()) if e.target == hit.address), None)
            if wired is not None:
                return cls.pull_off(event, wired, desk)
        spot = desk.scene.boxes[hit.id].at(hit.port)
        kind = desk.insight.kind(desk.state.path, hit.address) if hit.port.side == "out" else ""
        kind = kind or (hit.port.kinds[0] if len(hit.port.kinds) == 1 else "")
        return cls(desk.state, hit.address, hit.port.side, spot, kind, spot).moved(event, desk)

    @classmethod
    def pull_off(cls, event: Event, edge: Edge, desk: Desk) -> Step:
        """Begin with an edge whose end leaves its port."""
        wire = desk.scene.wire(edge)
        assert wire is not None
        state = desk.state.with_body(disconnected(desk.state.body, [edge]))
        gesture = cls(desk.state, edge.source, "out", wire.track.start, wire.kind, event.at, edge)
        return Step(state, gesture)

    def moved(self, event: Event, desk: Desk) -> Step:
        hit = desk.scene.port_at(event.at, event.scale)
        ends, sentence = event.at, ""
        if hit is not None and (spot := hit.port) is not None:
            if hit.address == self.port and spot.side == self.side:
                hit = None
            else:
                ends = desk.scene.boxes[hit.id].at(spot)
                sentence = self._refusal(hit, desk)
        return Step(desk.state, replace(self, ends=ends, target=hit, sentence=sentence))

    def released(self, event: Event, desk: Desk) -> Step:
        done = self.moved(event, desk).gesture
        assert isinstance(done, DragWire)
        if done.target is not None:
            return done._dropped_on(done.target, desk)
        if self.detached is not None:
            return Step(desk.state, None, (Commit(f"disconnect {self.detached.target}"),))
        under = desk.scene.hit(event.at, event.scale)
        if under.kind in ("empty", "frame", "edge"):
            if self.port.node in TERMINALS:
                return Step(self.start)
            return Step(self.start, None, (AskForNode(event.at, self.port, self.side),))
        return Step(self.start)

    @property
    def overlay(self) -> Overlay:
        return Overlay(
            LooseWire(self.begins, self.ends, self.side, self.kind, not self.sentence, self.sentence, self.target)
        )

    def _edge(self, hit: Hit) -> Edge:
        return Edge(self.port, hit.address) if self.side == "out" else Edge(hit.address, self.port)

    def _refusal(self, hit: Hit, desk: Desk) -> str:
        """Why the wire may not end at a port, empty if it may."""
        assert hit.port is not None
        if hit.port.side == self.side:
            return "an output leads to an input; two of the same side cannot be connected"
        edge = self._edge(hit)
        return desk.insight.refusal(desk.state.path, edge.source, edge.target)

    def _dropped_on(self, hit: Hit, desk: Desk) -> Step:
        if self.sentence:
            return Step(self.start, None, (Said(self.sentence),))
        edge = self._edge(hit)
        state = desk.state.with_body(connected(desk.state.body, edge.source, edge.target))
        if state.graph == self.start.graph:
            return Step(self.start)
        return Step(state, None, (Commit(f"connect {edge.source} to {edge.target}"),))
