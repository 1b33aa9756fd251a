"""Is this graph sound, and may these ports connect? Editor and command line share the answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from midistems_graph.document.flatten import Flat, Unfolding
from midistems_graph.document.graph import Address, DocumentError, Graph
from midistems_graph.node.library import NodeLibrary
from midistems_graph.rules import edges, knobs, nodes
from midistems_graph.rules.problems import GroupProblem, Problem, UnknownNode, once_per_repeat, relevant_to
from midistems_graph.rules.site import Site

Rule = Callable[[Site], Iterable[Problem]]

CONNECTION_RULES: tuple[Rule, ...] = (
    edges.ends_exist,
    edges.places_in_order,
    edges.kinds_agree,
    edges.generics_agree,
    edges.no_circles,
    knobs.wired_knobs_leave_the_plan,
)
"""What decides whether an edge may be drawn."""

RULES: tuple[Rule, ...] = (
    nodes.types_known,
    nodes.versions_fit,
    nodes.bypass_possible,
    nodes.functions_callable,
    knobs.knobs_known,
    knobs.links_agree,
    knobs.inputs_bound,
    knobs.models_there,
    edges.inputs_connected,
    *CONNECTION_RULES,
)


def check(graph: Graph, library: NodeLibrary, *, wanted: Collection[str] | None = None) -> list[Problem]:
    """All problems of a graph at once, errors first; none of type `error` means that it can be planned.

    Parameters
    ----------
    wanted : names of nodes (or group instances, or flattened addresses) that a run is to compute; only
        problems of these and of what they depend on are given. None gives the problems of every node.
    """
    found: list[Problem] = []
    try:
        site = Site.of(graph, library)
    except Unfolding as error:
        site = Site(graph, Flat(graph.nodes, tuple(sorted(graph.edges, key=str)), {}), library)
        found.append(GroupProblem("", "", str(error)))
    found += [problem for rule in RULES for problem in rule(site)]
    if spared := not_needed(site.flat):
        found = [problem for problem in found if problem.node not in spared]
    if wanted is not None:
        found = relevant_to(found, ancestors(site.flat, wanted))
    unique = once_per_repeat(dict.fromkeys(found))
    return sorted(unique, key=lambda p: (p.severity, p.node, p.port, p.message))


def ancestors(flat: Flat, wanted: Collection[str]) -> frozenset[str]:
    """The wanted nodes and all that they depend on; a group instance stands for all its nodes."""
    names = tuple(wanted)
    inside = tuple(name + mark for name in names for mark in "/[")
    todo = [*names, *(address for address in flat.nodes if address.startswith(inside))]
    feeds: dict[str, set[str]] = {}
    for edge in flat.edges:
        if edge.target.node in flat.nodes and flat.nodes[edge.target.node].is_locked:
            continue
        feeds.setdefault(edge.target.node, set()).add(edge.source.node)
    seen: set[str] = set()
    while todo:
        address = todo.pop()
        if address not in seen:
            seen.add(address)
            todo.extend(feeds.get(address, ()))
    return frozenset(seen)


def not_needed(flat: Flat) -> frozenset[str]:
    """Locked nodes, and those that feed nothing but them: whatever is wrong there, nobody runs it."""
    spared = {address for address, node in flat.nodes.items() if node.is_locked}
    feeds: dict[str, set[str]] = {}
    for edge in flat.edges if spared else ():
        feeds.setdefault(edge.source.node, set()).add(edge.target.node)
    grows = bool(spared)
    while grows:
        above = {address for address, fed in feeds.items() if address not in spared and fed <= spared}
        spared |= above
        grows = bool(above)
    return frozenset(spared)


def may_connect(graph: Graph, library: NodeLibrary, source: str | Address, target: str | Address) -> Problem | None:
    """Why an edge cannot be drawn, or None if it can; an edge that already ends there would give way.

    To ask about the inside of a group, give the graph with the group's nodes and edges in place of its own.
    """
    try:
        drawn = graph.with_edge(source, target)
    except DocumentError as error:
        return UnknownNode("", "", str(error))
    try:
        after = Site.of(drawn, library)
        new = [problem for rule in CONNECTION_RULES for problem in rule(after)]
        if not new:
            return None
        before = Site.of(graph, library)
    except Unfolding as error:
        return GroupProblem("", "", str(error))
    old = {problem for rule in CONNECTION_RULES for problem in rule(before)}
    return next((problem for problem in new if problem not in old), None)
