"""What a command gives: the new document with what was done and what is selected then, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass

from midistems_graph.document.graph import Body, Graph
from midistems_graph.editor.model.bodies import with_body
from midistems_graph.editor.model.selection import Selection
from midistems_graph.editor.model.state import EditorState


class Refused(Exception):
    """A command cannot be done: one sentence for the person, with the remedy."""


@dataclass(frozen=True)
class Edit:
    """A new document. `key` joins edits that follow each other into one step of the history."""

    graph: Graph
    label: str
    selection: Selection | None = None
    key: str = ""


def edited(state: EditorState, body: Body, label: str, selection: Selection | None = None, key: str = "") -> Edit:
    """An edit of the body that is on the canvas."""
    return Edit(with_body(state.graph, state.path, body), label, selection, key)


def named(ids: object) -> str:
    """How nodes are called in a label: by name if there is one, by number if there are more."""
    several = sorted(str(i) for i in ids) if isinstance(ids, frozenset | set | list | tuple | dict) else [str(ids)]
    return several[0] if len(several) == 1 else f"{len(several)} nodes"
