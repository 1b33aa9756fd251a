"""A job carried out through the engine's `prepare` and `execute`, as the command line does it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from midistems_graph.audio.stem_names import canonical
from midistems_graph.document.flatten import Unfolding
from midistems_graph.editor.runs.job import Came, Job
from midistems_graph.engine import augment
from midistems_graph.engine.augment import COMPARE, MIXTURE, REFERENCE, Wanted
from midistems_graph.engine.binding import SONG, InputProblem, sound_files
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.outputs import CannotWrite, OutputFolder, OutputRefused
from midistems_graph.engine.plan import Unit
from midistems_graph.engine.reports import Status
from midistems_graph.engine.run import GraphUnsound, RunResult, Score, execute, prepare
from midistems_graph.engine.store.base import Store
from midistems_graph.engine.wiring import PlanError
from midistems_graph.node.library import NodeLibrary


class NotDone(Exception):
    """A job came to nothing; `said` are the sentences why. Without any it was cancelled."""

    def __init__(self, *said: str) -> None:
        super().__init__(" ".join(said))
        self.said = said


def run_one(
    job: Job,
    library: NodeLibrary,
    store: Store,
    progress: Callable[[float], None],
    started: Callable[[Executor], object],
) -> tuple[Came, tuple[str, ...]]:
    """Run a job to its end: what came of it, and sentences about what went wrong beside that. Raises NotDone."""
    try:
        wanted, inputs = _wanted(job, library)
        plan, warnings = prepare(wanted.graph, library, inputs, folder=job.folder, outputs=wanted.ports)
        outputs = None
        if job.output is not None:
            folder = OutputFolder(job.output, inputs=list(inputs.values()))
            outputs = folder.song(
                plan.bindings.song_name, plan.bindings.song_digest, plan.nodes, job.song.absolute().parent.name
            )
        watcher = _Tally(len(plan.units), progress)
        result = execute(
            job.graph,
            plan,
            library,
            store=store,
            outputs=outputs,
            watcher=watcher,
            warnings=warnings,
            started=started,
        )
    except GraphUnsound as error:
        raise NotDone(*(problem.message for problem in error.problems)) from None
    except (InputProblem, PlanError, Unfolding, CannotWrite, OutputRefused) as error:
        raise NotDone(str(error)) from None
    if result.cancelled:
        raise NotDone
    failed = [f"{failure.node}: {failure.message}" for failure in result.failures]
    if failed and not result.outputs and not result.scores:
        raise NotDone(*failed)
    return _came(result), (*failed, *result.problems)


def _wanted(job: Job, library: NodeLibrary) -> tuple[Wanted, dict[str, Path]]:
    """What is asked of the graph, and what is bound; raises NotDone."""
    inputs = {**job.inputs, SONG: job.song}
    wanted = augment.all_ends(job.graph, library)
    if wanted is None:
        raise NotDone("the graph writes and measures nothing; add a node io.save behind what you want")
    wanted = augment.with_levels(wanted, library, job.edges)
    if job.reference is not None:
        with suppress(OSError):
            names = [file.stem for file in sound_files(job.reference)]
            wanted = augment.with_reference(wanted, library, names, job.edges)
        if REFERENCE in wanted.graph.inputs and REFERENCE not in job.graph.inputs:
            inputs[REFERENCE] = job.reference
    if job.output is None:
        ports = tuple(port for port in wanted.ports if not _writes(wanted, port.node, library))
        if not ports:
            raise NotDone("nothing is measured here: the true stems of the song are not known, and no node measures")
        wanted = replace(wanted, ports=ports)
    unbound = sorted(name for name, slot in job.graph.inputs.items() if not slot.optional and name not in inputs)
    if unbound:
        raise NotDone(f"the graph has further inputs ({', '.join(unbound)}); choose a file or a folder for each")
    return wanted, inputs


def _writes(wanted: Wanted, address: str, library: NodeLibrary) -> bool:
    node = wanted.graph.nodes.get(address)
    node_type = library.get(node.type) if node else None
    return bool(node_type and node_type.writes)


def _came(result: RunResult) -> Came:
    writers = dict.fromkeys(score.node.removeprefix(COMPARE) for score in result.scores if _is_comparison(score))
    scores = {writer: _si_sdr(result.scores, COMPARE + writer) for writer in writers if COMPARE + writer != MIXTURE}
    others = tuple(score for score in result.scores if not score.node.startswith(COMPARE))
    return Came(result.outputs, scores, _si_sdr(result.scores, MIXTURE), others, result.seconds)


def _is_comparison(score: Score) -> bool:
    return score.node.startswith(COMPARE) and score.name == "si_sdr"


def _si_sdr(scores: Sequence[Score], node: str) -> Mapping[str, float]:
    return {canonical(score.row): score.value for score in scores if score.node == node and score.name == "si_sdr"}


class _Tally:
    """A watcher that adds up how far all units are."""

    def __init__(self, units: int, progress: Callable[[float], None]) -> None:
        self._units, self._progress = max(units, 1), progress
        self._done: Counter[Unit] = Counter()

    def unit_started(self, unit: Unit) -> None: ...

    def unit_progress(self, unit: Unit, done: float) -> None:
        self._set(unit, done)

    def unit_finished(self, unit: Unit, status: Status, seconds: float) -> None:
        self._set(unit, 1.0)

    def _set(self, unit: Unit, done: float) -> None:
        self._done[unit] = done  # type: ignore[assignment]
        self._progress(sum(self._done.copy().values()) / self._units)
