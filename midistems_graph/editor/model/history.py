"""Undo and redo: a list of documents, each with what was done to get there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from midistems_graph.document.graph import Graph
from midistems_graph.editor.model.bodies import Path
from midistems_graph.editor.model.selection import Selection

LONGEST = 500
"""Steps that are kept. Documents share what they have in common."""


@dataclass(frozen=True)
class Step:
    """A document, what led to it, and where one was: undo brings one back to where the change was made.

    `chosen` was selected before and is again when it is taken back. Steps that follow each other with the same `key`
    are one (the moves of one drag of a knob).
    """

    graph: Graph
    label: str = ""
    path: Path = ()
    selection: Selection = field(default_factory=Selection)
    chosen: Selection = field(default_factory=Selection)
    key: str = ""


@dataclass(frozen=True)
class History:
    """Steps up to the present one, and those that were undone."""

    past: tuple[Step, ...]
    future: tuple[Step, ...] = ()

    @classmethod
    def of(cls, graph: Graph) -> History:
        return cls((Step(graph),))

    @property
    def present(self) -> Step:
        return self.past[-1]

    @property
    def undo_label(self) -> str:
        """What undo would take back, empty if there is nothing."""
        return self.present.label if len(self.past) > 1 else ""

    @property
    def redo_label(self) -> str:
        return self.future[0].label if self.future else ""

    def after(self, step: Step) -> History:
        """The history with one more step; one with the key of the present takes its place."""
        if step.graph is self.present.graph:
            return self
        if step.key and step.key == self.present.key and len(self.past) > 1:
            return History((*self.past[:-1], step))
        return History((*self.past, step)[-LONGEST - 1 :])

    def sealed(self) -> History:
        """The same, but the next step is one of its own whatever its key: a drag has ended."""
        return replace(self, past=(*self.past[:-1], replace(self.present, key="")))

    def undone(self) -> History:
        """The history one step back; itself at the beginning."""
        if len(self.past) == 1:
            return self
        return History(self.past[:-1], (replace(self.present, key=""), *self.future))

    def redone(self) -> History:
        """The history one step forward; itself if nothing was undone."""
        if not self.future:
            return self
        return History((*self.past, self.future[0]), self.future[1:])
