"""A run of the program: graph, songs, store and folder are opened, each song is run, everything is said."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from midistems_graph.cli import tables
from midistems_graph.cli.codes import Exit, Refused, of_graph, worst
from midistems_graph.cli.logs import fault_sentence
from midistems_graph.cli.plain_text import clean, in_bytes, in_seconds
from midistems_graph.cli.presets import graph_file, graph_of
from midistems_graph.cli.progress import shown
from midistems_graph.cli.result import Report, finite
from midistems_graph.cli.settings import with_settings, with_writers_set
from midistems_graph.cli.songs import Song, Sources, find_songs
from midistems_graph.cli.stores import opened
from midistems_graph.cli.writing import written
from midistems_graph.document.flatten import Unfolding
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.engine import augment
from midistems_graph.engine.augment import Wanted
from midistems_graph.engine.binding import InputProblem, sound_files
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.forecast import forecast
from midistems_graph.engine.naming import check_template, path_for
from midistems_graph.engine.outputs import CannotWrite, OutputFolder, OutputRefused
from midistems_graph.engine.plan import Plan
from midistems_graph.engine.reports import Failure
from midistems_graph.engine.run import GraphUnsound, RunResult, execute, prepare
from midistems_graph.engine.store import Store
from midistems_graph.engine.wiring import PlanError
from midistems_graph.node.library import NodeLibrary, installed
from midistems_graph.pages.timeline import Recorded
from midistems_graph.rules.check import ancestors, check
from midistems_graph.rules.problems import errors, relevant_to
from midistems_graph.rules.site import Site

SETTLED = frozenset({"cached", "derived", "up to date", "bypassed", "skipped"})
"""What nodes are when a run had nothing to do."""


@dataclass(frozen=True)
class _Work:
    """What is the same for all songs."""

    options: argparse.Namespace
    report: Report
    people: Console
    results: Console
    library: NodeLibrary
    document: Graph
    wanted: Wanted
    folder: Path
    sources: Sources
    outputs: OutputFolder | None
    store: Store

    def say(self, text: str) -> None:
        if not self.options.quiet:
            self.people.print(clean(text))


def run(options: argparse.Namespace, report: Report) -> None:
    """Do what the command line says, and keep what comes of it in the report. Raises Refused and KeyboardInterrupt."""
    library = installed()
    file = graph_file(options.graph)
    document = _with_options(graph_of(file), library, options)
    _refuse_unknown_inputs(document, options.input)
    songs = find_songs(options.songs, options.input)
    sources = Sources(options.input, _folders(document, library), options.reference, len(songs) > 1)
    wanted = _wanted(document, library, options, report)
    with opened(options.cache_dir, options.no_cache, report.problem, options.store) as store:
        outputs = _outputs(options, wanted, library, songs)
        work = _Work(
            options,
            report,
            tables.stderr(),
            tables.stdout(),
            library,
            document,
            wanted,
            file.parent,
            sources,
            outputs,
            store,
        )
        for number, song in enumerate(songs, 1):
            if len(songs) > 1:
                work.say(f"{song.name} ({number} of {len(songs)})")
            _song(work, song)
    if len(songs) > 1:
        failed = sum(code is not Exit.DONE for code in report.songs)
        work.say(f"{len(songs) - failed} of {len(songs)} songs are done" + (f", {failed} failed" if failed else ""))


# The graph


def _with_options(graph: Graph, library: NodeLibrary, options: argparse.Namespace) -> Graph:
    graph = with_settings(graph, library, options.settings)
    for knob in ("format", "gain"):
        text = getattr(options, knob)
        if text is not None:
            graph = with_writers_set(graph, library, knob, text)
    return graph


def _folders(graph: Graph, library: NodeLibrary) -> frozenset[str]:
    try:
        return augment.folder_inputs(graph, library)
    except Unfolding as error:
        raise Refused(Exit.GRAPH, str(error)) from None


def _refuse_unknown_inputs(graph: Graph, given: Mapping[str, Path]) -> None:
    unknown = sorted(set(given) - set(graph.inputs))
    if unknown:
        has = ", ".join(sorted(graph.inputs)) or "none"
        raise Refused(Exit.USAGE, f"--input {unknown[0]}: the graph has no such input; it has {has}")


def _wanted(graph: Graph, library: NodeLibrary, options: argparse.Namespace, report: Report) -> Wanted:
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


# Files


def _outputs(
    options: argparse.Namespace, wanted: Wanted, library: NodeLibrary, songs: list[Song]
) -> OutputFolder | None:
    """The output folder, opened before any work; none if nothing is to be written."""
    flat = Site.of(wanted.graph, library).flat
    writers = [flat.nodes[port.node] for port in wanted.ports if library[flat.nodes[port.node].type].writes]
    if not writers:
        return None
    for word in options.songs:
        if Path(word).is_dir() and Path(word).resolve() == options.output.resolve():
            raise Refused(
                Exit.OUTPUT,
                f"-o {options.output} is the folder of the songs: the next run would take the stems for songs; "
                f"name another folder, such as -o {options.output / 'stems'}",
            )
    inputs = [*(song.path for song in songs), *options.input.values()]
    inputs += [options.reference] if options.reference else []
    try:
        for writer in writers:
            check_template(str(writer.knobs.get("name", "")))
        return OutputFolder(
            options.output,
            template=options.name,
            on_exist=options.on_exist,
            inputs=inputs,
            receipt=not options.no_receipt,
        )
    except (CannotWrite, OutputRefused) as error:
        raise Refused(Exit.OUTPUT, str(error)) from None


# One song


def _song(work: _Work, song: Song) -> None:
    """One song to its end; what goes wrong is kept in the report. Raises KeyboardInterrupt when cancelled."""
    name = song.name if work.sources.several else ""
    try:
        code = _one_song(work, song, name)
    except Refused as refused:
        code = refused.code
        for sentence in refused.sentences:
            work.report.problem(sentence, name)
    work.report.songs.append(code)


def _one_song(work: _Work, song: Song, name: str) -> Exit:
    wanted, inputs, reference = work.wanted, work.sources.inputs_of(song), work.sources.reference_of(song)
    if reference is not None:
        names = [file.stem for file in sound_files(reference)]
        wanted = augment.with_reference(wanted, work.library, names, all_figures=work.options.reference is not None)
        if augment.REFERENCE in wanted.graph.inputs:
            inputs[augment.REFERENCE] = reference
        elif not song.is_demo:
            work.report.problem("--reference: none of the stem sets that are written has one of these stems", name)
    plan, warnings = _planned(work, wanted, inputs)
    if work.options.dry_run:
        for sentence in warnings:
            work.report.problem(sentence, name)
        _foretell(work, plan, song)
        return Exit.DONE
    outputs = work.outputs.song(song.name, plan.bindings.song_digest, plan.nodes) if work.outputs else None
    executors: list[Executor] = []
    try:
        with shown(plan, work.people, work.options.quiet) as display:
            watcher = Recorded(display)
            result = execute(
                work.document,
                plan,
                work.library,
                store=work.store,
                outputs=outputs,
                watcher=watcher,
                jobs=work.options.jobs,
                memory=work.options.memory,
                warnings=warnings,
                only=work.options.only,
                started=executors.append,
            )
    except CannotWrite as error:
        raise Refused(Exit.OUTPUT, str(error)) from None
    _keep(work.report, plan, result, song, name)
    if result.cancelled:
        raise KeyboardInterrupt
    if work.options.report:
        _write_report(work, executors[0], result, watcher)
    if not work.options.json and not work.options.quiet:
        tables.print_result(result, work.results)
    code = worst(_code(failure, plan) for failure in _own(result.failures))
    if code is Exit.DONE:
        _farewell(work, song, result)
    return code


def _write_report(work: _Work, executor: Executor, result: RunResult, watcher: Recorded) -> None:
    """The page of a song; of several songs each has its name in that of its file. Raises Refused."""
    from midistems_graph.pages.report import Story, report

    path: Path = work.options.report
    if work.sources.several:
        path = path.with_name(str(path_for("{stem} - {song}", {"song": result.song, "stem": path.stem}, "html")))
    story = Story(work.document, work.library, executor, result, watcher.bars, path.parent)
    page = report(story)
    executor.plan.bindings.close()
    written(path, page)
    work.say(f"report: {path} ({in_bytes(len(page))})")


def _planned(work: _Work, wanted: Wanted, inputs: Mapping[str, Path]) -> tuple[Plan, list[str]]:
    window = work.options.window
    try:
        plan, warnings = prepare(
            wanted.graph, work.library, inputs, folder=work.folder, outputs=wanted.ports, window=window
        )
    except InputProblem as error:
        raise Refused(Exit.INPUT, str(error)) from None
    except GraphUnsound as error:
        raise Refused(of_graph(error.problems), *(problem.message for problem in error.problems)) from None
    except (PlanError, Unfolding) as error:
        raise Refused(Exit.GRAPH, str(error)) from None
    if window and plan.window[0] >= plan.window[1]:
        length = in_seconds(float(plan.total))
        raise Refused(Exit.USAGE, f"--window starts at {float(window[0]):g} s, but the song is {length} long")
    if window and window[1] > plan.total:
        warnings = [*warnings, f"--window reaches beyond the song, which ends after {in_seconds(float(plan.total))}"]
    return plan, warnings


def _foretell(work: _Work, plan: Plan, song: Song) -> None:
    told = forecast(plan, work.store, jobs=work.options.jobs)
    folder = getattr(work.store, "folder", None)
    with suppress(OSError):
        told = replace(told, free=shutil.disk_usage(folder).free if folder else None)
    work.report.forecast.append({"song": song.name, **told.as_data()})
    if not work.options.json:
        tables.print_forecast(told, work.results)


def _code(failure: Failure, plan: Plan) -> Exit:
    """A node that only reads files fails because of them."""
    if failure.kind == "fault":
        return Exit.FAULT
    if failure.kind == "output":
        return Exit.OUTPUT
    if failure.kind == "check":
        return Exit.VERIFY
    node = plan.nodes[failure.node]
    return Exit.INPUT if node.files and not node.inputs else Exit.NODE


def _own(failures: Iterable[Failure]) -> list[Failure]:
    """Those of the graph's own nodes: a comparison that is not possible leaves the stems as they are."""
    return [failure for failure in failures if not failure.node.startswith(augment.COMPARE)]


def _keep(report: Report, plan: Plan, result: RunResult, bound: Song, name: str) -> None:
    """Put what a song gave into the report, and say what went wrong."""
    song = result.song
    for output in tables.in_order(result):
        report.outputs.append(
            {
                "song": song,
                "node": output.node,
                "stem": output.stem,
                "path": str(output.path),
                "status": output.status,
                "peak": finite(output.figures.get("peak")),
                "lufs": finite(output.figures.get("lufs")),
            }
        )
    for address, node in result.nodes.items():
        report.nodes.append(
            {
                "song": song,
                "id": address,
                "type": plan.nodes[address].type.id,
                "status": node.status,
                "seconds": round(node.seconds, 4),
                "bytes": node.nbytes,
                "units": dict(node.units),
                "reason": node.reason,
                "notes": dict(node.notes),
            }
        )
    for score in result.scores:
        figures = {"node": score.node, "row": score.row, "name": score.name, "unit": score.unit}
        report.scores.append({"song": song, **figures, "value": finite(score.value)})
    for sentence in result.problems:
        if not (bound.is_demo and sentence.startswith(augment.COMPARE)):  # nobody asked for that comparison
            report.problem(sentence, name)
    for failure in result.failures:
        if failure not in _own(result.failures) and failure.kind == "node":
            if not bound.is_demo:
                report.problem(f"there is no comparison: {failure.message}", name)
        elif failure.kind == "fault":
            report.problem(f"the node {failure.node} broke ({failure.message}); {fault_sentence()}", name)
        elif failure.kind == "check":
            report.problem(f"the check {failure.node} does not hold: {failure.message}", name)
        elif failure.kind == "node":
            report.problem(f"the node {failure.node}: {failure.message}", name)
        else:
            report.problem(failure.message, name)


def _farewell(work: _Work, song: Song, result: RunResult) -> None:
    """How it went, why nodes ran, and on the demo song what to try next."""
    if work.options.verbose:
        for address, node in result.nodes.items():
            why = f": {node.reason}" if node.reason else ""
            work.say(f"  {address} {node.status}{why}")
    seconds = in_seconds(result.seconds if len(work.report.songs) else work.report.seconds)
    if all(node.status in SETTLED for node in result.nodes.values()):
        work.say(f"nothing to do: every result was in the store and every file is up to date ({seconds})")
    else:
        work.say(f"done in {seconds}")
    if song.is_demo:
        graph = work.options.graph
        work.say(
            f"next: see the graph         {_program('midistems-graph')} graph show {graph} --format svg -o graph.svg"
        )
        work.say(f"      its nodes and knobs   {_program('midistems-graph')} graph show {graph}")
        work.say(f"      your own song         {_program('run-graph')} {graph} song.flac -o stems")


def _program(name: str) -> str:
    """What to type for one of our programs: its name where the shell finds it, else where it lies."""
    beside = Path(sys.argv[0]).with_name(name)
    return name if shutil.which(name) or not beside.exists() else str(beside)
