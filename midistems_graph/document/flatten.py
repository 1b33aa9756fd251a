"""Groups flattened and repeats unrolled: one level of nodes with stable addresses.

An inner node of the instance `refine` of a group is `refine/hpss`; of iteration 3 of a repeat group
`loop[3]/hpss` (counted from 1). What a group outputs is an edge from the inner node, so every inner
edge can be heard. An instance stays as a leaf only where its `separator` port (the group as a
function) is used. A locked instance is flattened, too: the inner nodes that its outputs show are locked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from midistems_graph.document.graph import (
    Address,
    Body,
    DocumentError,
    Edge,
    Graph,
    Group,
    KnobValue,
    Lock,
    Node,
    State,
)

MAX_NODES = 20_000
"""A graph that unfolds into more nodes than this is refused."""

MAX_DEPTH = 50
"""Groups may be nested this deep."""

REPEAT = "repeat"
SEPARATOR = "separator"
SCORER = "scorer"

FUNCTIONS = frozenset({SEPARATOR, SCORER})
"""Output ports that offer the node itself as a function; so are their kinds called."""


class Unfolding(DocumentError):
    """Groups that contain themselves, are missing, or unfold into too many nodes."""


@dataclass(frozen=True)
class Flat:
    """Nodes by address and edges between them; knobs hold published overrides and links already."""

    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    aliases: Mapping[str, Address]
    """Ports of group instances (`loop.out`) -> the inner port that they show."""
    bodies: Mapping[str, Body] = field(default_factory=dict)
    """Every body that was unfolded (`loop[2]/`; the graph itself under ``) with its instance's settings."""


def flatten(graph: Graph) -> Flat:
    """Flatten a graph; raises Unfolding when groups are missing, recursive or too many.

    Edges that name a node or a port that does not exist are kept as they are, for the rules to report.
    """
    if not any(node.group for node in graph.nodes.values()):
        return Flat(with_links(graph), tuple(sorted(graph.edges, key=str)), {}, {"": graph})
    _refuse_unsound(graph)
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    aliases: dict[str, Address] = {}
    bodies: dict[str, Body] = {}
    fed: dict[str, Sequence[Address]] = {}
    bypassed: dict[str, Group] = {}
    locks: dict[str, Lock] = {}
    for part in _body(graph, graph, ""):
        nodes.update(part.nodes)
        edges.extend(part.edges)
        aliases.update(part.aliases)
        bodies.update(part.bodies)
        fed.update(part.fed)
        bypassed.update(part.bypassed)
        locks.update(part.locks)
        if len(nodes) > MAX_NODES or len(bodies) > MAX_NODES:
            raise Unfolding(
                f"the groups unfold into more than {MAX_NODES:,} nodes, which is the limit; "
                f"most come from the node {_largest(bodies)!r}: lower its repeat or nest fewer groups"
            )
    led: dict[Address, Sequence[Address]] = {}
    edges = [Edge(e.source, target) for e in edges for target in _led_inside(e.target, fed, led)]
    aliases |= _passed_on(bypassed, edges)
    ends: dict[str, Address] = {}
    kept = (e for e in edges if not _ends_at_bypassed(e.target, bypassed))
    resolved = tuple(Edge(_follow(edge.source, aliases, ends), edge.target) for edge in kept)
    shown = {name: _follow(a, aliases, ends) for name, a in aliases.items()}
    return Flat(_with_locks(nodes, locks, shown), resolved, shown, bodies)


@dataclass(frozen=True)
class _Part:
    """A piece of what is being unfolded; edges may still name ports of group instances."""

    nodes: Mapping[str, Node] = field(default_factory=dict)
    edges: Sequence[Edge] = ()
    aliases: Mapping[str, Address] = field(default_factory=dict)
    bodies: Mapping[str, Body] = field(default_factory=dict)
    fed: Mapping[str, Sequence[Address]] = field(default_factory=dict)
    """Inputs and published knobs of instances (`loop.audio`) -> what they feed one level further in."""
    bypassed: Mapping[str, Group] = field(default_factory=dict)
    locks: Mapping[str, Lock] = field(default_factory=dict)
    """Of instances that are locked."""


def _body(graph: Graph, body: Body, prefix: str) -> Iterator[_Part]:
    """The parts of one body."""
    yield _Part(bodies={prefix: body})
    ordered = sorted(body.edges, key=str)
    functions = {e.source.node for e in ordered if e.source.port == SEPARATOR}
    if isinstance(body, Group):
        functions |= {address.node for address in body.outputs.values() if address.port == SEPARATOR}
    for node_id, node in with_links(body).items():
        at = prefix + node_id
        if node.group is None:
            yield _Part({at: node})
            continue
        group = graph.groups[node.group]
        if node_id in functions and SEPARATOR not in group.outputs:
            yield _Part({at: node})
        yield from _instance(graph, group, node, at)
    yield _Part(edges=[Edge(_at(e.source, prefix), _at(e.target, prefix)) for e in ordered])


def _instance(graph: Graph, group: Group, node: Node, at: str) -> Iterator[_Part]:
    """One instance: its iterations in a chain, its outputs as aliases."""
    if node.state == "bypassed":
        yield _Part(bypassed={at: group})
        return
    count = _repeat(node, group)
    fed: dict[str, list[Address]] = {f"{at}.{name}": [] for name in (*group.inputs, *group.knobs)}
    body = replace(group, nodes=_published(group, node))
    for iteration in range(1, count + 1):
        inside = f"{at}[{iteration}]/" if count > 1 or group.carry else f"{at}/"
        before = f"{at}[{iteration - 1}]/"
        for part in _body(graph, body, inside):
            if node.state == "muted":
                muted = {a: replace(n, state="muted") for a, n in part.nodes.items()}
                part = replace(part, nodes=muted)
            yield part
        edges = []
        for name, targets in (*group.knobs.items(), *group.inputs.items()):
            inner_targets = [_at(target, inside) for target in targets]
            if iteration > 1 and name in group.carry:
                carried = _at(group.outputs[group.carry[name]], before)
                edges += [Edge(carried, target) for target in inner_targets]
            else:
                fed[f"{at}.{name}"] += inner_targets
        aliases = {}
        for name, inner in group.outputs.items():
            aliases[f"{at}[{iteration}].{name}"] = _at(inner, inside)
            aliases[f"{at}.{name}"] = _at(inner, inside)  # the last iteration is the group's output
        yield _Part(edges=edges, aliases=aliases)
    yield _Part(fed=fed, locks={at: node.lock} if node.lock else {})


def _with_locks(
    nodes: Mapping[str, Node], locks: Mapping[str, Lock], shown: Mapping[str, Address]
) -> Mapping[str, Node]:
    """The nodes with the locks of instances: those that an instance's outputs show are locked to what it gave.

    Of an instance within another the outer one's lock counts. What an instance only passes on stays as it is.
    """
    found = dict(nodes)
    for at in sorted(locks, key=lambda address: -address.count("/")):
        outputs: dict[str, dict[str, str]] = {}
        for name, digest in locks[at].outputs.items():
            inner = shown.get(f"{at}.{name}")
            if inner is not None and inner.node.startswith((f"{at}/", f"{at}[")):
                outputs.setdefault(inner.node, {})[inner.port] = digest
        for address, digests in outputs.items():
            node = found[address]
            state: State = "on" if node.state == "bypassed" else node.state
            found[address] = replace(node, lock=Lock(locks[at].song, digests), state=state)
    return found


def _passed_on(bypassed: Mapping[str, Group], edges: Sequence[Edge]) -> dict[str, Address]:
    """A bypassed instance shows on each output the input of the same name, or its first connected one."""
    arriving: dict[str, dict[str, Address]] = {at: {} for at in bypassed}
    for edge in edges:
        if edge.target.node in bypassed and edge.target.port in bypassed[edge.target.node].inputs:
            arriving[edge.target.node].setdefault(edge.target.port, edge.source)
    shown: dict[str, Address] = {}
    for at, group in bypassed.items():
        connected = [arriving[at][name] for name in group.inputs if name in arriving[at]]
        for name in group.outputs if connected else ():
            shown[f"{at}.{name}"] = arriving[at].get(name, connected[0])
    return shown


def _ends_at_bypassed(target: Address, bypassed: Mapping[str, Group]) -> bool:
    group = bypassed.get(target.node)
    return group is not None and target.index is None and (target.port in group.inputs or target.port in group.knobs)


def _published(group: Group, instance: Node) -> dict[str, Node]:
    """The group's nodes with the instance's settings of published knobs."""
    nodes = dict(group.nodes)
    for name, value in instance.knobs.items():
        if name == REPEAT:
            continue
        if name not in group.knobs:
            has = ", ".join(sorted(group.knobs)) or "none"
            raise Unfolding(f"the group {instance.group!r} publishes no knob {name!r}; it publishes {has}")
        for address in group.knobs[name]:
            inner = nodes[address.node]
            nodes[address.node] = replace(inner, knobs={**inner.knobs, address.port: value})
    return nodes


def with_links(body: Body) -> dict[str, Node]:
    """The nodes of a body with linked knobs set to the value of each link's first knob."""
    nodes = dict(body.nodes)
    for link in body.links:
        if not link:
            continue
        first = link[0]
        if first.node not in nodes or first.port not in nodes[first.node].knobs:
            continue  # the default applies: the rules see to it that defaults agree
        value: KnobValue = nodes[first.node].knobs[first.port]
        for other in link[1:]:
            if other.node not in nodes:
                continue  # the rules report it
            inner = nodes[other.node]
            nodes[other.node] = replace(inner, knobs={**inner.knobs, other.port: value})
    return nodes


def _follow(address: Address, aliases: Mapping[str, Address], known: dict[str, Address]) -> Address:
    """The inner port that an instance's output port shows, through nested and bypassed groups."""
    trail: dict[str, None] = {}
    while (key := f"{address.node}.{address.port}") in aliases:
        if key in trail:
            raise Unfolding(f"the output {address} of a group leads back to itself through bypassed groups")
        if key in known:
            address = known[key]
            break
        trail[key] = None
        address = aliases[key]
    known.update(dict.fromkeys(trail, address))
    return address


def _led_inside(
    address: Address, fed: Mapping[str, Sequence[Address]], known: dict[Address, Sequence[Address]]
) -> Sequence[Address]:
    """The inner ports, each once, that an edge to an instance's input feeds, through nested groups."""
    key = f"{address.node}.{address.port}"
    if address.index is not None or key not in fed:
        return (address,)
    if address not in known:
        inner = (deepest for target in fed[key] for deepest in _led_inside(target, fed, known))
        known[address] = tuple(dict.fromkeys(inner))
    return known[address]


def _at(address: Address, prefix: str) -> Address:
    return Address(prefix + address.node, address.port, address.index) if prefix else address


def _repeat(node: Node, group: Group) -> int:
    value = node.knobs.get(REPEAT, group.repeat)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Unfolding(f"the repeat of the group {node.group!r} cannot be {value!r}; allowed: a whole number from 1")
    return value


def _largest(bodies: Mapping[str, Body]) -> str:
    """The node of the graph itself that most bodies come from."""
    return Counter(re.split(r"[\[/]", prefix, maxsplit=1)[0] for prefix in bodies if prefix).most_common(1)[0][0]


def _refuse_unsound(graph: Graph) -> None:
    """Raise Unfolding when a group is missing, contains itself or speaks of inner nodes that it does not have."""
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
            if len(path) >= MAX_DEPTH:
                raise Unfolding(f"groups are nested more than {MAX_DEPTH} deep; nest fewer")
            _refuse_strangers(name, graph.groups[name])
            visit(graph.groups[name], (*path, name))
            done.add(name)

    visit(graph, ())


def _refuse_strangers(name: str, group: Group) -> None:
    """Raise Unfolding when what a group publishes or carries does not exist."""
    several = [("input", port, a) for port, inner in group.inputs.items() for a in inner]
    several += [("knob", knob, a) for knob, inner in group.knobs.items() for a in inner]
    several += [("output", port, a) for port, a in group.outputs.items()]
    for what, port, address in several:
        if address.node not in group.nodes:
            raise Unfolding(
                f"the {what} {port!r} of the group {name!r} names {address}, and the group has no node "
                f"{address.node!r}; it has {', '.join(sorted(group.nodes)) or 'none'}"
            )
    for target, source in group.carry.items():
        if target not in group.inputs or source not in group.outputs:
            outputs, inputs = (", ".join(sorted(ports)) or "none" for ports in (group.outputs, group.inputs))
            raise Unfolding(
                f"the group {name!r} carries its output {source!r} to its input {target!r}; "
                f"it has the outputs {outputs} and the inputs {inputs}"
            )
