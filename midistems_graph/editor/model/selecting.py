"""What the commands of selection select: all, the others, what feeds it, what it feeds."""

from __future__ import annotations

from typing import Literal

from midistems_graph.editor.model.selection import Selection
from midistems_graph.editor.model.state import EditorState


def everything(state: EditorState) -> Selection:
    return Selection.everything(state.body)


def inverted(state: EditorState) -> Selection:
    """The nodes, frames and notes that are not selected."""
    return Selection.everything(state.body) - state.selection


def along(state: EditorState, direction: Literal["upstream", "downstream"]) -> Selection:
    """The selection with all nodes that feed it, or that it feeds."""
    import networkx as nx  # late: a fifth of a second that opening the editor need not wait for

    wiring: nx.DiGraph[str] = nx.DiGraph()
    wiring.add_nodes_from(state.body.nodes)
    wiring.add_edges_from((e.source.node, e.target.node) for e in state.body.edges)
    reach = nx.ancestors if direction == "upstream" else nx.descendants
    found = set(state.selection.nodes)
    for node_id in state.selection.nodes:
        found |= reach(wiring, node_id)
    return state.selection | Selection.of(found)
