"""The search for node types: what is chosen is put on the canvas, and wired to the port that was dragged."""

from __future__ import annotations

from collections.abc import Sequence

from midistems_graph.editor.model import nodes
from midistems_graph.editor.model.edit import Edit
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.events import AskForNode
from midistems_graph.editor.model.palette import Palette as Search
from midistems_graph.editor.view.menu import Row
from midistems_graph.editor.view.palette import Palette, wire_color


def kinds_asked(editor: Editor, asked: AskForNode) -> tuple[str, ...]:
    """The kinds of value that the port gives or takes for which a node is searched; none for any node."""
    if asked.port is None:
        return ()
    known = editor.insight.kind(editor.state.path, asked.port) if asked.side == "out" else ""
    box = editor.scene.boxes.get(asked.port.node)
    spot = box.shape.port(asked.side or "out", asked.port.port, asked.port.index) if box else None
    return (known,) if known else spot.kinds if spot else ()


def hint_of(asked: AskForNode, kinds: Sequence[str]) -> str:
    """What the line to type in says."""
    if not kinds:
        return "add a node"
    return f"add a node that {'takes' if asked.side == 'out' else 'gives'} {' or '.join(kinds)}"


def found_types(
    editor: Editor, asked: AskForNode, kinds: tuple[str, ...], query: str, recent: tuple[str, ...], palette: Palette
) -> list[Row]:
    """The lines of the search, the best first."""
    search = Search.of(editor.library, editor.state.graph)
    found = search.search(query, recent=recent, kinds=kinds, side=asked.side or None)
    return [Row(e.id, e.title, e.id, wire_color(min(e.gives or {""}), palette), note=e.summary) for e in found]


def added(editor: Editor, type_id: str, asked: AskForNode) -> Edit:
    """The edit that puts a node of a type where it was asked for."""
    state, library = editor.state, editor.library
    if asked.port is None:
        return nodes.add_node(state, library, type_id, asked.at)
    return nodes.add_wired(state, library, type_id, asked.at, asked.port, asked.side or "out")
