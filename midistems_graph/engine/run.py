"""One graph on one song: bind, check, plan, execute, gather what came out.

Everything that runs graphs (the command line, the editor, a batch) goes through `prepare` and `execute`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from midistems_graph.audio.values import Number, Scores, Value
from midistems_graph.document.data import to_data
from midistems_graph.document.graph import Address, Graph
from midistems_graph.document.identity import graph_hash
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.keys import libraries
from midistems_graph.engine.machine import memory_bytes
from midistems_graph.engine.outputs import Output, SongOutputs
from midistems_graph.engine.plan import Interval, Plan, compile_plan
from midistems_graph.engine.reports import Failure, NodeReport, Watcher
from midistems_graph.engine.sizes import refuse_what_does_not_fit
from midistems_graph.engine.spans import Spans
from midistems_graph.engine.store import Store
from midistems_graph.engine.trace import Trace, remember
from midistems_graph.engine.turns import Turns
from midistems_graph.engine.wiring import Source
from midistems_graph.node.contract import NodeError
from midistems_graph.node.library import NodeLibrary
from midistems_graph.rules.check import check
from midistems_graph.rules.problems import Problem, errors


class GraphUnsound(Exception):
    """A graph has errors that what is wanted depends on; `problems` names each."""

    def __init__(self, problems: Collection[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Score:
    """A figure that a measure gave: which node, which row (a stem, or nothing), what it is called, value, unit."""

    node: str
    row: str
    name: str
    value: float
    unit: str


@dataclass(frozen=True)
class RunResult:
    """What came of a run on one song."""

    song: str
    outputs: tuple[Output, ...]
    nodes: Mapping[str, NodeReport]
    scores: tuple[Score, ...]
    problems: tuple[str, ...]
    failures: tuple[Failure, ...]
    cancelled: bool
    seconds: float


def prepare(
    graph: Graph,
    library: NodeLibrary,
    inputs: Mapping[str, Path],
    *,
    folder: Path | None = None,
    outputs: Collection[Address] | None = None,
    window: Interval | None = None,
) -> tuple[Plan, list[str]]:
    """A plan for a graph and files bound to its inputs, and warnings about the graph.

    `folder` is where the graph file lies (files that it names must be below), `outputs` the ports that are
    wanted (all writers and open measures if none are named), `window` a stretch in seconds.
    Raises GraphUnsound, InputProblem (a file), PlanError (bypassed nodes, too many units, a node that holds a song
    in memory which does not fit).
    """
    wanted = None if outputs is None else [address.node for address in outputs]
    problems = check(graph, library, wanted=wanted)
    broken = errors(problems)
    if broken:
        raise GraphUnsound(broken)
    bindings = Bindings.open(inputs, folder)
    plan = compile_plan(graph, library, bindings, outputs=outputs, window=window)
    refuse_what_does_not_fit(plan, memory_bytes())
    return plan, [problem.message for problem in problems]


def execute(
    graph: Graph,
    plan: Plan,
    library: NodeLibrary,
    *,
    store: Store | None,
    outputs: SongOutputs | None = None,
    watcher: Watcher | None = None,
    jobs: int = 0,
    memory: int = 0,
    warnings: Collection[str] = (),
    only: Collection[str] = (),
    turns: Turns | None = None,
    spans: Spans | None = None,
    started: Callable[[Executor], object] = lambda _: None,
) -> RunResult:
    """Run a plan to its end; what failed is in the result, what was written is in the receipt.

    `graph` is the document that the receipt is to name, `only` what was asked for of it (`--only`). Runs that share a
    store at the same time, and much of their work, share `turns` as well.
    `started` gets the executor, whose `cancel` may be called from any thread. The files that it read are closed.
    A run that wrote no file leaves no receipt. Raises CannotWrite when the receipt cannot be written.
    """
    began = time.perf_counter()
    executor = Executor(
        plan,
        library,
        store=store,
        outputs=outputs,
        watcher=watcher,
        jobs=jobs,
        memory=memory,
        turns=turns,
        spans=spans,
    )
    started(executor)
    executor.run()
    figures = _figures(executor)
    executor.forget()
    if not executor.cancelled:  # then a node may still be reading, and closing would wait for it
        plan.bindings.close()
    if outputs is not None and outputs.outputs:
        trace = Trace.of(executor, tuple(only))
        if store is not None:
            remember(store, executor, trace)
        outputs.finish(
            graph=to_data(graph),
            graph_hash=graph_hash(graph),
            inputs={name: bound.digest for name, bound in plan.bindings.files.items()},
            scores=_nested(figures),
            libraries=dict(pair for node in plan.nodes.values() for pair in libraries(node)),
            trace=trace.as_data(),
        )
    return RunResult(
        song=plan.bindings.song_name,
        outputs=tuple(sorted(outputs.outputs, key=lambda o: (o.node, o.stem, str(o.path)))) if outputs else (),
        nodes=executor.reports,
        scores=tuple(figures),
        problems=(*warnings, *executor.problems, *(outputs.problems if outputs else ())),
        failures=tuple(executor.failures),
        cancelled=executor.cancelled,
        seconds=time.perf_counter() - began,
    )


def _figures(executor: Executor) -> list[Score]:
    """What the wanted measures gave, in the order of the plan."""
    found: list[Score] = []
    for address in executor.plan.wanted:
        node = executor.plan.nodes[address]
        if node.type.writes or executor.reports[address].status not in ("ran", "cached", "derived"):
            continue
        for port in node.type.outputs:
            if port.kinds[0] in ("number", "scores"):
                with suppress(NodeError):  # derived from what failed
                    value = executor.value(Source(address, port.name))
                    found += _scores(address, "" if node.type.single_output else port.name, value)
    return found


def _scores(address: str, name: str, value: Value) -> list[Score]:
    if isinstance(value, Number):
        return [Score(address, "", name or "value", value.value, value.unit)]
    if isinstance(value, Scores):
        units = value.units
        return [
            Score(address, row, k, v, units.get(k, "")) for row, cells in value.rows.items() for k, v in cells.items()
        ]
    return []


def _nested(scores: list[Score]) -> dict[str, dict[str, dict[str, float]]]:
    """Scores as node -> row -> name -> value, for the receipt."""
    nested: dict[str, dict[str, dict[str, float]]] = {}
    for score in scores:
        nested.setdefault(score.node, {}).setdefault(score.row, {})[score.name] = score.value
    return nested
