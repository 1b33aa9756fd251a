"""What the rules say about a graph, asked once and kept: kinds on edges, problems by node, may these connect."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

from midistems_graph.document.flatten import Unfolding
from midistems_graph.document.graph import Address, Body, Graph, Group, Node
from midistems_graph.document.identity import tagged
from midistems_graph.editor.model.bodies import INPUTS, NEW, OUTPUTS, Path, as_graph, body_at
from midistems_graph.node.library import NodeLibrary
from midistems_graph.rules.check import check, may_connect
from midistems_graph.rules.describe import Format, describe
from midistems_graph.rules.problems import Problem
from midistems_graph.rules.site import Site


class Insight:
    """One graph seen through a node library. Nothing is computed before it is asked for.

    `map` is the site of a graph that is wired alike: kinds and what groups show are the same, knobs may differ.
    `shown` are the iterations of repeat groups that are looked at, the first one where none is named.
    """

    def __init__(
        self,
        graph: Graph,
        library: NodeLibrary,
        alike: Insight | None = None,
        shown: Mapping[Path, int] = MappingProxyType({}),
    ) -> None:
        self.graph = graph
        self.library = library
        self._alike = alike
        self.shown = shown
        self._refusals: dict[tuple[Path, Address, Address], str] = {}

    def after(self, graph: Graph) -> Insight:
        """What the rules say about another graph: this very insight if the two differ in looks alone."""
        if self.graph is graph:
            return self
        if self.graph.inputs == graph.inputs and _same_graph(self.graph, graph, knobs=True):
            return self
        return Insight(graph, self.library, self if _same_graph(self.graph, graph, knobs=False) else None, self.shown)

    @cached_property
    def map(self) -> Site | None:
        """None if groups cannot be unfolded."""
        alike, self._alike = self._alike, None
        return self.site if alike is None else alike.map

    @cached_property
    def site(self) -> Site | None:
        """None if groups cannot be unfolded."""
        try:
            return Site.of(self.graph, self.library)
        except Unfolding:
            return None

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(check(self.graph, self.library))

    @cached_property
    def formats(self) -> Mapping[tuple[str, str], Format]:
        """What is known of every output (flattened address, port) without running."""
        return {} if self.site is None else describe(self.site)

    def prefix(self, path: Path) -> str | None:
        """What flattened addresses inside a group begin with (`refine/`; the shown iteration of a repeat)."""
        bodies = self.map.flat.bodies if self.map else {}
        prefix = ""
        for depth, instance in enumerate(path):
            shown = self.shown.get(path[: depth + 1], 1)
            inside = (f"{prefix}{instance}/", f"{prefix}{instance}[{shown}]/", f"{prefix}{instance}[1]/")
            found = next((name for name in inside if name in bodies), None)
            if found is None:
                return None
            prefix = found
        return prefix

    def iterations(self, path: Path) -> tuple[int, int]:
        """Which iteration of the repeat group that is open is shown, and how many there are; 0 of 0 for another."""
        outer = self.prefix(path[:-1]) if path else None
        if outer is None or self.map is None:
            return 0, 0
        begin = f"{outer}{path[-1]}["
        count = sum(name.startswith(begin) and name.count("/", len(begin)) == 1 for name in self.map.flat.bodies)
        return (min(self.shown.get(path, 1), count), count) if count else (0, 0)

    def flat_source(self, path: Path, source: Address) -> Address | None:
        """The flattened output behind a port of the canvas, which is what can be heard; None if there is none."""
        if source.node == INPUTS:
            if (carried := self._carried(path, source.port)) is not None:
                return carried
            outer = body_at(self.graph, path[:-1])
            fed = next((e for e in outer.edges_into(path[-1]) if e.target.port == source.port), None) if path else None
            return self.flat_source(path[:-1], fed.source) if fed else None
        prefix = self.prefix(path)
        if prefix is None or self.map is None:
            return None
        at = Address(prefix + source.node, source.port)
        at = self.map.flat.aliases.get(f"{at.node}.{at.port}", at)
        return at if at.node in self.map.flat.nodes else None

    def _carried(self, path: Path, port: str) -> Address | None:
        """What the iteration before gives to an input of the shown one, from the second one on."""
        shown, _ = self.iterations(path)
        group = body_at(self.graph, path) if path else None
        if shown < 2 or not isinstance(group, Group) or port not in group.carry or self.map is None:
            return None
        before = f"{self.prefix(path[:-1])}{path[-1]}[{shown - 1}].{group.carry[port]}"
        return self.map.flat.aliases.get(before)

    def kind(self, path: Path, source: Address) -> str:
        """The kind of value that an output gives, empty if it is not known."""
        at = self.flat_source(path, source)
        return self.map.kinds.get((at.node, at.port), "") if at and self.map else ""

    def problems_at(self, path: Path) -> dict[str, list[Problem]]:
        """Problems by the node of the canvas that they concern; under `` those of the whole graph."""
        prefix = self.prefix(path) or ""
        found: dict[str, list[Problem]] = {}
        for problem in self.problems:
            for address in problem.concerned or {""}:
                if not address:
                    found.setdefault("", []).append(problem)
                elif address.startswith(prefix):
                    node = address[len(prefix) :].partition("/")[0].partition("[")[0]
                    found.setdefault(node, []).append(problem)
        return found

    def refusal(self, path: Path, source: Address, target: Address) -> str:
        """Why an edge may not be drawn, in a sentence; empty if it may. Asked again, it is not computed again."""
        key = (path, source, target)
        if key not in self._refusals:
            self._refusals[key] = self._refusal(*key)
        return self._refusals[key]

    def _refusal(self, path: Path, source: Address, target: Address) -> str:
        body = body_at(self.graph, path)
        if source.node == target.node:
            return "an output cannot feed its own node"
        if isinstance(body, Group) and (source.node == INPUTS or target.node == OUTPUTS):
            return _terminal_refusal(body, source, target)
        problem = may_connect(as_graph(self.graph, body), self.library, source, target)
        return "" if problem is None else problem.message


def _terminal_refusal(group: Group, source: Address, target: Address) -> str:
    if source.node == INPUTS and target.node == OUTPUTS:
        return "an input of a group cannot be its output; put a node between"
    if source.node == INPUTS and source.port != NEW and source.port not in group.inputs:
        return f"the group has no input {source.port!r}"
    return ""


def _same_graph(a: Graph, b: Graph, *, knobs: bool) -> bool:
    """Whether two graphs are wired alike, or (with their knobs) compute the same."""
    if a.groups.keys() != b.groups.keys() or not _same_body(a, b, knobs):
        return False
    pairs = ((group, b.groups[name]) for name, group in a.groups.items())
    return all(old is new or (_same_ports(old, new) and _same_body(old, new, knobs)) for old, new in pairs)


def _same_ports(a: Group, b: Group) -> bool:
    return (a.inputs, a.outputs, a.knobs, a.carry, a.repeat) == (b.inputs, b.outputs, b.knobs, b.carry, b.repeat)


def _same_body(a: Body, b: Body, knobs: bool) -> bool:
    """Nodes that nobody edited are the same objects, so that this is quick."""
    if a.nodes.keys() != b.nodes.keys() or a.links != b.links or (a.edges is not b.edges and a.edges != b.edges):
        return False
    for node_id, node in a.nodes.items():
        other = b.nodes[node_id]
        if node is other:
            continue
        if (node.type, node.state, node.version, node.lock) != (other.type, other.state, other.version, other.lock):
            return False
        if (knobs or node.group) and _tagged(node) != _tagged(other):
            return False
    return True


def _tagged(node: Node) -> dict[str, list[object]]:
    return {name: tagged(value) for name, value in node.knobs.items()}
