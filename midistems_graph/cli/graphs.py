"""`midistems-graph graph`: check, convert, diff and show graph files."""

from __future__ import annotations

import argparse
from pathlib import Path

from midistems_graph.cli.codes import Exit, Refused, of_graph
from midistems_graph.cli.plain_text import clean, typed
from midistems_graph.cli.presets import graph_file
from midistems_graph.document.diff import diff
from midistems_graph.document.files import load, save
from midistems_graph.document.flatten import Unfolding
from midistems_graph.document.graph import Address, DocumentError, Graph
from midistems_graph.document.picture import to_dot, to_mermaid, to_svg
from midistems_graph.node.library import NodeLibrary, installed
from midistems_graph.rules.check import check
from midistems_graph.rules.lint import lint
from midistems_graph.rules.pictured import ports_of
from midistems_graph.rules.problems import errors


def work_on_graphs(options: argparse.Namespace) -> Exit:
    """Do what the second word says; raises Refused."""
    graph = _loaded(options.file)
    match options.verb:
        case "check":
            return _check(graph)
        case "convert":
            return _convert(graph, options.target)
        case "diff":
            for change in diff(graph, _loaded(options.other)):
                print(clean(change))
            return Exit.DONE
        case _:
            return _show(graph, options.format, options.output)


def _loaded(name: str) -> Graph:
    try:
        return load(graph_file(name))
    except DocumentError as error:
        raise Refused(Exit.GRAPH, str(error)) from None


def _check(graph: Graph) -> Exit:
    """Everything that is wrong, then what is hardly meant so."""
    library = installed()
    problems = check(graph, library)
    try:
        hints = lint(graph, library)
    except Unfolding:  # which is among the problems
        hints = []
    for problem in (*problems, *hints):
        print(f"{problem.severity}: {clean(problem)}")
    broken = errors(problems)
    if broken:
        return of_graph(broken)
    print("the graph is sound")
    return Exit.DONE


def _convert(graph: Graph, target: Path) -> Exit:
    try:
        written = save(graph, target)
    except DocumentError as error:
        raise Refused(Exit.OUTPUT, str(error)) from None
    print(clean(target) + ("" if written else " was the same already"))
    return Exit.DONE


def _show(graph: Graph, format: str, output: Path | None) -> Exit:
    library = installed()
    match format:
        case "svg":
            text = to_svg(graph, ports_of(library), heading=True)
        case "dot":
            text = to_dot(graph)
        case "mermaid":
            text = to_mermaid(graph)
        case _:
            text = _as_text(graph, library)
    if output is None:
        print(text.rstrip("\n"))
        return Exit.DONE
    try:
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise Refused(Exit.OUTPUT, f"{output} cannot be written: {error.strerror or error}") from None
    return Exit.DONE


def _as_text(graph: Graph, library: NodeLibrary) -> str:
    """Nodes with the knobs that are set and what flows in."""
    lines = [clean(line) for line in (graph.title, graph.description) if line]
    lines += [f"input {name}" + (f": {clean(slot.description)}" if slot.description else "")
              for name, slot in graph.inputs.items()]  # fmt: skip
    for node_id in sorted(graph.nodes):
        node = graph.nodes[node_id]
        state = "" if node.state == "on" else f" ({node.state})"
        known = node.group is not None or node.type in library
        lines += ["", clean(f"{node_id}: {node.type}{state}" + ("" if known else " (not installed)"))]
        lines += [clean(f"    {name} = {typed(value)}") for name, value in sorted(node.knobs.items())]
        lines += [clean(f"    {_place(edge.target)} <- {edge.source}") for edge in graph.edges_into(node_id)]
    return "\n".join(lines)


def _place(target: Address) -> str:
    return target.port if target.index is None else f"{target.port}[{target.index}]"
