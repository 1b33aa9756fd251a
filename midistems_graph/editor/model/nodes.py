"""Nodes added, deleted, renamed, bypassed and muted."""

from __future__ import annotations

import re
from dataclasses import replace

from midistems_graph.document.edits import rename_nodes
from midistems_graph.document.graph import GROUP_PREFIX, NAME, Address, Graph, Node, State
from midistems_graph.editor.model.bodies import (
    TERMINALS,
    Path,
    body_at,
    disconnected,
    free_name,
    with_nodes,
    with_positions,
)
from midistems_graph.editor.model.edit import Edit, Refused, edited, named
from midistems_graph.editor.model.insight import Insight
from midistems_graph.editor.model.plane import GRID, Point, snapped
from midistems_graph.editor.model.selection import Selection
from midistems_graph.editor.model.shape import Side, Sides, shape_of, sides_of
from midistems_graph.editor.model.state import EditorState
from midistems_graph.editor.model.wiring import wired_to, without_nodes_healed
from midistems_graph.node.library import NodeLibrary


def add_node(state: EditorState, library: NodeLibrary, type_id: str, at: Point) -> Edit:
    """Put a new node of a type (or an instance, `group:name`) on the canvas, its title bar under a point."""
    node = new_node(state, library, type_id)
    body = state.body
    node_id = free_name(_plain(type_id), body.nodes)
    shape = shape_of(node_id, node, sides_of(node, state.graph, library) or Sides())
    place = _free_place(state, library, (snapped(at[0] - shape.width / 2), snapped(at[1])))
    return edited(state, body.with_node(node_id, node, place), f"add {node_id}", Selection.of(nodes=[node_id]))


def add_wired(
    state: EditorState, library: NodeLibrary, type_id: str, at: Point, port: Address, side: Side = "out"
) -> Edit:
    """Put a new node on the canvas and wire it to a port; `side` is that of the port."""
    added = add_node(state, library, type_id, at)
    with_it = state.with_graph(added.graph, added.selection)
    (node_id,) = with_it.selection.nodes
    wired = wired_to(with_it, Insight(with_it.graph, library), node_id, port, side)
    return replace(added, graph=wired.graph)


def new_node(state: EditorState, library: NodeLibrary, type_id: str) -> Node:
    """A node of a type that is installed, or an instance of a group; raises Refused."""
    if type_id.startswith(GROUP_PREFIX):
        name = type_id[len(GROUP_PREFIX) :]
        if name not in state.graph.groups:
            raise Refused(f"there is no group {name!r} in this graph")
        refuse_recursion(state.graph, state.path, {name})
        return Node(type_id)
    node_type = library.get(type_id)
    if node_type is None:
        raise Refused(f"no installed pack has the node type {type_id!r}")
    return Node(type_id, node_type.version)


def refuse_recursion(graph: Graph, path: Path, names: set[str]) -> None:
    """Raise Refused if instances of groups would stand inside themselves."""
    open_ = {body_at(graph, path[:depth]).nodes[instance].group for depth, instance in enumerate(path)}
    todo, seen = list(names), set(names)
    while todo:
        name = todo.pop()
        if name in open_:
            raise Refused(f"the group {name!r} would contain itself; leave it first")
        inner = {n.group for n in graph.groups[name].nodes.values() if n.group} if name in graph.groups else set()
        todo += [one for one in inner if one and one not in seen]
        seen |= {one for one in inner if one}


def delete(state: EditorState, insight: Insight, *, heal: bool = True) -> Edit:
    """Delete what is selected; what fed a deleted node feeds what it fed, where the kind of value is the same."""
    chosen = state.selection
    if not chosen:
        raise Refused("nothing is selected; click a node or an edge first")
    body = disconnected(state.body, chosen.edges)
    state = state.with_body(body)
    if chosen.nodes:
        if not heal:
            insight = Insight(Graph(), NodeLibrary.of([]))
        body = without_nodes_healed(state, insight, chosen.nodes)
    frames = tuple(f for i, f in enumerate(body.view.frames) if i not in chosen.frames)
    notes = tuple(n for i, n in enumerate(body.view.notes) if i not in chosen.notes)
    body = replace(body, view=replace(body.view, frames=frames, notes=notes))
    what = named(chosen.nodes) if chosen.nodes else "edges" if chosen.edges else "notes and frames"
    return edited(state, body, f"delete {what}", Selection())


def rename(state: EditorState, node_id: str, label: str) -> Edit:
    """Give a node another label; its id, and with it every `--set` and file name, stays."""
    node = state.body.nodes.get(node_id)
    if node is None:
        raise Refused(f"{node_id.strip('<>')} has no name that could be changed")
    shown = " ".join(label.split())[:200]
    shown = "" if shown == node_id else shown
    return edited(state, with_nodes(state.body, {node_id: replace(node, label=shown)}), f"rename {node_id}")


def change_id(state: EditorState, node_id: str, wanted: str) -> Edit:
    """Give a node another id, everywhere it is named."""
    if node_id not in state.body.nodes or node_id in TERMINALS:
        raise Refused(f"there is no node {node_id!r}")
    if not NAME.match(wanted):
        raise Refused(f"{wanted!r} cannot be an id; use letters, digits, _ and -, beginning with a letter (64 at most)")
    if wanted in state.body.nodes and wanted != node_id:
        raise Refused(f"there is a node {wanted!r} already; choose another id")
    body = rename_nodes(state.body, {node_id: wanted})
    body = replace(body, links=tuple(sorted(body.links, key=lambda link: [str(a) for a in link])))
    return edited(state, body, f"rename {node_id} to {wanted}", Selection.of(nodes=[wanted]))


def toggle_state(state: EditorState, wanted: State) -> Edit:
    """Bypass or mute the selected nodes, or switch them on if all are so already."""
    chosen = {i: state.body.nodes[i] for i in state.selection.nodes}
    if not chosen:
        raise Refused("no node is selected; click one first")
    off = all(node.state == wanted for node in chosen.values())
    changed = {i: replace(node, state="on" if off else wanted) for i, node in chosen.items()}
    verb = "switch on" if off else {"bypassed": "bypass", "muted": "mute", "on": "switch on"}[wanted]
    return edited(state, with_nodes(state.body, changed), f"{verb} {named(chosen)}")


def move(state: EditorState, dx: float, dy: float) -> Edit:
    """Move the selected nodes by a step (arrow keys)."""
    places = state.body.view.nodes
    moved = {i: (places.get(i, (0.0, 0.0))[0] + dx, places.get(i, (0.0, 0.0))[1] + dy) for i in state.selection.nodes}
    if not moved:
        raise Refused("no node is selected; click one first")
    return edited(state, with_positions(state.body, moved), f"move {named(moved)}", key="nudge")


def _plain(type_id: str) -> str:
    """A readable id for a node of a type: `separate.hpss` gives `hpss`."""
    word = re.sub(r"[^A-Za-z0-9_]+", "_", re.split(r"[.:]", type_id)[-1]).strip("_")[:56]
    return word if NAME.match(word) else f"node_{word}".rstrip("_")


def _free_place(state: EditorState, library: NodeLibrary, at: Point) -> Point:
    """The place, or the next one down and to the right where no title bar lies on the new one."""
    taken = {(snapped(x), snapped(y)) for x, y in state.body.view.nodes.values()}
    x, y = at
    while (x, y) in taken:
        x, y = x + 2 * GRID, y + 2 * GRID
    return x, y
