"""The body on the canvas: the graph itself or a group that was entered, as one thing with edges.

A path names the instances that were entered, outermost first. Inside a group two more boxes stand on
the canvas: `<inputs>` gives what the group receives, `<outputs>` takes what it shows. Edges to and from
them are the group's ports, so here they are edges like any other; `connected` and `disconnected` know
the difference. The last place of either (`+`) is free: an edge drawn there publishes a new port.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from midistems_graph.document.graph import GROUP_PREFIX, Address, Body, Edge, Graph, Group, Node

B = TypeVar("B", bound=Body)

INPUTS, OUTPUTS, NEW = "<inputs>", "<outputs>", "+"
TERMINALS = (INPUTS, OUTPUTS)
Path = tuple[str, ...]
Positions = Mapping[str, tuple[float, float]]


def valid_path(graph: Graph, path: Path) -> Path:
    """The part of a path that still leads into groups."""
    body: Body = graph
    for depth, instance in enumerate(path):
        node = body.nodes.get(instance)
        group = graph.groups.get(node.group or "") if node else None
        if group is None:
            return path[:depth]
        body = group
    return path


def path_of(prefix: str) -> Path:
    """The way into a body from what flattened addresses inside of it begin with (`loop[2]/inner/`)."""
    return tuple(step.partition("[")[0] for step in prefix.split("/") if step)


def body_at(graph: Graph, path: Path) -> Body:
    """The graph, or the group that the last instance of the path stands for."""
    name = group_at(graph, path)
    return graph if name is None else graph.groups[name]


def group_at(graph: Graph, path: Path) -> str | None:
    """The name of the group that a path leads into; raises KeyError for a path that leads nowhere."""
    body: Body = graph
    name: str | None = None
    for instance in path:
        name = body.nodes[instance].group
        body = graph.groups[name or ""]
    return name


def with_body(graph: Graph, path: Path, body: Body) -> Graph:
    """The graph with another body where the path leads; all instances of a group follow.

    Instances forget what they set for knobs that the group publishes no longer; a group goes with its last instance.
    """
    types = {node.type for node in body_at(graph, path).nodes.values()} - {node.type for node in body.nodes.values()}
    changed = _with_body(graph, path, body)
    return _without_orphans(graph, changed) if any(type.startswith(GROUP_PREFIX) for type in types) else changed


def used_groups(body: Body, groups: Mapping[str, Group]) -> dict[str, Group]:
    """The groups that the nodes of a body are instances of, and those inside them."""
    found: dict[str, Group] = {}
    todo = [node.group for node in body.nodes.values()]
    while todo:
        name = todo.pop()
        if name in groups and name not in found:
            assert name is not None
            found[name] = groups[name]
            todo += [node.group for node in groups[name].nodes.values()]
    return found


def _without_orphans(before: Graph, after: Graph) -> Graph:
    """The graph without the groups that lost their last instance."""
    orphans = used_groups(before, before.groups).keys() - used_groups(after, after.groups).keys()
    return replace(after, groups={name: group for name, group in after.groups.items() if name not in orphans})


def _with_body(graph: Graph, path: Path, body: Body) -> Graph:
    name, body = group_at(graph, path), _without_stale_routes(body)
    if name is None:
        assert isinstance(body, Graph)
        return body
    assert isinstance(body, Group)
    hidden = {(name, knob) for knob in graph.groups[name].knobs.keys() - body.knobs.keys()}
    graph = replace(graph, groups={**graph.groups, name: body})
    while hidden:
        groups = {one: _forgetful(group, hidden) for one, group in graph.groups.items()}
        graph = replace(_forgetful(graph, hidden), groups=groups)
        emptied = {(one, knob) for one, group in groups.items() for knob, ends in group.knobs.items() if not ends}
        hidden = emptied - hidden
        groups = {one: _without_knobs(group, {k for g, k in hidden if g == one}) for one, group in groups.items()}
        graph = replace(graph, groups=groups)
    return graph


def _without_stale_routes(body: Body) -> Body:
    """The body without the ways of edges that are gone."""
    if not body.view.routes:
        return body
    ends = {edge.target for edge in body.edges}
    kept = {end: points for end, points in body.view.routes.items() if end in ends}
    return body if len(kept) == len(body.view.routes) else replace(body, view=replace(body.view, routes=kept))


def as_graph(graph: Graph, body: Body) -> Graph:
    """A graph that consists of a body, for rules that speak of graphs."""
    return graph if body is graph else replace(graph, nodes=body.nodes, edges=body.edges, links=body.links)


def all_edges(body: Body) -> frozenset[Edge]:
    """The edges of a body, with those to and from the ports of a group."""
    if not isinstance(body, Group):
        return body.edges
    entering = (Edge(Address(INPUTS, name), end) for name, ends in body.inputs.items() for end in ends)
    leaving = (Edge(end, Address(OUTPUTS, name)) for name, end in body.outputs.items())
    return body.edges | frozenset(entering) | frozenset(leaving)


def connected(body: B, source: Address, target: Address) -> B:
    """The same with an edge; one that ends there already gives way."""
    if isinstance(body, Group):
        if target.node == OUTPUTS:
            name = free_name(source.port, body.outputs) if target.port == NEW else target.port
            return replace(body, outputs={**body.outputs, name: source})
        body = replace(body, edges=frozenset(e for e in body.edges if e.target != target), inputs=_fed(body, {target}))
        if source.node == INPUTS:
            name = free_name(target.port, {**body.inputs, **body.knobs}) if source.port == NEW else source.port
            return replace(body, inputs={**body.inputs, name: (*body.inputs.get(name, ()), target)})
    return body.with_edge(source, target)


def disconnected(body: B, edges: Collection[Edge], *, close_gaps: bool = True) -> B:
    """The same without some edges; the places of variadic ports are numbered anew without gaps."""
    gone = set(edges)
    if isinstance(body, Group):
        dropped = {e.target.port for e in gone if e.target.node == OUTPUTS}
        fed = {e.target for e in gone if e.source.node == INPUTS}
        body = replace(
            body,
            inputs=_fed(body, fed),
            outputs={name: end for name, end in body.outputs.items() if name not in dropped},
            carry={target: source for target, source in body.carry.items() if source not in dropped},
        )
    body = replace(body, edges=body.edges - gone)
    places = {(e.target.node, e.target.port) for e in gone if e.target.index is not None}
    return _without_gaps(body, places) if close_gaps and places else body


def without_nodes(body: B, ids: Iterable[str]) -> B:
    """The same without some nodes and all that named them, published ports and knobs of a group included."""
    gone = set(ids)
    ends = {e for e in all_edges(body) if e.source.node in gone and e.target.node not in gone}
    lost = {e for e in all_edges(body) if e.target.node == OUTPUTS and e.source.node in gone}
    body = disconnected(body, ends | lost)
    if isinstance(body, Group):
        body = replace(
            body,
            inputs={n: tuple(a for a in ends if a.node not in gone) for n, ends in body.inputs.items()},
        )
    return body.without_nodes(gone)


def with_positions(body: B, positions: Positions) -> B:
    """The same with some nodes elsewhere."""
    return replace(body, view=replace(body.view, nodes={**body.view.nodes, **positions}))


def with_nodes(body: B, nodes: Mapping[str, Node]) -> B:
    """The same with nodes added or replaced."""
    return replace(body, nodes={**body.nodes, **nodes})


def free_name(wanted: str, taken: Collection[str]) -> str:
    """The wanted name, or the first of wanted_2, wanted_3 ... that nothing has."""
    if wanted not in taken:
        return wanted
    stem, _, number = wanted.rpartition("_")
    stem = stem if stem and number.isdecimal() else wanted
    return next(name for k in range(2, len(taken) + 3) if (name := f"{stem[:56]}_{k}") not in taken)


def _forgetful(body: B, hidden: set[tuple[str, str]]) -> B:
    """The body whose instances set no hidden knobs (group, knob), whether by value, link or as published ones.

    A group keeps the names that stand for nothing then, for its own instances have to forget them, too.
    """
    gone = {Address(i, knob) for i, node in body.nodes.items() for group, knob in hidden if node.group == group}
    if not gone:
        return body
    nodes = {}
    for node_id in {address.node for address in gone}:
        node = body.nodes[node_id]
        kept = {knob: value for knob, value in node.knobs.items() if Address(node_id, knob) not in gone}
        nodes[node_id] = replace(node, knobs=kept)
    links = (tuple(a for a in link if a not in gone) for link in body.links)
    knobs = {name: tuple(a for a in ends if a not in gone) for name, ends in body.knobs.items()}
    return replace(
        body,
        nodes={**body.nodes, **nodes},
        edges=frozenset(e for e in body.edges if e.target not in gone),
        links=tuple(sorted((k for k in links if len(k) > 1), key=lambda link: [str(a) for a in link])),
        knobs={name: ends for name, ends in knobs.items() if ends or isinstance(body, Group)},
    )


def _without_knobs(group: Group, names: set[str]) -> Group:
    """The group that publishes some knobs no longer."""
    return replace(group, knobs={name: e for name, e in group.knobs.items() if name not in names}) if names else group


def _fed(group: Group, gone: set[Address]) -> dict[str, tuple[Address, ...]]:
    """What the inputs of a group feed, without some inner ports."""
    return {name: tuple(a for a in ends if a not in gone) for name, ends in group.inputs.items()}


def _without_gaps(body: B, ports: Collection[tuple[str, str]]) -> B:
    """The same with the places of some ports numbered 0, 1, 2 in the order they had."""
    used: dict[tuple[str, str], set[int]] = defaultdict(set)
    for edge in all_edges(body):
        port = (edge.target.node, edge.target.port)
        if port in ports and edge.target.index is not None:
            used[port].add(edge.target.index)
    number = {Address(*port, old): new for port, places in used.items() for new, old in enumerate(sorted(places))}

    def moved(end: Address) -> Address:
        return end if end not in number else replace(end, index=number[end])

    body = replace(body, edges=frozenset(Edge(e.source, moved(e.target)) for e in body.edges))
    if isinstance(body, Group):
        body = replace(body, inputs={name: tuple(map(moved, ends)) for name, ends in body.inputs.items()})
    return body
