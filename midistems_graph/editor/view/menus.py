"""What the context menu offers for the thing under the pointer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from midistems_graph.editor.model.commands import COMMANDS
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.scene_items import Hit
from midistems_graph.editor.view.menu import Row

LINE = ""

ON_NODES = (
    "run",
    "bypass",
    "mute",
    "lock",
    "rename",
    LINE,
    "cut",
    "copy",
    "duplicate",
    "duplicate_wired",
    "disconnect",
    "delete",
    LINE,
    "group",
    "frame",
    "upstream",
    "downstream",
)
ON_GROUP = ("enter", "unpack", LINE)
ON_SEVERAL = ("align_left", "align_top", "distribute_across", "distribute_down", LINE)
ON_EDGE = ("disconnect",)
ON_DECOR = ("rename", "copy", "delete")
ON_CANVAS = (
    "palette",
    "note",
    "paste",
    LINE,
    "select_all",
    "look_at_all",
    "layout",
    LINE,
    "minimap",
    "settings",
    "shortcuts",
)


def rows_for(editor: Editor, hit: Hit, hint: Callable[[str], str]) -> Sequence[Row]:
    """The lines of the menu, commands by their names."""
    return [_row(name, hint) for name in _names(editor, hit)]


def _names(editor: Editor, hit: Hit) -> tuple[str, ...]:
    state = editor.state
    match hit.kind:
        case "node" | "port":
            node = state.body.nodes.get(hit.id)
            inside = ON_GROUP if node and node.group in state.graph.groups else ()
            several = ON_SEVERAL if len(state.selection.nodes) > 1 else ()
            return (*inside, *several, *ON_NODES)
        case "edge":
            return ON_EDGE
        case "frame" | "note":
            return ON_DECOR
    leave = ("leave",) if state.path else ()
    if editor.insight.iterations(state.path)[1] > 1:
        leave = (*leave, "iteration_before", "iteration_next")
    return (*leave, *ON_CANVAS)


def _row(name: str, hint: Callable[[str], str]) -> Row:
    return Row(name, COMMANDS[name].title, hint(name)) if name else Row("", "")
