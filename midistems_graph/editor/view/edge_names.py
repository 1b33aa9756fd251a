"""What is written on edges: the stems that they carry."""

from __future__ import annotations

from midistems_graph.document.graph import Edge
from midistems_graph.editor.model.editor import Editor

MOST = 4


def edge_names(editor: Editor) -> dict[str, str]:
    """Words by the ids of edges; edges without any are left out."""
    named = ((wire.id, stems_on(editor, wire.edge)) for wire in editor.scene.wires.values() if wire.kind == "stems")
    return {edge_id: name for edge_id, name in named if name}


def stems_on(editor: Editor, edge: Edge) -> str:
    """The names of the stems on an edge, the first four of them."""
    flat = editor.insight.flat_source(editor.state.path, edge.source)
    known = editor.insight.formats.get((flat.node, flat.port)) if flat else None
    if known is None or not known.stems:
        return ""
    more = f" +{len(known.stems) - MOST}" if len(known.stems) > MOST else ""
    return " · ".join(known.stems[:MOST]) + more
