"""One song of a run of the program, from its file to what is kept of it in the report.

Who looks on differs: a console where a song runs alone, a pipe where a batch has given it to one of its workers.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from midistems_graph.audio.writing import DiskFull
from midistems_graph.cli.codes import Exit, Refused, of_graph, worst
from midistems_graph.cli.logs import fault_sentence
from midistems_graph.cli.plain_text import in_bytes, in_seconds
from midistems_graph.cli.result import Report, finite, peak_memory
from midistems_graph.cli.songs import Song, Sources, sounds_in
from midistems_graph.cli.writing import written
from midistems_graph.document.flatten import Unfolding
from midistems_graph.document.graph import Graph
from midistems_graph.engine import augment
from midistems_graph.engine.augment import Wanted
from midistems_graph.engine.binding import InputProblem
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.forecast import Forecast, forecast, remember_memory
from midistems_graph.engine.naming import path_for
from midistems_graph.engine.outputs import CannotWrite, OutputFolder, SongOutputs
from midistems_graph.engine.plan import Plan
from midistems_graph.engine.reports import Cure, Failure, Watcher, cure_of
from midistems_graph.engine.room import free_bytes, written_bytes
from midistems_graph.engine.run import GraphUnsound, RunResult, execute, prepare
from midistems_graph.engine.spans import Spans
from midistems_graph.engine.store import DiskStore
from midistems_graph.engine.wiring import PlanError
from midistems_graph.node.library import NodeLibrary
from midistems_graph.pages.timeline import Recorded

SETTLED = frozenset({"cached", "derived", "up to date", "bypassed", "skipped"})
"""What nodes are when a run had nothing to do."""


class Onlooker(Protocol):
    """Who is told of a song while it runs."""

    def say(self, text: str) -> None:
        """A sentence for people."""

    def watch(self, plan: Plan) -> AbstractContextManager[Watcher]:
        """Look on while a plan runs."""

    def show(self, result: RunResult) -> None:
        """What came of it."""

    def foretell(self, told: Forecast) -> None:
        """What it would cost."""


@dataclass(frozen=True)
class Work:
    """What is the same for all songs that have the same knobs.

    jobs       threads of one song
    memory     the budget of a song's values in work, asked for once it is planned
    started    gets the executor of every song
    """

    options: argparse.Namespace
    report: Report
    library: NodeLibrary
    document: Graph
    wanted: Wanted
    folder: Path
    sources: Sources
    outputs: OutputFolder | None
    store: DiskStore
    onlooker: Onlooker
    jobs: int
    memory: Callable[[Plan], int]
    started: Callable[[Executor], object] = lambda _: None


def run_song(work: Work, song: Song) -> Cure:
    """One song to its end; what goes wrong is kept in the report.

    Gives what can help against that. Raises KeyboardInterrupt when cancelled.
    """
    try:
        code, cure = _one_song(work, song)
    except Refused as refused:
        code, cure = refused.code, cure_of(refused)
        for sentence in refused.sentences:
            work.report.problem(sentence)
    work.report.songs.append(code)
    return cure


def _one_song(work: Work, song: Song) -> tuple[Exit, Cure]:
    wanted, inputs, reference = work.wanted, work.sources.inputs_of(song), work.sources.reference_of(song)
    if reference is not None:
        names = [file.stem for file in sounds_in(reference, f"--reference {reference}")]
        wanted = augment.with_reference(wanted, work.library, names, all_figures=work.options.reference is not None)
        if augment.REFERENCE in wanted.graph.inputs:
            inputs[augment.REFERENCE] = reference
        elif not song.is_demo:
            work.report.problem("--reference: none of the stem sets that are written has one of these stems")
    plan, warnings = _planned(work, wanted, inputs)
    if work.options.dry_run:
        for sentence in warnings:
            work.report.problem(sentence)
        _foretell(work, plan, song)
        return Exit.DONE, ""
    outputs = None
    if work.outputs is not None:
        outputs = work.outputs.song(song.name, plan.bindings.song_digest, plan.nodes, song.folder)
        _refuse_without_room(work.outputs, outputs, plan)
    memory, before = work.memory(plan), peak_memory() or 0
    spans = Spans() if work.options.trace else None
    executors: list[Executor] = []

    def begun(executor: Executor) -> None:
        executors.append(executor)
        work.started(executor)

    try:
        with work.onlooker.watch(plan) as display:
            watcher = Recorded(display)
            result = execute(
                work.document,
                plan,
                work.library,
                store=work.store,
                outputs=outputs,
                watcher=watcher,
                jobs=work.jobs,
                memory=memory,
                warnings=warnings,
                only=work.options.only,
                spans=spans,
                started=begun,
            )
    except CannotWrite as error:
        raise Refused(Exit.OUTPUT, str(error)) from error
    _keep(work.report, plan, result, song)
    if not memory:
        _remember(work, plan, result, before)
    if spans is not None:
        trace = _of_song(work, work.options.trace, song)
        written(trace, spans.as_json())
        work.onlooker.say(f"trace: {trace} (open it in Perfetto or chrome://tracing)")
    if result.cancelled:
        raise KeyboardInterrupt
    if work.options.report:
        _write_report(work, executors[0], result, watcher, song)
    work.onlooker.show(result)
    failures = _own(result.failures)
    code = worst(_code(failure, plan) for failure in failures)
    if code is Exit.DONE:
        _farewell(work, song, result)
    cures = {failure.cure for failure in failures}
    return code, "room" if "room" in cures else "again" if cures == {"again"} else ""


def _refuse_without_room(folder: OutputFolder, outputs: SongOutputs, plan: Plan) -> None:
    """Before anything is computed: what the song will write, less what of it is there, has to fit on the disk."""
    needs, free = written_bytes(plan) - outputs.held_bytes(), free_bytes(folder.folder)
    if free is not None and needs > free:
        said = f"its files take about {in_bytes(needs)}, and {in_bytes(free)} are free on the disk of {folder.folder}"
        error = DiskFull(f"{said}; make room, choose another folder or a smaller --format.")
        raise Refused(Exit.OUTPUT, str(error)) from error


def _of_song(work: Work, path: Path, song: Song) -> Path:
    """Where what is written beside the outputs goes: of several songs each has its path in the name of its file."""
    if not work.sources.several:
        return path
    fields = {"song": song.shown, "stem": path.stem}
    return path.with_name(str(path_for("{stem} - {song}", fields, path.suffix.lstrip(".") or "json")))


def _write_report(work: Work, executor: Executor, result: RunResult, watcher: Recorded, song: Song) -> None:
    """The page of a song. Raises Refused."""
    from midistems_graph.pages.report import Story, report

    path = _of_song(work, work.options.report, song)
    story = Story(work.document, work.library, executor, result, watcher.bars, path.parent)
    page = report(story)
    executor.plan.bindings.close()
    written(path, page)
    work.onlooker.say(f"report: {path} ({in_bytes(len(page))})")


def _planned(work: Work, wanted: Wanted, inputs: Mapping[str, Path]) -> tuple[Plan, list[str]]:
    window = work.options.window
    try:
        plan, warnings = prepare(
            wanted.graph, work.library, inputs, folder=work.folder, outputs=wanted.ports, window=window
        )
    except InputProblem as error:
        raise Refused(Exit.INPUT, str(error)) from error
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


def _foretell(work: Work, plan: Plan, song: Song) -> None:
    told = forecast(plan, work.store, jobs=work.jobs)
    if not work.sources.several:  # the run begins as this one did
        told = replace(told, elapsed=told.elapsed + told.start + time.process_time())
    told = replace(told, free=free_bytes(work.store.folder), limit=work.store.limit_bytes)
    work.report.forecast.append({"song": song.name, **told.as_data()})
    work.onlooker.foretell(told)


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


def _keep(report: Report, plan: Plan, result: RunResult, bound: Song) -> None:
    """Put what a song gave into the report, and say what went wrong."""
    song = result.song
    for output in result.outputs:
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
            report.problem(sentence)
    for failure in result.failures:
        if failure not in _own(result.failures) and failure.kind == "node":
            if not bound.is_demo:
                report.problem(f"there is no comparison: {failure.message}")
        elif failure.kind == "fault":
            report.problem(f"the node {failure.node} broke ({failure.message}); {fault_sentence()}")
        elif failure.kind == "check":
            report.problem(f"the check {failure.node} does not hold: {failure.message}")
        elif failure.kind == "node":
            report.problem(f"the node {failure.node}: {failure.message}")
        else:
            report.problem(failure.message)


def _remember(work: Work, plan: Plan, result: RunResult, before: int) -> None:
    """What a run took that had all to do, at its own pace; of several songs of one process those tell that took more
    than all `before`."""
    peak = peak_memory() or 0
    whole = all(status in ("ran", "derived", "skipped") for node in result.nodes.values() for status in node.units)
    if peak > before and whole and not result.cancelled:
        remember_memory(plan, peak, jobs=work.jobs)


def _farewell(work: Work, song: Song, result: RunResult) -> None:
    """How it went, why nodes ran, and on the demo song what to try next."""
    if work.options.verbose:
        for address, node in result.nodes.items():
            why = f": {node.reason}" if node.reason else ""
            work.onlooker.say(f"  {address} {node.status}{why}")
    if work.sources.several:  # the batch tells how it went
        return
    seconds = in_seconds(work.report.seconds)
    if all(node.status in SETTLED for node in result.nodes.values()):
        work.onlooker.say(f"nothing to do: every result was in the store and every file is up to date ({seconds})")
    else:
        work.onlooker.say(f"done in {seconds}")
    if song.is_demo:
        graph = work.options.graph
        work.onlooker.say(
            f"next: see the graph         {_program('midistems-graph')} graph show {graph} --format svg -o graph.svg"
        )
        work.onlooker.say(f"      its nodes and knobs   {_program('midistems-graph')} graph show {graph}")
        work.onlooker.say(f"      your own song         {_program('run-graph')} {graph} song.flac -o stems")


def _program(name: str) -> str:
    """What to type for one of our programs: its name where the shell finds it, else where it lies."""
    beside = Path(sys.argv[0]).with_name(name)
    return name if shutil.which(name) or not beside.exists() else str(beside)
