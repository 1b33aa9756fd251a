"""Groups flattened and repeats unrolled: one level of nodes with stable addresses.

An inner node of the instance `refine` of a group is `refine/hpss`; of iteration 3 of a repeat group
`loop[3]/hpss` (counted from 1). What a group outputs is an edge from the inner node, so every inner
edge can be heard. An instance stays as a leaf only where its `separator` port (the group as a
function) is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from midistems_graph.document.graph import Address, Body, DocumentError, Edge, Graph, Group, KnobValue, Node

MAX_NODES = 20_000
"""A graph that unfolds into more nodes than this is refused."""

REPEAT = "repeat"
SEPARATOR = "separator"


class Unfolding(DocumentError):
    """Groups that contain themselves, are missing, or unfold into too many nodes."""


@dataclass(frozen=True)
class Flat:
    """Nodes by address and edges between them; knobs hold published overrides and links already."""

    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    aliases: Mapping[str, Address]
    """Ports of group instances (`loop.out`) -> the inner port that they show."""


def flatten(graph: Graph) -> Flat:
    """Flatten a graph; raises Unfolding when groups are missing, recursive or too many."""
    _refuse_recursion(graph)
    count = _count(graph, graph, {})
    if count > MAX_NODES:
        culprit = max(graph.nodes, key=lambda i: _count_node(graph, graph.nodes[i], {}))
        raise Unfolding(
            f"the groups unfold into {count:,} nodes, and {MAX_NODES:,} is the limit; "
            f"most come from the node {culprit!r}: lower its repeat or nest fewer groups"
        )
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    aliases: dict[str, Address] = {}
    for part_nodes, part_edges, part_aliases in _body(graph, graph, ""):
        nodes.update(part_nodes)
        edges.extend(part_edges)
        aliases.update(part_aliases)
    return Flat(nodes, tuple(_resolved(edges, aliases)), {k: _follow(a, aliases) for k, a in aliases.items()})


Parts = tuple[dict[str, Node], list[Edge], dict[str, Address]]


def _body(graph: Graph, body: Body, prefix: str) -> Iterator[Parts]:
    """The flattened parts of one body; edges may still name ports of group instances."""
    linked = with_links(body)
    used_as_function = {e.source.node for e in body.edges if e.source.port == SEPARATOR}
    for node_id, node in linked.items():
        at = prefix + node_id
        if node.group is None:
            yield {at: node}, [], {}
            continue
        group = graph.groups[node.group]
        if node_id in used_as_function:
            yield {at: node}, [], {}
        incoming = [e for e in body.edges if e.target.node == node_id]
        yield from _instance(graph, group, node, at, incoming, prefix)
    for edge in body.edges:
        target = body.nodes.get(edge.target.node)
        if target is not None and target.group is not None:
            continue  # _instance has led it inside
        yield {}, [Edge(_at(edge.source, prefix), _at(edge.target, prefix))], {}


def _instance(graph: Graph, group: Group, node: Node, at: str, incoming: list[Edge], prefix: str) -> Iterator[Parts]:
    """One instance: its iterations in a chain, its outputs as aliases."""
    if node.state == "bypassed":
        yield {}, [], _bypass(group, at, incoming, prefix)
        return
    count = _repeat(node, group)
    fed: dict[str, Edge] = {e.target.port: e for e in incoming}
    for iteration in range(1, count + 1):
        inside = f"{at}[{iteration}]/" if count > 1 or group.carry else f"{at}/"
        before = f"{at}[{iteration - 1}]/"
        body = replace(group, nodes=_published(group, node))
        for nodes, edges, aliases in _body(graph, body, inside):
            yield (
                {a: replace(n, state="muted") if node.state == "muted" else n for a, n in nodes.items()},
                edges,
                aliases,
            )
        edges = []
        for name, targets in group.inputs.items():
            source = _at(fed[name].source, prefix) if name in fed else None
            if iteration > 1 and name in group.carry:
                source = _at(group.outputs[group.carry[name]], before)
            if source is not None:
                edges += [Edge(source, _at(target, inside)) for target in targets]
        for name, edge in fed.items():  # edges that drive a published knob
            if name not in group.inputs:
                edges += [Edge(_at(edge.source, prefix), _at(t, inside)) for t in group.knobs.get(name, ())]
        aliases = {}
        for name, inner in group.outputs.items():
            aliases[f"{at}[{iteration}].{name}"] = _at(inner, inside)
            aliases[f"{at}.{name}"] = _at(inner, inside)  # the last iteration is the group's output
        yield {}, edges, aliases


def _bypass(group: Group, at: str, incoming: list[Edge], prefix: str) -> dict[str, Address]:
    """A bypassed instance shows on each output the input of the same name, or its first input."""
    fed = {e.target.port: e.source for e in incoming}
    first = next((fed[name] for name in group.inputs if name in fed), None)
    shown = {name: fed.get(name, first) for name in group.outputs}
    return {f"{at}.{name}": _at(source, prefix) for name, source in shown.items() if source is not None}


def _published(group: Group, instance: Node) -> dict[str, Node]:
    """The group's nodes with the instance's settings of published knobs."""
    nodes = dict(group.nodes)
    for name, value in instance.knobs.items():
        if name == REPEAT:
            continue
        if name not in group.knobs:
            has = ", ".join(sorted(group.knobs)) or "none"
            raise Unfolding(f"the group {instance.type[6:]!r} publishes no knob {name!r}; it publishes {has}")
        for address in group.knobs[name]:
            inner = nodes[address.node]
            nodes[address.node] = replace(inner, knobs={**inner.knobs, address.port: value})
    return nodes


def with_links(body: Body) -> dict[str, Node]:
    """The nodes of a body with linked knobs set to the value of each link's first knob."""
    nodes = dict(body.nodes)
    for link in body.links:
        first = link[0]
        if first.node not in nodes or first.port not in nodes[first.node].knobs:
            continue  # the default applies: the rules see to it that defaults agree
        value: KnobValue = nodes[first.node].knobs[first.port]
        for other in link[1:]:
            inner = nodes[other.node]
            nodes[other.node] = replace(inner, knobs={**inner.knobs, other.port: value})
    return nodes


def _resolved(edges: list[Edge], aliases: Mapping[str, Address]) -> Iterator[Edge]:
    for edge in edges:
        yield Edge(_follow(edge.source, aliases), edge.target)


def _follow(address: Address, aliases: Mapping[str, Address]) -> Address:
    """The inner port that an instance's output port shows, through nested groups."""
    for _ in range(len(aliases) + 1):
        key = f"{address.node}.{address.port}"
        if key not in aliases:
            return address
        address = aliases[key]
    raise Unfolding(f"the output {address} of a group leads back to itself through bypassed groups")


def _at(address: Address, prefix: str) -> Address:
    return replace(address, node=prefix + address.node)


def _repeat(node: Node, group: Group) -> int:
    value = node.knobs.get(REPEAT, group.repeat)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < 1:
        raise Unfolding(f"repeat cannot be {value!r}; allowed: a whole number from 1")
    return int(value)


def _refuse_recursion(graph: Graph) -> None:
    """Raise Unfolding when a group is missing or contains itself."""
    done: set[str] = set()

    def visit(body: Body, path: tuple[str, ...]) -> None:
        for node_id, node in body.nodes.items():
            name = node.group
            if name is None or name in done:
                continue
            if name not in graph.groups:
                has = ", ".join(sorted(graph.groups)) or "none"
                raise Unfolding(f"the node {node_id!r} uses the group {name!r}, which is not defined; defined: {has}")
            if name in path:
                raise Unfolding(f"the group {name!r} contains itself: {' -> '.join((*path, name))}")
            if len(path) > 50:
                raise Unfolding("groups are nested more than 50 deep")
            visit(graph.groups[name], (*path, name))
            done.add(name)

    visit(graph, ())


def _count(graph: Graph, body: Body, known: dict[str, int]) -> int:
    return sum(_count_node(graph, node, known) for node in body.nodes.values())


def _count_node(graph: Graph, node: Node, known: dict[str, int]) -> int:
    """How many nodes a node unfolds into, without unfolding it."""
    if node.group is None:
        return 1
    if node.group not in known:
        known[node.group] = _count(graph, graph.groups[node.group], known)
    return _repeat(node, graph.groups[node.group]) * known[node.group]
