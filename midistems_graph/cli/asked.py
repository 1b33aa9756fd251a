"""What a command line asks of a graph: its knobs set, what is wanted of it, and the folder that is written into."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from pathlib import Path

from midistems_graph.cli.codes import Exit, Refused, of_graph
from midistems_graph.cli.result import Report
from midistems_graph.cli.settings import with_settings, with_writers_set
from midistems_graph.document.flatten import Unfolding
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.engine import augment
from midistems_graph.engine.augment import Wanted
from midistems_graph.engine.naming import check_template
from midistems_graph.engine.outputs import CannotWrite, OutputFolder, OutputRefused
from midistems_graph.node.library import NodeLibrary
from midistems_graph.rules.check import ancestors, check
from midistems_graph.rules.problems import errors, relevant_to
from midistems_graph.rules.site import Site


def with_options(graph: Graph, library: NodeLibrary, options: argparse.Namespace) -> Graph:
    graph = with_settings(graph, library, options.settings)
    for knob in ("format", "gain"):
        text = getattr(options, knob)
        if text is not None:
            graph = with_writers_set(graph, library, knob, text)
    return graph


def folder_inputs(graph: Graph, library: NodeLibrary) -> frozenset[str]:
    try:
        return augment.folder_inputs(graph, library)
    except Unfolding as error:
        raise Refused(Exit.GRAPH, str(error)) from None


def refuse_unknown_inputs(graph: Graph, given: Mapping[str, Path]) -> None:
    unknown = sorted(set(given) - set(graph.inputs))
    if unknown:
        has = ", ".join(sorted(graph.inputs)) or "none"
        raise Refused(Exit.USAGE, f"--input {unknown[0]}: the graph has no such input; it has {has}")


def wanted_of(graph: Graph, library: NodeLibrary, options: argparse.Namespace, report: Report) -> Wanted:
    """What the run is asked for, checked; problems that it does not depend on become notes."""
    try:
        wanted = augment.only(graph, library, options.only) if options.only else augment.all_ends(graph, library)
    except Unfolding as error:
        raise Refused(Exit.GRAPH, str(error)) from None
    except DocumentError as error:
        raise Refused(Exit.USAGE, f"--only: {error}") from None
    problems = check(wanted.graph if wanted else graph, library)
    if wanted is None:
        said = [problem.message for problem in errors(problems)]
        raise Refused(
            Exit.GRAPH, *(said or ["the graph writes and measures nothing; add a node io.save, or use --only NODE"])
        )
    flat = Site.of(wanted.graph, library).flat
    needed = relevant_to(problems, ancestors(flat, [port.node for port in wanted.ports]))
    broken = errors(needed)
    if broken:
        raise Refused(of_graph(broken), *(problem.message for problem in broken))
    for problem in errors(problems):
        report.problem(f"{problem.message} (what does not depend on it runs)")
    return wanted


def templates(wanted: Wanted, library: NodeLibrary, options: argparse.Namespace) -> list[str]:
    """How files are called, by each writer that is wanted; none if nothing is to be written."""
    flat = Site.of(wanted.graph, library).flat
    writers = [flat.nodes[port.node] for port in wanted.ports if library[flat.nodes[port.node].type].writes]
    return [options.name or str(writer.knobs.get("name", "")) for writer in writers]


def output_folder(
    options: argparse.Namespace, wanted: Wanted, library: NodeLibrary, songs: Collection[Path]
) -> OutputFolder | None:
    """The output folder, opened before any work; none if nothing is to be written."""
    names = templates(wanted, library, options)
    if not names:
        return None
    for word in options.songs:
        if Path(word).is_dir() and Path(word).resolve() == options.output.resolve():
            raise Refused(
                Exit.OUTPUT,
                f"-o {options.output} is the folder of the songs: the next run would take the stems for songs; "
                f"name another folder, such as -o {options.output / 'stems'}",
            )
    inputs = [*songs, *options.input.values()]
    inputs += [options.reference] if options.reference else []
    try:
        for name in names:
            check_template(name)
        return OutputFolder(
            options.output,
            template=options.name,
            on_exist=options.on_exist,
            inputs=inputs,
            receipt=not options.no_receipt,
        )
    except (CannotWrite, OutputRefused) as error:
        raise Refused(Exit.OUTPUT, str(error)) from None
