"""Rules of ports and edges: ends exist, kinds agree, places are in order, nothing runs in a circle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from midistems_graph.document.flatten import FUNCTIONS, REPEAT, SEPARATOR
from midistems_graph.document.graph import Address, Edge, Node
from midistems_graph.node.definition import Port
from midistems_graph.node.knob import Knob
from midistems_graph.rules.problems import (
    BypassImpossible,
    Cycle,
    GenericMismatch,
    IndexMissing,
    IndexRefused,
    KindMismatch,
    KnobEdgeKind,
    KnobShapesPlan,
    MissingInput,
    PortTaken,
    Problem,
    UnknownNode,
    UnknownPort,
    VariadicGap,
)
from midistems_graph.rules.site import Site


def ends_exist(site: Site) -> Iterator[Problem]:
    """UnknownNode, UnknownPort, IndexRefused, and what only group instances can have wrong."""
    for edge in site.flat.edges:
        yield from _source_exists(site, edge)
        yield from _target_exists(site, edge)


def _source_exists(site: Site, edge: Edge) -> Iterator[Problem]:
    at = edge.source
    node_type, instance = site.type_of(at.node), site.instance(at.node)
    if at.index is not None:
        yield IndexRefused(at.node, at.port, f"the output {at} has no places; write {at.node}.{at.port}")
    if site.source(at) is not None:
        return
    if node_type is not None:
        yield _no_port(at, "output", [p.name for p in node_type.outputs])
    elif instance is not None and instance.state == "bypassed":
        yield BypassImpossible(
            at.node,
            at.port,
            f"the group instance {at.node!r} is bypassed, but nothing is connected that it could pass on to its "
            f"output {at.port!r}; connect an input or switch it on",
        )
    elif instance is not None:
        yield _no_port(at, "output", [*site.graph.groups[instance.group or ""].outputs, SEPARATOR])
    elif at.node not in site.flat.nodes:
        yield _no_node(at, edge)


def _target_exists(site: Site, edge: Edge) -> Iterator[Problem]:
    at = edge.target
    node_type, instance = site.type_of(at.node), site.instance(at.node)
    if node_type is not None:
        if site.target(at) is None:
            yield _no_port(at, "input", [p.name for p in node_type.inputs] + [k.name for k in node_type.knobs])
    elif instance is not None:
        yield from _instance_takes(site, at, instance)
    elif at.node not in site.flat.nodes:
        yield _no_node(at, edge)


def _instance_takes(site: Site, at: Address, instance: Node) -> Iterator[Problem]:
    """An edge that ends at an instance is one that could not be led inside."""
    group = site.graph.groups[instance.group or ""]
    if at.port == REPEAT:
        yield KnobShapesPlan(
            at.node, at.port, f"{at} cannot be driven by an edge, because it decides how many nodes there are; set it"
        )
    elif at.port in group.inputs or at.port in group.knobs:
        yield IndexRefused(
            at.node, at.port, f"{at} names a place, but a group's input has one; write {at.node}.{at.port}"
        )
    else:
        yield _no_port(at, "input", [*group.inputs, *group.knobs])


def _no_node(at: Address, edge: Edge) -> UnknownNode:
    return UnknownNode(
        at.node, at.port, f"the edge {edge} needs the node {at.node!r}, which does not exist; remove the edge or add it"
    )


def _no_port(at: Address, what: str, has: Iterable[str]) -> UnknownPort:
    return UnknownPort(
        at.node, at.port, f"the node {at.node!r} has no {what} {at.port!r}; it has {', '.join(has) or 'none'}"
    )


def inputs_connected(site: Site) -> Iterator[MissingInput]:
    """A node that is used as a function alone needs functions alone; a bypassed one only what it passes on."""
    for address, node in site.flat.nodes.items():
        node_type = site.type_of(address)
        if node_type is None or node.state == "bypassed":
            continue
        used = site.used_ports.get(address, set())
        alone = bool(used) and used <= FUNCTIONS
        connected = {edge.target.port for edge in site.into.get(address, ())}
        for port in node_type.inputs:
            if alone and not FUNCTIONS & set(port.kinds):
                continue
            if not port.optional and port.name not in connected and (address, port.name) not in site.called:
                yield MissingInput(
                    address,
                    port.name,
                    f"the input {address}.{port.name} needs {_either(port.kinds)} and is not connected; connect it",
                )


def places_in_order(site: Site) -> Iterator[Problem]:
    """PortTaken, IndexMissing, IndexRefused and VariadicGap."""
    for address, incoming in site.into.items():
        indices: dict[str, set[int]] = {}
        for target, count in Counter(edge.target for edge in incoming).items():
            port = site.target(target)
            if count > 1:
                names = " and ".join(str(e.source) for e in incoming if e.target == target)
                yield PortTaken(
                    address, target.port, f"{target} takes one edge, but {names} end there; remove all but one"
                )
            variadic = isinstance(port, Port) and port.variadic
            if variadic and target.index is None:
                yield IndexMissing(
                    address, target.port, f"the edge into {target} must name a place; write {target}[0] for the first"
                )
            elif variadic and target.index is not None:
                indices.setdefault(target.port, set()).add(target.index)
            elif port is not None and target.index is not None:
                yield IndexRefused(
                    address,
                    target.port,
                    f"{target} names a place, but {target.port!r} has one; write {address}.{target.port}",
                )
        for name, have in indices.items():
            gap = next(i for i in range(len(have) + 1) if i not in have)
            if gap < len(have):
                yield VariadicGap(
                    address,
                    name,
                    f"nothing is connected to {address}.{name}[{gap}], but to {address}.{name}[{max(have)}]; "
                    f"number the places from 0 without gaps",
                )


def kinds_agree(site: Site) -> Iterator[Problem]:
    """KindMismatch and KnobEdgeKind, for every edge whose two ends exist."""
    for edge in site.flat.edges:
        target, gives = site.target(edge.target), site.gives(edge.source)
        if not gives or target is None:
            continue
        if isinstance(target, Knob):
            yield from _knob_driven(edge, target, gives)
        elif not set(gives) & set(target.kinds):
            yield KindMismatch(
                edge.target.node,
                edge.target.port,
                f"{edge.source} gives {_either(gives)}, but {edge.target} takes {_either(target.kinds)}; "
                + _converter(site, gives, target.kinds),
            )


def _knob_driven(edge: Edge, knob: Knob, gives: tuple[str, ...]) -> Iterator[KnobEdgeKind]:
    """A number drives int, float, bool and choices of numbers; a text drives text and choices of texts."""
    numeric = knob.kind in ("int", "float", "bool") or (knob.kind == "choice" and isinstance(knob.choices[0], int))
    drives = "number" if numeric else "text" if knob.kind in ("text", "choice") else ""
    if not drives:
        message = f"the knob {edge.target} holds {knob.allowed}, which no edge can drive; remove the edge and set it"
    elif drives not in gives:
        message = (
            f"{edge.source} gives {_either(gives)}, but the knob {edge.target} ({knob.allowed}) is driven by a "
            f"{drives}; connect one or set the knob"
        )
    else:
        return
    yield KnobEdgeKind(edge.target.node, edge.target.port, message)


def _converter(site: Site, gives: tuple[str, ...], takes: tuple[str, ...]) -> str:
    """The remedy of a kind mismatch, with up to two node types that make the one of the other."""
    fitting = [
        t.id
        for t in site.library
        if any(set(gives) & set(p.kinds) and not p.generic for p in t.inputs)
        and any(set(takes) & set(p.kinds) and not p.generic for p in t.outputs)
    ]
    return f"put a node between them that makes {_either(takes)} of it" + (
        f", such as {' or '.join(fitting[:2])}" if fitting else ""
    )


def generics_agree(site: Site) -> Iterator[GenericMismatch]:
    """Ports that share a type variable must receive one kind."""
    for address, incoming in site.into.items():
        node_type = site.type_of(address)
        if node_type is None:
            continue
        first: dict[str, tuple[Address, str]] = {}
        for edge in incoming:
            port = node_type.input(edge.target.port)
            kind = site.kinds.get((edge.source.node, edge.source.port))
            if port is None or not port.generic or kind is None or kind not in port.kinds:
                continue
            at, bound = first.setdefault(port.generic, (edge.target, kind))
            if bound != kind:
                yield GenericMismatch(
                    address,
                    port.name,
                    f"{at} receives {bound} and {edge.target} receives {kind}, but they must be of one kind; "
                    f"connect {bound} to both or {kind} to both",
                )


def no_circles(site: Site) -> Iterator[Cycle]:
    """One Cycle for every knot of nodes that feed one another."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for edge in site.flat.edges:
        sorter.add(edge.target.node, edge.source.node)
    try:
        sorter.prepare()
    except CycleError:
        yield from _knots(site)


def _knots(site: Site) -> Iterator[Cycle]:
    import networkx as nx  # a fifth of a second that sound graphs need not wait for

    graph = nx.DiGraph()
    graph.add_nodes_from(sorted(site.flat.nodes))
    graph.add_edges_from(sorted((e.source.node, e.target.node) for e in site.flat.edges))
    knots = [knot for knot in nx.strongly_connected_components(graph) if len(knot) > 1]
    knots += [{node} for node in nx.nodes_with_selfloops(graph)]
    for knot in sorted(knots, key=min):
        alone = nx.DiGraph(sorted(graph.subgraph(knot).edges))  # a view would walk in the order of a set
        nodes = [source for source, _ in nx.find_cycle(alone, min(knot))]
        first = nodes.index(min(nodes))
        nodes = nodes[first:] + nodes[:first]
        yield Cycle(
            nodes[0],
            "",
            f"the nodes run in a circle: {' -> '.join([*nodes, nodes[0]])}; remove one edge of it, "
            "or make a group of them that carries a value from one repeat to the next",
            tuple(nodes),
        )


def _either(kinds: Iterable[str]) -> str:
    return " or ".join(kinds)
