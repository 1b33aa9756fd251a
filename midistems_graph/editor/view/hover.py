"""What is said about the port or the edge under the pointer."""

from __future__ import annotations

from midistems_graph.document.graph import Edge
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.scene_items import Hit
from midistems_graph.editor.view.edge_names import stems_on
from midistems_graph.editor.view.marks import spoken_level


def words_at(editor: Editor, hit: Hit, level: float | None, *, named: bool) -> str:
    """A sentence, empty if there is nothing to say; `named` is whether edges say their stems and level themselves."""
    if hit.kind == "port" and hit.port is not None:
        return _of_port(editor, hit)
    wire = editor.scene.wires.get(hit.id) if hit.kind == "edge" and not named else None
    return _of_edge(editor, wire.edge, wire.kind, level) if wire is not None else ""


def _of_port(editor: Editor, hit: Hit) -> str:
    """What a port takes or gives, and what its node type says of it."""
    port, node = hit.port, editor.state.body.nodes.get(hit.id)
    assert port is not None
    node_type = editor.library.get(node.type) if node else None
    kind = editor.insight.kind(editor.state.path, hit.address) if port.side == "out" else ""
    what = kind or " or ".join(port.kinds) or "anything"
    docs = node_type.parameter_docs.get(port.name, "") if node_type and port.side == "in" else ""
    optional = ", may stay open" if port.optional and not port.free else ""
    return f"{port.shown}: {what}{optional}" + (f". {' '.join(docs.split())}" if docs else "")


def _of_edge(editor: Editor, edge: Edge, kind: str, level: float | None) -> str:
    told = (kind, stems_on(editor, edge), "" if level is None else spoken_level(level))
    return ", ".join(words for words in told if words)
