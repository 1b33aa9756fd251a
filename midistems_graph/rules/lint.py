"""The linter: what is sound, but hardly meant so. Each lint is one small function of the table `LINTS`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from midistems_graph.document.graph import Graph
from midistems_graph.node.definition import TIMED
from midistems_graph.node.library import NodeLibrary
from midistems_graph.rules.describe import BINS, Format, Formats, arriving_formats, describe
from midistems_graph.rules.kinds import in_order
from midistems_graph.rules.problems import Lint, once_per_repeat
from midistems_graph.rules.site import Site


@dataclass(frozen=True)
class Described:
    """A flattened graph with the formats on its edges."""

    site: Site
    formats: Formats


def lint(graph: Graph, library: NodeLibrary, inputs: Mapping[str, Format] | None = None) -> list[Lint]:
    """All warnings of the linter, sorted by node; formats of the graph's inputs make it see more. Raises Unfolding."""
    site = Site.of(graph, library)
    described = Described(site, describe(site, inputs))
    found = dict.fromkeys(warning for find in LINTS for warning in find(described))
    return sorted(p for p in once_per_repeat(found) if isinstance(p, Lint))


def rates_differ(graph: Described) -> Iterator[Lint]:
    for address in graph.site.flat.nodes:
        node_type = graph.site.type_of(address)
        if node_type is not None and node_type.rate is not None:
            continue  # changes rates: that they differ is what it is for
        arriving = [(edge, f) for edge, f in arriving_formats(graph.site, address, graph.formats) if f.rate is not None]
        for edge, other in arriving[1:]:
            first, format = arriving[0]
            if other.rate != format.rate:
                yield Lint(
                    address,
                    edge.target.port,
                    f"{first.target} receives {format.rate} Hz and {edge.target} {other.rate} Hz; "
                    "resample one of them before",
                )
                break


def stft_differs(graph: Described) -> Iterator[Lint]:
    for address in graph.site.flat.nodes:
        arriving = [
            (e, f) for e, f in arriving_formats(graph.site, address, graph.formats) if f.kind in BINS and f.stft
        ]
        for edge, other in arriving[1:]:
            first, format = arriving[0]
            if other.stft != format.stft:
                yield Lint(
                    address,
                    edge.target.port,
                    f"{first.target} receives a {format.kind} of {_stft(format)} and {edge.target} a {other.kind} of "
                    f"{_stft(other)}; set both sources to the same STFT settings (link the knobs)",
                )
                break


def _stft(format: Format) -> str:
    stft = format.stft
    return f"n_fft {stft.n_fft}, hop {stft.hop}, window {stft.window}" if stft else "unknown settings"


def incomplete_set_made_consistent(graph: Described) -> Iterator[Lint]:
    """Spreading a residual over a set that leaves something out puts what is missing into the stems."""
    for address, node in graph.site.flat.nodes.items():
        if not node.type.startswith("consistency."):
            continue
        for edge, format in arriving_formats(graph.site, address, graph.formats):
            if format.kind == "stems" and format.stems and not format.complete:
                yield Lint(
                    address,
                    edge.target.port,
                    f"{edge.target} receives {', '.join(format.stems)}, which do not cover the whole mixture; "
                    "add the rest as a stem before, or what is missing is spread over them",
                )


def level_changed_before_subtracting(graph: Described) -> Iterator[Lint]:
    """A residual nulls only if both sides have the level of the mixture."""
    for address, node in graph.site.flat.nodes.items():
        if node.type.rpartition(".")[2] not in SUBTRACTORS or node.state != "on":
            continue
        for edge in graph.site.into.get(address, ()):
            source = graph.site.flat.nodes.get(edge.source.node)
            if source is not None and source.state == "on" and source.type.rpartition(".")[2] in LEVEL_CHANGERS:
                yield Lint(
                    address,
                    edge.target.port,
                    f"{edge.target} receives the output of {edge.source.node!r}, which changes the level, so the "
                    f"difference cannot null; subtract first, then change the level",
                )


SUBTRACTORS = frozenset({"residual", "subtract", "difference"})
LEVEL_CHANGERS = frozenset({"gain", "normalise", "normalize", "loudness", "limiter"})
"""Last words of the ids of node types that `level_changed_before_subtracting` knows."""


def result_unused(graph: Described) -> Iterator[Lint]:
    """What no one hears: neither written, nor measured, nor used."""
    called = tuple(address + mark for address, n in graph.site.flat.nodes.items() if n.group for mark in "/[")
    for address in graph.site.flat.nodes:
        node_type = graph.site.type_of(address)
        if node_type is None or node_type.writes or graph.site.used_ports.get(address):
            continue
        if called and address.startswith(called):
            continue  # a group that is called as a function gives its outputs to the caller
        if any(kind in TIMED for port in node_type.outputs for kind in port.kinds):
            yield Lint(
                address, "", f"nothing uses the outputs of the node {address!r}; lead them to a writer or remove it"
            )


def state_left_over(graph: Described) -> Iterator[Lint]:
    for prefix, body in graph.site.flat.bodies.items():
        for node_id, node in body.nodes.items():
            if node.state != "on":
                at = prefix + node_id
                yield Lint(at, "", f"the node {at!r} is {node.state}; remove it if it is not needed, or switch it on")


def duplicates(graph: Described) -> Iterator[Lint]:
    """Nodes that give the very same: type, knobs and inputs agree, or their inputs are such twins themselves."""
    site = graph.site
    twin: dict[str, str] = {}
    first: dict[object, str] = {}
    for address in in_order(site.flat):
        node, node_type = site.flat.nodes[address], site.type_of(address)
        if node_type is None or node_type.writes:
            continue
        knobs = {k.name: node.knobs.get(k.name, k.default) for k in node_type.knobs}
        sources = tuple(
            (e.target.port, e.target.index, twin.get(e.source.node, e.source.node), e.source.port)
            for e in site.into.get(address, ())
        )
        same = (node.type, repr(sorted(knobs.items())), node.state, sources)
        twin[address] = first.setdefault(same, address)
        if twin[address] != address and (sources or not node_type.inputs):
            yield Lint(
                address,
                "",
                f"the node {address!r} does the same as {twin[address]!r}; use that one's outputs and remove it",
            )


LINTS: tuple[Callable[[Described], Iterable[Lint]], ...] = (
    rates_differ,
    stft_differs,
    incomplete_set_made_consistent,
    level_changed_before_subtracting,
    result_unused,
    state_left_over,
    duplicates,
)
