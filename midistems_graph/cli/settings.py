"""Edits of a graph by the command line: `--set node.knob=value` or `published=value`, `--format`, `--gain`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from difflib import get_close_matches
from typing import TypeVar

from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.document.flatten import REPEAT
from midistems_graph.document.graph import Address, Body, DocumentError, Graph, KnobValue, Node
from midistems_graph.node.contract import Range
from midistems_graph.node.knob import Knob, KnobError
from midistems_graph.node.library import NodeLibrary

B = TypeVar("B", bound=Body)


def with_settings(graph: Graph, library: NodeLibrary, settings: Iterable[str], option: str = "--set") -> Graph:
    """The graph with every `node.knob=value` set, a knob that the graph publishes by its name alone.

    Raises Refused with what is allowed instead.
    """
    for setting in settings:
        where, equals, text = setting.partition("=")
        try:
            if not equals:
                raise DocumentError(f"write {option} node.knob=value")
            for at in ends_of(graph, where.strip()):
                graph = _with_setting(graph, library, at, text)
        except (DocumentError, KnobError) as error:
            raise Refused(Exit.USAGE, f"{option} {setting}: {error}") from None
    return graph


def check_settable(graph: Graph, library: NodeLibrary, name: str) -> None:
    """Raises DocumentError unless a name is that of a knob that `with_settings` can set."""
    for at in ends_of(graph, name):
        _settable(graph, library, at)


def ends_of(graph: Graph, name: str) -> tuple[Address, ...]:
    """What a knob stands for: `node.knob`, or all that the graph publishes under a name. Raises DocumentError."""
    if graph.knobs.get(name):
        return graph.knobs[name]
    if "." not in name and graph.knobs:
        raise DocumentError(f"the graph publishes no knob {name!r}; {_instead(name, graph.knobs)}")
    if "." not in name:
        raise DocumentError(f"{name!r} is no knob; write node.knob")
    return (Address.parse(name),)


def _settable(graph: Graph, library: NodeLibrary, at: Address) -> Knob:
    if at.node not in graph.nodes:
        inside = "; a knob inside a group is set through one that the group publishes" if "/" in at.node else ""
        raise DocumentError(f"there is no node {at.node!r}; {_instead(at.node, graph.nodes)}{inside}")
    if at.index is not None:
        raise DocumentError(f"a knob has no places; write {at.node}.{at.port}")
    knob = knob_of(graph, library, at.node, at.port)
    driver = next((edge for edge in graph.edges if edge.target == at), None)
    if driver is not None:
        raise DocumentError(f"the edge from {driver.source} drives this knob; set that node instead")
    return knob


def _with_setting(graph: Graph, library: NodeLibrary, at: Address, text: str) -> Graph:
    knob = _settable(graph, library, at)
    try:
        value = knob.parse(text)
    except KnobError as error:
        raise KnobError(f"the node {at.node!r}: {error}") from None
    linked = next((link for link in graph.links if at in link), (at,))
    for address in linked:
        graph = graph.with_knob(address.node, address.port, value)
    return graph


def knob_of(graph: Graph, library: NodeLibrary, node_id: str, name: str) -> Knob:
    """What a node, or an instance of a group, can be set to. Raises DocumentError."""
    node = graph.nodes[node_id]
    if node.group is not None:
        group = graph.groups.get(node.group)
        if group is None:
            raise DocumentError(f"the group {node.group!r} is not defined")
        if name == REPEAT:
            return Knob(REPEAT, "int", group.repeat, Range(1, 10_000))
        published = group.knobs.get(name)
        if not published:
            raise DocumentError(f"the node {node_id!r} has no knob {name!r}; {_instead(name, [*group.knobs, REPEAT])}")
        inner = replace(graph, nodes=group.nodes)
        return replace(knob_of(inner, library, published[0].node, published[0].port), name=name)
    node_type = library.get(node.type)
    if node_type is None:
        raise DocumentError(f"the node {node_id!r} is of the type {node.type!r}, which no installed pack has")
    knob = node_type.knob(name)
    if knob is None:
        knobs = [one.name for one in node_type.knobs]
        raise DocumentError(f"the node {node_id!r} has no knob {name!r}; {_instead(name, knobs)}")
    return knob


def _instead(name: str, names: Collection[str]) -> str:
    close = get_close_matches(name, names, 3)
    return f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(sorted(names)) or 'none'}"


def with_writers_set(graph: Graph, library: NodeLibrary, knob: str, text: str) -> Graph:
    """The graph with a knob set on every node that writes files and has it, within groups too; raises Refused."""
    groups = {name: _writers_set(group, library, knob, text) for name, group in graph.groups.items()}
    return replace(_writers_set(graph, library, knob, text), groups=groups)


def _writers_set(body: B, library: NodeLibrary, knob: str, text: str) -> B:
    nodes = {}
    for node_id, node in body.nodes.items():
        value = _for_writer(node, library, knob, text)
        nodes[node_id] = node if value is None else replace(node, knobs={**node.knobs, knob: value})
    return replace(body, nodes=nodes)


def _for_writer(node: Node, library: NodeLibrary, name: str, text: str) -> KnobValue | None:
    node_type = library.get(node.type)
    knob = node_type.knob(name) if node_type and node_type.writes else None
    try:
        return None if knob is None else knob.parse(text)
    except KnobError as error:
        raise Refused(Exit.USAGE, f"--{name} {text}: {error}") from None
