"""Copy, cut, paste and duplicate. What is copied is the text of a graph file, so any graph can be pasted.

Edges from nodes that were not copied are listed in the field `incoming`; `paste` draws them again on request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from midistems_graph.document.edits import rename_nodes
from midistems_graph.document.files import dumps, loads
from midistems_graph.document.graph import GROUP_PREFIX, Body, DocumentError, Edge, Graph, View
from midistems_graph.editor.model.bodies import connected, free_name, used_groups, with_body
from midistems_graph.editor.model.edit import Edit, Refused, named
from midistems_graph.editor.model.insight import Insight
from midistems_graph.editor.model.nodes import delete, refuse_recursion
from midistems_graph.editor.model.plane import GRID, Point, snapped
from midistems_graph.editor.model.routes import routes_of, shifted
from midistems_graph.editor.model.selection import Selection
from midistems_graph.editor.model.state import EditorState

B = TypeVar("B", bound=Body)

INCOMING = "incoming"
SHIFT = 2 * GRID
"""How far from the original a duplicate lies."""


def copy(state: EditorState) -> str:
    """The selection as text; raises Refused if nothing is selected."""
    return dumps(_taken(state)).decode()


def cut(state: EditorState, insight: Insight) -> tuple[str, Edit]:
    """The selection as text, and the deletion of it."""
    text = copy(state)
    removed = delete(state, insight)
    return text, replace(removed, label=removed.label.replace("delete", "cut", 1))


def paste(state: EditorState, text: str, at: Point | None = None, *, incoming: bool = False) -> Edit:
    """Put copied nodes, or a whole graph, on the canvas, the upper left corner at a point (or just beside).

    Ids that are taken get numbers. Groups come along; one of the same name with another content is renamed.
    `incoming` draws the edges again that came from nodes that were not copied.
    """
    try:
        source = loads(text.encode("utf-8", "replace"))
    except DocumentError as error:
        raise Refused(f"the clipboard holds no nodes: {error}") from None
    return _pasted(state, source, _shift(source, at), incoming, "paste")


def insert(state: EditorState, graph: Graph, at: Point | None = None) -> Edit:
    """Put the nodes of a whole graph on the canvas, as `paste` does."""
    return _pasted(state, graph, _shift(graph, at), False, "import")


def duplicate(state: EditorState, *, incoming: bool = False, by: Point = (SHIFT, SHIFT)) -> Edit:
    """The selection once more, a little to the side; with `incoming`, fed by what feeds the originals."""
    return _pasted(state, _taken(state), by, incoming, "duplicate")


def _taken(state: EditorState) -> Graph:
    body, chosen = state.body, state.selection
    if not (chosen.nodes or chosen.frames or chosen.notes):
        raise Refused("nothing is selected that could be copied; click a node first")
    ids = chosen.nodes
    arriving = [e for e in body.edges if e.target.node in ids and e.source.node not in ids]
    inner = frozenset(e for e in body.edges if e.source.node in ids and e.target.node in ids)
    view = View(
        {i: place for i, place in body.view.nodes.items() if i in ids},
        tuple(f for i, f in enumerate(body.view.frames) if i in chosen.frames),
        tuple(n for i, n in enumerate(body.view.notes) if i in chosen.notes),
        routes=routes_of(body, inner),
    )
    nodes = {i: node for i, node in body.nodes.items() if i in ids}
    return Graph(
        nodes=nodes,
        edges=inner,
        links=tuple(link for link in body.links if all(a.node in ids for a in link)),
        view=view,
        groups=used_groups(Body(nodes=nodes), state.graph.groups),
        extra={INCOMING: [[str(e.source), str(e.target)] for e in sorted(arriving)]} if arriving else {},
    )


def _pasted(state: EditorState, source: Graph, by: Point, incoming: bool, verb: str) -> Edit:
    if not (source.nodes or source.view.frames or source.view.notes):
        raise Refused("there is nothing in what was copied")
    graph, source = _with_groups(state.graph, source)
    instances = {node.group for node in source.nodes.values() if node.group}
    refuse_recursion(graph, state.path, {name for name in instances if name})
    body = state.with_graph(graph).body
    names: dict[str, str] = {}
    for node_id in source.nodes:
        names[node_id] = free_name(node_id, {*body.nodes, *names.values()})
    arriving = _incoming(source, names) if incoming else []
    # ids that are free stay, so renaming in two steps cannot meet an id that is to be renamed itself
    own = {old: f"paste-{i}" for i, old in enumerate(names)}
    pasted = rename_nodes(rename_nodes(source, own), {own[old]: new for old, new in names.items()})
    dx, dy = by
    places = {i: (x + dx, y + dy) for i, (x, y) in pasted.view.nodes.items() if i in pasted.nodes}
    frames = tuple(replace(f, x=f.x + dx, y=f.y + dy) for f in pasted.view.frames)
    notes = tuple(replace(n, x=n.x + dx, y=n.y + dy) for n in pasted.view.notes)
    routes = {end: shifted(points, by) for end, points in pasted.view.routes.items()}
    view = body.view
    links = sorted((*body.links, *pasted.links), key=lambda link: [str(a) for a in link])
    chosen = Selection.of(
        names.values(),
        (),
        range(len(view.frames), len(view.frames) + len(frames)),
        range(len(view.notes), len(view.notes) + len(notes)),
    )
    body = replace(
        body,
        nodes={**body.nodes, **pasted.nodes},
        edges=body.edges | pasted.edges,
        links=tuple(links),
        view=replace(
            view,
            nodes={**view.nodes, **places},
            frames=(*view.frames, *frames),
            notes=(*view.notes, *notes),
            routes={**view.routes, **routes},
        ),
    )
    for edge in arriving:
        if edge.source.node in body.nodes:
            body = connected(body, edge.source, edge.target)
    return Edit(with_body(graph, state.path, body), f"{verb} {named(names)}", chosen)


def _incoming(source: Graph, names: Mapping[str, str]) -> list[Edge]:
    """The edges that the field `incoming` lists, with the new ids; what is no edge is left out."""
    found = []
    listed = source.extra.get(INCOMING, [])
    for pair in listed if isinstance(listed, list) else []:
        try:
            start, end = pair
            edge = Edge.parse(start, end)
        except (DocumentError, TypeError, ValueError):
            continue
        if edge.target.node in names:
            found.append(replace(edge, target=replace(edge.target, node=names[edge.target.node])))
    return found


def _with_groups(graph: Graph, source: Graph) -> tuple[Graph, Graph]:
    """The graph with the groups and inputs of another; groups of the other renamed where names meet."""
    names: dict[str, str] = {}
    for name, group in source.groups.items():
        known = graph.groups.get(name)
        taken = {*graph.groups, *names.values(), *(source.groups.keys() - {name})}
        names[name] = name if known is None or known == group else free_name(name, taken)
    groups = {names[name]: _renamed_types(group, names) for name, group in source.groups.items()}
    inputs = {**source.inputs, **graph.inputs} if source.inputs != Graph().inputs else graph.inputs
    return replace(graph, groups={**graph.groups, **groups}, inputs=inputs), _renamed_types(source, names)


def _renamed_types(body: B, names: Mapping[str, str]) -> B:
    changed = {}
    for node_id, node in body.nodes.items():
        name = names.get(node.group or "", node.group)
        if name and name != node.group:
            changed[node_id] = replace(node, type=GROUP_PREFIX + name)
    return replace(body, nodes={**body.nodes, **changed}) if changed else body


def _shift(pasted: Graph, at: Point | None) -> Point:
    """How far to move what is pasted, on the grid."""
    corners = [*pasted.view.nodes.values()]
    corners += [(f.x, f.y) for f in pasted.view.frames] + [(n.x, n.y) for n in pasted.view.notes]
    if at is None or not corners:
        return SHIFT, SHIFT
    return snapped(at[0] - min(x for x, _ in corners)), snapped(at[1] - min(y for _, y in corners))
