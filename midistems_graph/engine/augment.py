"""Edits that a run makes to a graph for itself: what is wanted of it, and comparisons with true stems.

The document on disk and in the receipt stays as it is; keys do not depend on these nodes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from midistems_graph.audio.stem_names import find, in_file_name
from midistems_graph.document.flatten import FUNCTIONS, Flat, Unfolding, flatten
from midistems_graph.document.graph import Address, DocumentError, Edge, Graph, InputSlot, Node
from midistems_graph.engine.binding import SONG
from midistems_graph.engine.wiring import PlanError, Wiring
from midistems_graph.node.contract import InputName
from midistems_graph.node.library import NodeLibrary
from midistems_graph.rules.describe import describe
from midistems_graph.rules.site import Site

REFERENCE = "reference"
"""The input that true stems are bound to."""

COMPARE = "compare_"
MIXTURE = "compare_mixture"

_AUDIBLE = frozenset({"audio", "stems"})
_FIGURES = frozenset({"number", "scores"})


@dataclass(frozen=True)
class Wanted:
    """A graph together with the ports that a run of it is asked for."""

    graph: Graph
    ports: tuple[Address, ...]


def all_ends(graph: Graph, library: NodeLibrary) -> Wanted | None:
    """All writers and open measures of a graph; None if it is too unsound to tell, or has none."""
    try:
        ends = Wiring.of(flatten(graph), library).ends()
    except (Unfolding, PlanError, KeyError):
        return None
    return Wanted(graph, tuple(Address(end, "out") for end in ends)) if ends else None


def only(graph: Graph, library: NodeLibrary, names: Sequence[str]) -> Wanted:
    """Just some nodes or ports of a graph: sounds get a writer, figures are wanted as they are.

    A name is a node, a port (`hpss.out`), or one inside a group (`loop[2]/hpss`). Raises DocumentError for
    one that does not exist or gives nothing that a file or a line can hold, and Unfolding.
    """
    flat = flatten(graph)
    if any("/" in name for name in names):
        graph = _flattened(graph, flat)
    site = Site.of(graph, library)
    wanted: list[Address] = []
    for name in names:
        for port in _ports(site, name):
            if port.port == "":
                wanted.append(port)
                continue
            kinds = set(site.gives(site.flat.aliases.get(str(port), port)))
            if kinds and kinds <= _FIGURES:
                wanted.append(port)
            elif kinds and (kinds <= _AUDIBLE or kinds == {"spectrogram"}):
                graph, end = _with_writer(graph, port, "spectrogram" in kinds, "stems" in kinds)
                wanted.append(end)
            else:
                kind = " or ".join(sorted(kinds)) or "nothing known"
                raise DocumentError(
                    f"{port} gives {kind}, which is neither heard nor a figure; name a port of audio, stems, "
                    "a spectrogram or a measure"
                )
    return Wanted(graph, tuple(dict.fromkeys(wanted)))


def _flattened(graph: Graph, flat: Flat) -> Graph:
    """The same graph without groups, except those that are used as functions."""
    functions = [address for address, node in flat.nodes.items() if node.group is not None]
    inside = tuple(address + mark for address in functions for mark in "/[")
    nodes = {address: node for address, node in flat.nodes.items() if not address.startswith(inside)}
    edges = {edge for edge in flat.edges if edge.source.node in nodes and edge.target.node in nodes}
    return replace(graph, nodes=nodes, edges=frozenset(edges), links=())


def _ports(site: Site, name: str) -> list[Address]:
    """The output ports that a name means; a writer has one without a name."""
    node, _, port = name.rpartition(".") if "." in name else (name, "", "")
    instance = site.graph.nodes.get(node)
    group = site.graph.groups.get(instance.group) if instance and instance.group else None
    if instance is None:
        close = get_close_matches(node, site.graph.nodes, 1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(sorted(site.graph.nodes)) or 'none'}"
        raise DocumentError(f"there is no node {node!r}; {hint}")
    if group is not None:
        outputs = list(group.outputs)
    else:
        node_type = site.library.get(instance.type)
        if node_type is None:
            raise DocumentError(f"the node {node!r} is of the type {instance.type!r}, which no installed pack has")
        if node_type.writes:
            return [Address(node, "")]
        outputs = [p.name for p in node_type.outputs if p.name not in FUNCTIONS]
    if port and port not in outputs:
        raise DocumentError(f"the node {node!r} has no output {port!r}; it has {', '.join(outputs) or 'none'}")
    return [Address(node, one) for one in ([port] if port else outputs)]


def _with_writer(graph: Graph, port: Address, is_spectrogram: bool, is_set: bool) -> tuple[Graph, Address]:
    """The graph with a writer behind a port, named for it."""
    label = port.node.replace("/", " ") if port.port == "out" else f"{port.node.replace('/', ' ')} {port.port}"
    save = _free(graph, f"only_{port.node}_{port.port}")
    name = f"{{song}} - {_literal(label)} - {{stem}}" if is_set else "{song} - {stem}"
    nodes, edges, source = dict(graph.nodes), set(graph.edges), port
    if is_spectrogram:
        source = Address(_free(graph, f"istft_{port.node}_{port.port}"), "out")
        nodes[source.node] = Node("transform.istft")
        edges.add(Edge(port, Address(source.node, "spectrogram")))
    nodes[save] = Node("io.save", knobs={"stem": label, "name": name})
    edges.add(Edge(source, Address(save, "stems")))
    return replace(graph, nodes=nodes, edges=frozenset(edges)), Address(save, "")


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _free(graph: Graph, name: str) -> str:
    while name in graph.nodes:
        name += "_"
    return name


def with_levels(wanted: Wanted, library: NodeLibrary, edges: Sequence[Address]) -> Wanted:
    """The graph with a measure of loudness beside some edges that carry sound; others stay.

    For edges inside groups (`refine/hpss.out`) the graph is flattened.
    """
    graph, ends = wanted.graph, []
    if any("/" in edge.node for edge in edges):
        graph = _flattened(graph, flatten(graph))
    formats = describe(Site.of(graph, library))
    for edge in edges:
        format = formats.get((edge.node, edge.port))
        if format is not None and format.kind == "audio" and edge.node in graph.nodes:
            level = _free(graph, _column(edge))
            graph = replace(
                graph,
                nodes={**graph.nodes, level: Node("measure.loudness")},
                edges=graph.edges | {Edge(edge, Address(level, "audio"))},
            )
            ends.append(Address(level, "lufs"))
    return Wanted(graph, (*wanted.ports, *ends))


def _column(edge: Address) -> str:
    """What figures of an edge are named by: its node, and the port if it has a name of its own."""
    return f"{edge.node}-{edge.port}"[:64]


def with_reference(
    wanted: Wanted,
    library: NodeLibrary,
    files: Collection[str],
    also: Sequence[Address] = (),
    *,
    all_figures: bool = False,
) -> Wanted:
    """The graph with the input `reference` and a comparison beside every wanted writer of a stem set.

    `files` are the names (without extension) of the true stems' files. The node `compare_mixture` holds what the
    mixture itself would score as each stem, so that the others can be judged. `all_figures` asks for every measure
    there is in place of the usual few. Writers inside groups are left out, and sets that are known to have none of the
    true stems. Edges in `also` are compared where they carry such a set.
    """
    graph = wanted.graph
    names = tuple(sorted({in_file_name(file) for file in files} - {"mixture"}))
    sources = _sets(wanted, library, names, also)
    if not sources or not names:
        return wanted
    nodes, edges = dict(graph.nodes), set(graph.edges)
    true = _free(graph, REFERENCE)
    nodes[true] = Node("io.load_stems", knobs={"folder": REFERENCE})
    ends = []
    song, copies = _free(graph, "compare_song"), _free(graph, "compare_copies")
    for save, source in sources.items():
        compare = _free(graph, COMPARE + save)
        nodes[compare] = Node("measure.everything" if all_figures else "measure.compare")
        edges |= _edges(compare, source, true)
        ends.append(Address(compare, "out"))
        if all_figures:
            edges.add(Edge(Address(song, "out"), Address(compare, "mixture")))
    nodes[song] = Node("io.load", knobs={"input": SONG})
    nodes[copies] = Node("stems.gather", knobs={"names": names})
    nodes[MIXTURE] = Node("measure.compare")
    edges |= {Edge(Address(song, "out"), Address(copies, "parts", place)) for place in range(len(names))}
    edges |= _edges(MIXTURE, Address(copies, "out"), true)
    graph = replace(
        graph, nodes=nodes, edges=frozenset(edges), inputs={**graph.inputs, REFERENCE: InputSlot("the true stems")}
    )
    return Wanted(graph, (*wanted.ports, *ends, Address(MIXTURE, "out")))


def _edges(compare: str, estimates: Address, true: str) -> set[Edge]:
    return {
        Edge(estimates, Address(compare, "estimates")),
        Edge(Address(true, "out"), Address(compare, "references")),
    }


def _sets(wanted: Wanted, library: NodeLibrary, names: Collection[str], edges: Sequence[Address]) -> dict[str, Address]:
    """The wanted writers of the graph itself that receive a stem set with some of these stems, and from where.

    Of some edges those that carry such a set, too.
    """
    site = Site.of(wanted.graph, library)
    formats = describe(site)

    def is_one(source: Address) -> bool:
        shown = site.flat.aliases.get(str(source), source)
        format = formats.get((shown.node, shown.port))
        known = format.stems if format and format.kind == "stems" else None
        return known is not None and (not known or any(find(name, known) for name in names))

    found = {_column(edge): edge for edge in edges if edge.node in wanted.graph.nodes and is_one(edge)}
    for end in wanted.ports:
        node = wanted.graph.nodes.get(end.node)
        node_type = library.get(node.type) if node else None
        for edge in wanted.graph.edges_into(end.node) if node_type and node_type.writes else ():
            if is_one(edge.source):
                found[end.node] = edge.source
    return found


def folder_inputs(graph: Graph, library: NodeLibrary) -> frozenset[str]:
    """The names of those inputs that a graph wants as folders; raises Unfolding."""
    names = set()
    for node in flatten(graph).nodes.values():
        node_type = library.get(node.type)
        for knob in node_type.knobs if node_type else ():
            if isinstance(knob.file, InputName) and knob.file.folder:
                names.add(str(node.knobs.get(knob.name, knob.default)))
    return frozenset(names)
