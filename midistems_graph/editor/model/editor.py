"""The editor as the view drives it: events and commands in, a scene and effects out.

    editor = Editor(installed(), graph)
    effects = editor.handle(Event("down", at))      # pointer events in world coordinates
    editor.do(commands.bypass)                      # or a command
    change = editor.take_diff()                     # what the view must draw anew since the last time

This is the one object of the model that changes; everything it holds is frozen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from midistems_graph.document.graph import Graph
from midistems_graph.editor.model import gestures
from midistems_graph.editor.model.arrange import with_places
from midistems_graph.editor.model.bodies import Path
from midistems_graph.editor.model.edit import Edit, Refused
from midistems_graph.editor.model.events import Commit, Effect, Event, Overlay, Said
from midistems_graph.editor.model.gesture import NOTHING, Desk, Gesture, Step
from midistems_graph.editor.model.history import History
from midistems_graph.editor.model.history import Step as Moment
from midistems_graph.editor.model.insight import Insight
from midistems_graph.editor.model.scene import Scene, SceneDiff
from midistems_graph.editor.model.scene_making import scene_of
from midistems_graph.editor.model.selection import Selection
from midistems_graph.editor.model.state import EditorState
from midistems_graph.node.library import NodeLibrary


class Editor:
    """One document being edited. Not for several threads at once."""

    def __init__(self, library: NodeLibrary, graph: Graph | None = None) -> None:
        self.library = library
        self.open(graph or Graph())

    def open(self, graph: Graph) -> None:
        """Begin with another document; nodes without a place get one, which is no change of the document."""
        graph = with_places(graph, self.library)
        self.state = EditorState(graph)
        self.history = History.of(graph)
        self.saved = graph
        self.gesture: Gesture | None = None
        self.insight = Insight(graph, self.library)
        self.scene = scene_of(graph, self.insight)
        self.scene.hit(self.state.view.center)  # the index is built now, not when the pointer first moves
        self.state = self.state.looking_at(self.scene.bounds)
        self._drawn: Scene | None = None

    @property
    def dirty(self) -> bool:
        """Whether there is something to save."""
        return self.history.present.graph is not self.saved and self.history.present.graph != self.saved

    @property
    def overlay(self) -> Overlay:
        """What is drawn above the scene now."""
        return NOTHING if self.gesture is None else self.gesture.overlay

    @property
    def desk(self) -> Desk:
        return Desk(self.state, self.scene, self.insight)

    def handle(self, event: Event) -> list[Effect]:
        """Take one event. Steps of the history are made; what remains is for the view to do."""
        effects = self._take(gestures.handle(event, self.gesture, self.desk))
        if event.kind == "up" and self.gesture is None:  # the pointer may be on something else than before
            self.state = replace(self.state, hover=self.scene.hit(event.at, event.scale))
        return effects

    def cancel(self) -> None:
        """Take back a gesture that goes on, for example when the window loses the focus."""
        if self.gesture is not None:
            self._take(self.gesture.cancelled(self.desk))

    def do(self, command: Callable[[Editor], Edit | None]) -> list[Effect]:
        """Run a command; a refusal comes back as a sentence to show."""
        self.cancel()
        try:
            edit = command(self)
        except Refused as refused:
            return [Said(str(refused))]
        if edit is not None:
            self.apply(edit)
        return []

    def apply(self, edit: Edit) -> None:
        """Make an edit a step of the history."""
        self.cancel()
        chosen = self.state.selection
        self._show(self.state.with_graph(edit.graph, edit.selection))
        self._commit(edit.label, chosen, edit.key)

    def seal(self) -> None:
        """End a drag of a knob: the next change is a step of its own."""
        self.history = self.history.sealed()

    def undo(self) -> str:
        """Go one step back; says what was taken back, empty if there was nothing."""
        self.cancel()
        label, undone = self.history.undo_label, self.history.present
        self.history = self.history.undone()
        self._go_to(self.history.present.graph, undone.path, undone.chosen)
        return label

    def redo(self) -> str:
        """Go one step forward; says what was done again, empty if there was nothing."""
        self.cancel()
        label = self.history.redo_label
        self.history = self.history.redone()
        step = self.history.present
        self._go_to(step.graph, step.path, step.selection)
        return label

    def enter(self, path: Path) -> None:
        """Put another body on the canvas: a group, or one further out in the breadcrumb; all of it is seen."""
        self.cancel()
        self._show(self.state.at(path))
        self.look_at_all()

    def show_iteration(self, by: int) -> None:
        """Look at the next (or an earlier) iteration of the repeat group that is open."""
        path = self.state.path
        shown, count = self.insight.iterations(path)
        if count < 2:
            raise Refused("this is no repeat group with several iterations; enter one first")
        wanted = min(max(shown + by, 1), count)
        self.insight.shown = {**self.insight.shown, path: wanted}

    def look_at_all(self) -> None:
        self.state = self.state.looking_at(self.scene.bounds)

    def select(self, node_id: str) -> None:
        """Select a node of the canvas, and see it."""
        if (rect := self.scene.rect(node_id)) is None:
            return
        view, chosen = self.state.view, Selection.of(nodes=[node_id]).within(self.state.body)
        if not view.encloses(rect):
            view = view.moved(rect.center[0] - view.center[0], rect.center[1] - view.center[1])
        self.state = replace(self.state, selection=chosen, view=view)

    def mark_saved(self) -> None:
        self.saved = self.history.present.graph

    def take_diff(self) -> SceneDiff:
        """What changed on the canvas since the last time this was asked; a newly shown body comes whole."""
        drawn, self._drawn = self._drawn, self.scene
        if drawn is None or drawn.path != self.scene.path:
            gone = () if drawn is None else SceneDiff(removed=drawn_ids(drawn)).removed
            fresh = self.scene.diff(None)
            return replace(fresh, removed=gone)
        return self.scene.diff(drawn)

    def _take(self, step: Step) -> list[Effect]:
        self.gesture = step.gesture
        self._show(step.state)
        left: list[Effect] = []
        for effect in step.effects:
            if isinstance(effect, Commit):
                self._commit(effect.label, self.state.selection)
            else:
                left.append(effect)
        return left

    def _commit(self, label: str, chosen: Selection, key: str = "") -> None:
        state = self.state
        if state.graph != self.history.present.graph:
            self.history = self.history.after(Moment(state.graph, label, state.path, state.selection, chosen, key))

    def _go_to(self, graph: Graph, path: Path, selection: Selection) -> None:
        state = self.state.with_graph(graph).at(path)
        if state.path == path:
            state = replace(state, selection=selection.within(state.body))
        self._show(state)

    def _show(self, state: EditorState) -> None:
        before, self.state = self.state, state
        if state.graph is not before.graph:
            self.insight = self.insight.after(state.graph)
        if state.graph is not before.graph or state.path != before.path:
            self.scene = scene_of(state.graph, self.insight, state.path, self.scene)


def drawn_ids(scene: Scene) -> tuple[str, ...]:
    """The ids of everything in a scene."""
    return (*scene.frames, *scene.wires, *scene.boxes, *scene.notes)
