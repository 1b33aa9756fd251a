"""A point of an edge under the pointer."""

from __future__ import annotations

from dataclasses import dataclass

from midistems_graph.document.graph import Address
from midistems_graph.editor.model.events import Commit, Event
from midistems_graph.editor.model.gesture import Desk, Gesture, Step
from midistems_graph.editor.model.routes import with_point


@dataclass(frozen=True)
class DragRoute(Gesture):
    """The point of a number on the edge into a port."""

    target: Address
    place: int

    def moved(self, event: Event, desk: Desk) -> Step:
        return Step(self.start.with_body(with_point(self.start.body, self.target, self.place, event.at)), self)

    def released(self, event: Event, desk: Desk) -> Step:
        state = self.moved(event, desk).state
        if state.graph == self.start.graph:
            return Step(self.start)
        return Step(state, None, (Commit(f"bend {self.target}"),))
