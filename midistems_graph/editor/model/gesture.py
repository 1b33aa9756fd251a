"""What every gesture is: it takes one event at a time and says what is shown then and what is asked of the view.

A gesture never changes anything. While it lasts it gives states that can be drawn, made from the state it
began with; a step of the history is made at its end alone, and Escape brings back the beginning.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

from midistems_graph.editor.model.events import Effect, Event, Overlay
from midistems_graph.editor.model.insight import Insight
from midistems_graph.editor.model.scene import Scene
from midistems_graph.editor.model.state import EditorState

NOTHING = Overlay()


@dataclass(frozen=True)
class Desk:
    """What a gesture works on: the state as it is shown, its scene, and what the rules say."""

    state: EditorState
    scene: Scene
    insight: Insight


@dataclass(frozen=True)
class Step:
    """What follows an event; `gesture` is None when nothing goes on any more."""

    state: EditorState
    gesture: Gesture | None = None
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Gesture(ABC):
    """Something that goes on between a press and a release. `start` is what Escape brings back."""

    start: EditorState

    @abstractmethod
    def moved(self, event: Event, desk: Desk) -> Step: ...

    @abstractmethod
    def released(self, event: Event, desk: Desk) -> Step: ...

    def cancelled(self, desk: Desk) -> Step:
        """Everything as it was, seen from where one looks now."""
        return Step(replace(self.start, view=desk.state.view))

    @property
    def overlay(self) -> Overlay:
        return NOTHING
