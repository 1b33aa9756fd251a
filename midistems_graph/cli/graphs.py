"""`midistems-graph graph`: check, convert, diff, show and export graph files, and find the graph of an output."""

from __future__ import annotations

import argparse
from pathlib import Path

from midistems_graph.cli.codes import Exit, Refused, of_graph
from midistems_graph.cli.plain_text import clean, typed
from midistems_graph.cli.presets import graph_file, graph_of
from midistems_graph.document.data import from_data
from midistems_graph.document.diff import diff
from midistems_graph.document.files import dumps, save
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
    if options.verb == "from":
        return _from_output(options.file, options.output)
    if options.verb == "import":
        return _import(options.file, options.preset, options.output)
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
        case "export":
            return _export(graph, options.output)
        case _:
            return _show(graph, options.format, options.output)


def _loaded(name: str) -> Graph:
    return graph_of(graph_file(name))


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
    return _said(text, output)


def _export(graph: Graph, output: Path | None) -> Exit:
    """The graph as a script in the notation of nodes and wires."""
    from midistems_graph.rules.script import write_script

    try:
        return _said(write_script(graph, output.name if output else "separate.py"), output)
    except DocumentError as error:
        raise Refused(Exit.GRAPH, str(error)) from None


def _import(file: Path, preset: str, output: Path) -> Exit:
    """Another program's preset or workflow as a graph file, and what did not come along."""
    from midistems_graph.rules.onramps import read_foreign

    try:
        found = read_foreign(file, preset)
    except DocumentError as error:
        raise Refused(Exit.GRAPH, str(error)) from None
    done = _convert(found.graph, output)
    for sentence in found.left_out:
        print(clean(f"note: {sentence}"))
    return done


def _from_output(file: str, output: Path | None) -> Exit:
    """The graph that made an output file, out of the receipt beside it."""
    from midistems_graph.engine.receipt_book import Unreceipted, graph_of_output

    try:
        graph = from_data(graph_of_output(Path(file)))
    except Unreceipted as error:
        raise Refused(Exit.INPUT, str(error)) from None
    except DocumentError as error:
        raise Refused(Exit.GRAPH, f"the receipt of {file}: {error}") from None
    return _said(dumps(graph).decode(), None) if output is None else _convert(graph, output)


def _said(text: str, output: Path | None) -> Exit:
    """A text on stdout, or in a file."""
    if output is None:
        print(text.rstrip("\n"))
        return Exit.DONE
    try:
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise Refused(Exit.OUTPUT, f"{output} cannot be written: {error.strerror or error}") from None
    return Exit.DONE


def _as_text(graph: Graph, library: NodeLibrary) -> str:
    """Inputs, knobs that the graph publishes, and nodes with the knobs that are set and what flows in."""
    lines = [clean(line) for line in (graph.title, graph.description) if line]
    lines += [f"input {name}" + (f": {clean(slot.description)}" if slot.description else "")
              for name, slot in graph.inputs.items()]  # fmt: skip
    lines += [clean(f"knob {name}: {', '.join(map(str, ends))}") for name, ends in graph.knobs.items()]
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
