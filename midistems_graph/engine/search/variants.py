"""One variant of a graph on one song: what it scores, what it would cost from nothing, and what had to run for it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from midistems_graph.audio.files import SoundFileError
from midistems_graph.document.flatten import Unfolding
from midistems_graph.document.graph import Graph
from midistems_graph.engine import augment
from midistems_graph.engine.augment import Wanted
from midistems_graph.engine.binding import InputProblem, sound_files
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.plan import Interval
from midistems_graph.engine.run import GraphUnsound, execute, prepare
from midistems_graph.engine.search.goals import Figures, Goal
from midistems_graph.engine.store import Store
from midistems_graph.engine.turns import Turns
from midistems_graph.engine.wiring import PlanError
from midistems_graph.node.library import NodeLibrary

COMPARED = frozenset({"si_sdr", "sdr", "level"})
"""Figures about true stems that are quick to have; any other asks for all of them."""


@dataclass(frozen=True)
class Variant:
    """A graph under a name that tells it from the others: `hpss.n_fft=2048 mask.power=2`."""

    name: str
    graph: Graph


@dataclass(frozen=True)
class Subject:
    """A song that variants are tried on: its inputs, and the folder of its true stems if they are known."""

    name: str
    inputs: Mapping[str, Path]
    reference: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """What a variant gave on a song.

    cost       seconds of work from nothing: what its results took when they were computed
    spent      seconds of work that were needed now
    ran        units that had to run, `cached` those that the store had
    nodes      cost by node
    problem    why there are no figures, or nothing
    """

    variant: str
    song: str
    figures: Figures
    cost: float
    spent: float
    ran: int
    cached: int
    nodes: Mapping[str, float]
    problem: str = ""


class Bench:
    """Tries variants on songs on one store, so that what they share is computed once.

    `jobs` are threads. The first try has them all, since most of its work is what the others share; then as many are
    at work at once.
    """

    def __init__(
        self,
        library: NodeLibrary,
        store: Store,
        goals: Sequence[Goal],
        *,
        folder: Path | None,
        window: Interval | None,
        jobs: int,
    ) -> None:
        self._library, self._store, self._goals = library, store, goals
        self._folder, self._window, self._jobs = folder, window, jobs
        self._turns = Turns()
        self._lock = threading.Lock()
        self._at_work: set[Executor] = set()
        self._stopped = False

    def outcomes(self, tries: Iterable[tuple[Variant, Subject]]) -> Iterator[Outcome]:
        """The outcome of each, as it comes. Stops what is at work when it is left."""
        tries = list(tries)
        threads = max(1, min(self._jobs, len(tries) - 1))
        with ThreadPoolExecutor(threads) as pool:
            try:
                for first in tries[:1]:
                    yield pool.submit(self._tried, *first, self._jobs).result()
                waiting = [pool.submit(self._tried, *each, max(1, self._jobs // threads)) for each in tries[1:]]
                for done in as_completed(waiting):
                    yield done.result()
            finally:
                self._stop()
                pool.shutdown(wait=False, cancel_futures=True)
                self._stopped = False

    def _tried(self, variant: Variant, subject: Subject, jobs: int) -> Outcome:
        try:
            wanted, inputs = self._measures(variant.graph, subject)
            plan, _ = prepare(
                wanted.graph, self._library, inputs, folder=self._folder, outputs=wanted.ports, window=self._window
            )
        except (InputProblem, GraphUnsound, PlanError, Unfolding, SoundFileError, _NothingMeasured) as error:
            return Outcome(variant.name, subject.name, {}, 0.0, 0.0, 0, 0, {}, str(error))
        executors: list[Executor] = []

        def started(executor: Executor) -> None:
            executors.append(executor)
            with self._lock:
                self._at_work.add(executor)
            if self._stopped:
                executor.cancel()

        result = execute(
            variant.graph, plan, self._library, store=self._store, jobs=jobs, turns=self._turns, started=started
        )
        with self._lock:
            self._at_work.difference_update(executors)
        reports = result.nodes
        return Outcome(
            variant=variant.name,
            song=subject.name,
            figures={f"{score.node}.{score.row}.{score.name}": score.value for score in result.scores},
            cost=sum(report.worth for report in reports.values()),
            spent=sum(report.seconds for report in reports.values()),
            ran=sum(report.units.get("ran", 0) for report in reports.values()),
            cached=sum(report.units.get("cached", 0) for report in reports.values()),
            nodes={address: report.worth for address, report in reports.items() if report.worth},
            problem="; ".join(f"the node {f.node}: {f.message}" for f in result.failures),
        )

    def _measures(self, graph: Graph, subject: Subject) -> tuple[Wanted, dict[str, Path]]:
        """What the goals need of a graph: the measures that give their figures, and nothing is written."""
        ends = augment.all_ends(graph, self._library)
        if ends is None:
            raise _NothingMeasured("the graph writes and measures nothing")
        inputs = dict(subject.inputs)
        if subject.reference is not None:
            names = [file.stem for file in sound_files(subject.reference)]
            ends = augment.with_reference(ends, self._library, names)
            if augment.REFERENCE in ends.graph.inputs:
                inputs[augment.REFERENCE] = subject.reference
        figures = [p for p in ends.ports if not self._writes(ends.graph, p.node) and p.node != augment.MIXTURE]
        named = {goal.node for goal in self._goals}
        ports = tuple(p for p in figures if "" in named or p.node in named)
        if not ports:
            raise _NothingMeasured(
                "no node measures what is asked for; add a measure, or name true stems with --reference"
            )
        return Wanted(ends.graph, ports), inputs

    def _writes(self, graph: Graph, node_id: str) -> bool:
        node = graph.nodes.get(node_id)
        node_type = self._library.get(node.type) if node else None
        return node_type is not None and node_type.writes

    def _stop(self) -> None:
        with self._lock:
            self._stopped = True
            for executor in self._at_work:
                executor.cancel()


class _NothingMeasured(Exception):
    """A graph has no figure to judge it by."""
