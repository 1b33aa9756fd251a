"""Nodes that are used as functions, by loops, choices and judges: what they are, what they call, how far they look."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from midistems_graph.audio.values import Scorer, Separator
from midistems_graph.document.data import to_data
from midistems_graph.document.flatten import FUNCTIONS, SEPARATOR, flatten
from midistems_graph.document.graph import Graph, KnobValue, Node, View
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.wiring import Source, Wiring
from midistems_graph.node.contract import WHOLE, Context, ModelName
from midistems_graph.node.definition import NodeType, context_of, has_first_pass
from midistems_graph.node.library import NodeLibrary


def function_of(source: Source, wiring: Wiring, graph: Graph, library: NodeLibrary) -> Separator | Scorer:
    """What a port offers that gives its node as a function."""
    node = wiring.nodes[source.node]
    if source.port == SEPARATOR:
        return _separator_of(node, graph, library)
    inner = ((target.port, above) for target, above in wiring.into[source.node] if above.port in FUNCTIONS)
    parts = tuple((port, function_of(above, wiring, graph, library)) for port, above in inner)
    return Scorer(node.type, tuple(sorted(library[node.type].settings(node.knobs).items())), parts)


def called_by(
    source: Source, wiring: Wiring, graph: Graph, library: NodeLibrary
) -> Iterator[tuple[NodeType, Mapping[str, KnobValue]]]:
    """The node types that a function is made of, with their settings."""
    node = wiring.nodes[source.node]
    for inner in _nodes_of(node, graph).values():
        if (node_type := library.get(inner.type)) is not None:
            yield node_type, node_type.settings(inner.knobs)
    for _, above in wiring.into[source.node] if source.port != SEPARATOR else ():
        if above.port in FUNCTIONS:
            yield from called_by(above, wiring, graph, library)


def separators_behind(source: Source, wiring: Wiring) -> Iterator[Node]:
    """The separators that a function is, or calls in its turn."""
    if source.port == SEPARATOR:
        yield wiring.nodes[source.node]
        return
    for _, above in wiring.into[source.node]:
        if above.port in FUNCTIONS:
            yield from separators_behind(above, wiring)


def _separator_of(node: Node, graph: Graph, library: NodeLibrary) -> Separator:
    """The function that a node's `separator` port offers."""
    if node.group is None:
        settings = library[node.type].settings(node.knobs)
        return Separator(node.type, tuple(sorted(settings.items())))
    groups = {name: replace(group, view=View()) for name, group in graph.groups.items()}
    definition = json.dumps(to_data(Graph(groups=groups)), sort_keys=True)
    return Separator(node.type, tuple(sorted(node.knobs.items())), definition)


def separator_models(port: str, node: Node, graph: Graph, library: NodeLibrary, bindings: Bindings) -> dict[str, str]:
    """Content digests of the models that a function uses, by the port it arrives at and the knob's own place."""
    found = {}
    for address, each in _nodes_of(node, graph).items():
        node_type = library.get(each.type)
        for knob in node_type.knobs if node_type else ():
            if isinstance(knob.file, ModelName):
                name = str(each.knobs.get(knob.name, knob.default))
                found[f"{port}:{address}.{knob.name}"] = bindings.named(knob.file, name).digest
    return found


def _nodes_of(node: Node, graph: Graph) -> Mapping[str, Node]:
    """A node, or the nodes of the group that it is an instance of."""
    if node.group is None:
        return {"it": node}
    return flatten(replace(graph, nodes={"it": node}, edges=frozenset(), links=())).nodes


def separator_context(node: Node, graph: Graph, library: NodeLibrary, bindings: Bindings) -> Context:
    """How far a separator looks around: its own context, or the longest path through its group."""
    if node.group is None:
        return _inner(node, library)
    flat = flatten(replace(graph, nodes={"it": node}, edges=frozenset(), links=()))
    wiring = Wiring.of(flat, library)
    reach: dict[str, Fraction] = {}
    for address in wiring.order:
        inner = wiring.nodes[address]
        context = separator_context(inner, graph, library, bindings) if inner.group else _inner(inner, library)
        if context.whole:
            return WHOLE
        before = max((reach[s.node] for _, s in wiring.into[address] if s.node in reach), default=Fraction(0))
        reach[address] = before + context.reach(bindings.rate)
    return Context(seconds=max(reach.values(), default=Fraction(0)))


def _inner(node: Node, library: NodeLibrary) -> Context:
    node_type = library[node.type]
    settings = node_type.settings(node.knobs)
    return WHOLE if has_first_pass(node_type, settings) else context_of(node_type, settings)
