"""Edits of several nodes at once: rename, paste, and groups made and taken apart. Each returns a new graph."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import count
from typing import TypeVar

from midistems_graph.document.graph import GROUP_PREFIX, Address, Body, DocumentError, Edge, Graph, Group, Node, View

B = TypeVar("B", bound=Body)


def rename_nodes(body: B, names: Mapping[str, str]) -> B:
    """The same with other ids for some nodes, everywhere they are named.

    `names` maps old ids to new ones, which must not meet each other or ids that stay.
    """
    if not names:
        return body

    def moved(address: Address) -> Address:
        return replace(address, node=names.get(address.node, address.node))

    def all_moved(addresses: tuple[Address, ...]) -> tuple[Address, ...]:
        return tuple(map(moved, addresses))

    renamed = replace(
        body,
        nodes={names.get(i, i): node for i, node in body.nodes.items()},
        edges=frozenset(Edge(moved(e.source), moved(e.target)) for e in body.edges),
        links=tuple(map(all_moved, body.links)),
        knobs={name: all_moved(ends) for name, ends in body.knobs.items()},
        view=replace(
            body.view,
            nodes={names.get(i, i): at for i, at in body.view.nodes.items()},
            routes={moved(end): points for end, points in body.view.routes.items()},
            mixers={moved(end): channels for end, channels in body.view.mixers.items()},
        ),
    )
    if isinstance(renamed, Group):
        renamed = replace(
            renamed,
            inputs={name: all_moved(ends) for name, ends in renamed.inputs.items()},
            outputs={name: moved(end) for name, end in renamed.outputs.items()},
        )
    return renamed


def merge(graph: Graph, other: Graph) -> Graph:
    """Both graphs in one, as pasting does: clashing ids of the other get a number (`gain-2`).

    Groups that are defined alike are shared, others of one name are kept apart; inputs of one name are one.
    """
    groups = dict(graph.groups)
    renamed: dict[str, str] = {}
    for name, group in other.groups.items():
        if graph.groups.get(name, group) != group:
            renamed[name] = free_name(name, {*graph.groups, *other.groups, *renamed.values()})
    for name, group in other.groups.items():
        groups[renamed.get(name, name)] = _with_groups(group, renamed)
    taken = {*graph.nodes, *other.nodes}
    names: dict[str, str] = {}
    for node_id in sorted(graph.nodes.keys() & other.nodes.keys()):
        names[node_id] = free_name(node_id, taken)
        taken.add(names[node_id])
    pasted = rename_nodes(_with_groups(other, renamed), names)
    view = replace(
        graph.view,
        nodes={**graph.view.nodes, **{i: at for i, at in pasted.view.nodes.items() if i in pasted.nodes}},
        frames=graph.view.frames + pasted.view.frames,
        notes=graph.view.notes + pasted.view.notes,
        routes={**graph.view.routes, **pasted.view.routes},
        mixers={**graph.view.mixers, **pasted.view.mixers},
    )
    return replace(
        graph,
        nodes={**graph.nodes, **pasted.nodes},
        edges=graph.edges | pasted.edges,
        links=graph.links + pasted.links,
        groups=groups,
        inputs={**other.inputs, **graph.inputs},
        view=view,
    )


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, or else the first of `name-2`, `name-3`, ... that is not taken."""
    if name not in taken:
        return name
    return next(tried for i in count(2) if (tried := f"{name[: 64 - len(str(i)) - 1]}-{i}") not in taken)


def _with_groups(body: B, names: Mapping[str, str]) -> B:
    """The same with instances of other groups."""

    def instance(node: Node) -> Node:
        name = names.get(node.group or "")
        return replace(node, type=GROUP_PREFIX + name) if name else node

    return replace(body, nodes={node_id: instance(node) for node_id, node in body.nodes.items()})


def make_group(graph: Graph, ids: Collection[str], name: str) -> Graph:
    """The same with some nodes as a new group and an instance of it, both called `name` (numbered if taken).

    Edges that cross the border become ports of the group, named after the ports inside. Raises
    DocumentError where a node does not exist or a link crosses the border.
    """
    inside = set(ids)
    if missing := sorted(inside - graph.nodes.keys()):
        raise DocumentError(f"there is no node {missing[0]!r} to group")
    for link in graph.links:
        if len({address.node in inside for address in link}) == 2:
            shown = ", ".join(map(str, link))
            raise DocumentError(f"the link {shown} joins knobs inside and outside of the group; remove it first")
    group_name = free_name(name, graph.groups)
    outside = graph.without_nodes(inside)
    instance = free_name(name, outside.nodes)
    inputs: dict[str, tuple[Address, ...]] = {}
    outputs: dict[str, Address] = {}
    ports: dict[Address, str] = {}
    edges = set(outside.edges)
    for edge in sorted(graph.edges):
        if edge.target.node in inside and edge.source.node not in inside:
            port = ports.get(edge.source) or free_name(edge.target.port, inputs)
            ports[edge.source] = port
            inputs[port] = (*inputs.get(port, ()), edge.target)
            edges.add(Edge(edge.source, Address(instance, port)))
        elif edge.source.node in inside and edge.target.node not in inside:
            port = ports.get(edge.source) or free_name(edge.source.port, outputs)
            ports[edge.source] = port
            outputs[port] = edge.source
            edges.add(Edge(Address(instance, port), edge.target))
    group = Group(
        nodes={i: graph.nodes[i] for i in inside},
        edges=frozenset(e for e in graph.edges if e.source.node in inside and e.target.node in inside),
        links=tuple(link for link in graph.links if link[0].node in inside),
        view=View({i: at for i, at in graph.view.nodes.items() if i in inside}),
        inputs=inputs,
        outputs=outputs,
    )
    spots = list(group.view.nodes.values())
    middle = (sum(x for x, _ in spots) / len(spots), sum(y for _, y in spots) / len(spots)) if spots else None
    grouped = replace(outside, edges=frozenset(edges), groups={**graph.groups, group_name: group})
    return grouped.with_node(instance, Node(GROUP_PREFIX + group_name), at=middle)


def unpack_group(graph: Graph, node_id: str) -> Graph:
    """The same with the nodes of a group in place of one instance of it; the definition stays.

    Raises DocumentError where this is no instance, it repeats or is switched off, or an edge ends at a
    port that the group does not have.
    """
    node = graph.nodes.get(node_id, Node(""))
    group = graph.groups.get(node.group or "")
    if group is None:
        raise DocumentError(f"{node_id!r} is no instance of a group of this graph, so it cannot be unpacked")
    if node.knobs.get("repeat", group.repeat) != 1:
        raise DocumentError(f"{node_id!r} repeats; set its knob repeat to 1 before it is unpacked")
    if node.state != "on":
        raise DocumentError(f"{node_id!r} is {node.state}; switch it on before it is unpacked")
    rest = graph.without_nodes([node_id])
    taken = {*rest.nodes, *group.nodes}
    names: dict[str, str] = {}
    for clash in sorted(rest.nodes.keys() & group.nodes.keys()):
        names[clash] = free_name(clash, taken)
        taken.add(names[clash])
    inner = rename_nodes(_with_published(group, node), names)
    edges = set(rest.edges | inner.edges)
    for edge in graph.edges:
        if node_id in (edge.source.node, edge.target.node):
            sources = (edge.source,) if edge.source.node != node_id else _inner(edge, edge.source, inner.outputs)
            ports = {**inner.knobs, **inner.inputs}
            targets = (edge.target,) if edge.target.node != node_id else _inner(edge, edge.target, ports)
            edges |= {Edge(source, target) for source in sources for target in targets}
    return replace(
        rest,
        nodes={**rest.nodes, **inner.nodes},
        edges=frozenset(edges),
        links=rest.links + inner.links,
        view=replace(rest.view, nodes={**rest.view.nodes, **inner.view.nodes}),
    )


def _inner(edge: Edge, end: Address, ports: Mapping[str, Address | tuple[Address, ...]]) -> tuple[Address, ...]:
    """The ports inside that a port of the instance stands for; a place of a variadic port is handed on."""
    found = ports.get(end.port)
    if found is None:
        raise DocumentError(f"the edge {edge} ends at a port that the group does not have; remove it first")
    several = (found,) if isinstance(found, Address) else found
    return tuple(replace(a, index=end.index) if a.index is None else a for a in several)


def _with_published(group: Group, instance: Node) -> Group:
    """The group with the values that an instance gives to published knobs."""
    for knob, value in instance.knobs.items():
        for address in group.knobs.get(knob, ()):
            group = group.with_knob(address.node, address.port, value)
    return group
