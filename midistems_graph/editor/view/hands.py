"""What the inspector does to the knobs and the title of what is selected."""

from __future__ import annotations

from collections.abc import Callable

from midistems_graph.editor.model import knobs, nodes
from midistems_graph.editor.model.edit import Edit
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.view.inspector import Hands

EditThis = Callable[[Callable[[], Edit]], bool]
"""Makes an edit a step of the history, or says why not."""


def hands_of(editor: Editor, edit: EditThis, browse: Callable[[str], None]) -> Hands:
    """The hands of a panel that shows what an editor has selected."""

    def set_knob(name: str, value: object) -> None:
        edit(lambda: knobs.set_knob(editor.state, editor.library, editor.state.selection.nodes, name, value))

    def type_knob(name: str, text: str) -> None:
        edit(lambda: knobs.type_knob(editor.state, editor.library, editor.state.selection.nodes, name, text))
        editor.seal()

    def reset_knob(name: str) -> None:
        edit(lambda: knobs.reset_knob(editor.state, editor.state.selection.nodes, name))

    def rename(label: str) -> None:
        chosen = editor.state.selection.nodes
        if len(chosen) == 1:
            edit(lambda: nodes.rename(editor.state, next(iter(chosen)), label))

    return Hands(set_knob, type_knob, reset_knob, editor.seal, rename, browse)
