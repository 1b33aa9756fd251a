"""Calling a function that is a value, on this thread: a separator (a node type, or a whole group), a scorer.

The piece is taken as all there is to hear: a separator behind a `Separator` edge sees the stretch that its
caller was given, which the caller's context made wide enough.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from midistems_graph.audio.files import SoundReader
from midistems_graph.audio.timeline import Timeline
from midistems_graph.audio.values import Audio, Number, Scorer, Separator, Span, Stems, Timed, Value
from midistems_graph.document.data import from_data
from midistems_graph.document.graph import GROUP_PREFIX, Address, Edge, Graph, Node
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.evaluate import evaluate
from midistems_graph.engine.plan import Interval, Plan, PlanNode, compile_plan
from midistems_graph.engine.wiring import Source
from midistems_graph.node.contract import ModelName, NodeError, OneTile, OutputFile, Run
from midistems_graph.node.definition import NodeType, Port
from midistems_graph.node.library import NodeLibrary


def call_separator(separator: Separator, mixture: Audio, library: NodeLibrary, run: Run) -> Stems:
    """The stems that a separator makes of a mixture, over the mixture's own span.

    Raises NodeError when the separator's node type is not installed or it gives no stems.
    """
    name = separator.type.removeprefix(GROUP_PREFIX)
    if name == separator.type:
        graph, output = Graph(nodes={"it": Node(name, knobs=dict(separator.knobs))}), Address("it", "out")
        node_type = library.get(name)
        if node_type is None:
            raise NodeError(f"the separator {name!r} is not installed")
        entry = node_type.inputs[0].name
    else:
        groups = from_data(json.loads(separator.definition)).groups
        graph = Graph(nodes={"it": Node(separator.type, knobs=dict(separator.knobs))}, groups=groups)
        output, entry = Address("it", next(iter(groups[name].outputs))), next(iter(groups[name].inputs))
    given = NodeType("given.audio", function=lambda: mixture, inputs=(), outputs=(Port("out", ("audio",)),), knobs=())
    edge = Edge(Address("given", "out"), Address("it", entry))
    graph = replace(graph, nodes={**graph.nodes, "given": Node(given.id)}, edges=frozenset({edge}))
    span = mixture.span
    bindings = Bindings({}, span.rate, Fraction(span.total, span.rate))
    plan = compile_plan(graph, NodeLibrary.of([*library, given]), bindings, outputs=[output])
    here = (Fraction(span.start, span.rate), Fraction(span.stop, span.rate))
    stems = _Pull(plan, here, run)(plan.outputs[0], here)
    if not isinstance(stems, Stems):
        raise NodeError(f"the separator {name!r} gives {type(stems).__name__.lower()}, not stems")
    return stems


def call_scorer(
    scorer: Scorer, mixture: Audio, stems: Stems, references: Stems | None, library: NodeLibrary, run: Run
) -> float:
    """What a scorer says of stems of a mixture: the higher the better, NaN where nothing can be said.

    Raises NodeError when its node type is not installed, or lacks the true stems.
    """
    node_type = library.get(scorer.type)
    if node_type is None:
        raise NodeError(f"the scorer {scorer.type!r} is not installed")
    given: dict[str, object] = {"mixture": OneTile(mixture), "stems": OneTile(stems)}
    given["references"] = None if references is None else OneTile(references)
    for port in node_type.inputs:
        functions = tuple(function for name, function in scorer.parts if name == port.name)
        if functions:
            given[port.name] = functions if port.variadic else functions[0]
    takes_run = {"run": _Called(run, mixture.span)} if node_type.takes_run else {}
    said = node_type.function(*(given.get(port.name) for port in node_type.inputs), **dict(scorer.knobs), **takes_run)
    assert isinstance(said, Number)
    return said.value


class _Pull:
    """Evaluates a plan on one stretch by recursion: no units, no store, each node once."""

    def __init__(self, plan: Plan, here: Interval, run: Run) -> None:
        self.plan, self.here, self.run = plan, here, run
        self.known: dict[str, dict[str, Value]] = {}

    def __call__(self, source: Source, interval: Interval) -> Value:
        if source.node not in self.known:
            node = replace(self.plan.nodes[source.node], reach=Fraction(0), whole=False)
            span = Span.of_seconds(*self.here, self.plan.total, node.rate)
            self.known[source.node] = evaluate(
                self.plan, node, self.here, self, _Inner(self.run, span, node, self.plan)
            )
        value = self.known[source.node][source.port]
        if interval == self.here or not isinstance(value, Timed):
            return value
        return value.crop(Span.of_seconds(*interval, self.plan.total, value.rate))


@dataclass(frozen=True)
class _Called:
    """The caller's run, seen from inside: another span, no progress of its own, no files, no outputs."""

    outer: Run
    span: Span

    @property
    def kept(self) -> Span:
        return self.span

    @property
    def threads(self) -> int:
        return self.outer.threads

    @property
    def cores(self) -> int:
        return self.outer.cores

    def progress(self, done: float) -> None:
        self.outer.check()

    def check(self) -> None:
        self.outer.check()

    def warn(self, message: str) -> None:
        self.outer.warn(message)

    def note(self, name: str, text: str) -> None:
        self.outer.note(name, text)

    def file(self, knob: str) -> Path:
        raise NodeError("what is called as a function cannot read files of its own")

    def sound(self, path: Path, track: int = 0) -> SoundReader:
        return self.outer.sound(path, track)

    @property
    def tags(self) -> Mapping[str, str]:
        return self.outer.tags

    @property
    def cover(self) -> bytes:
        return self.outer.cover

    @property
    def timeline(self) -> Timeline:
        return self.outer.timeline

    def output(self, stem: str, extension: str) -> AbstractContextManager[OutputFile]:
        raise NodeError("what is called as a function cannot write files")

    def separate(self, separator: Separator, mixture: Audio) -> Stems:
        return self.outer.separate(separator, mixture)

    def score(self, scorer: Scorer, mixture: Audio, stems: Stems, references: Stems | None = None) -> float:
        return self.outer.score(scorer, mixture, stems, references)


@dataclass(frozen=True)
class _Inner(_Called):
    """The run of a node within a separator: models are the files that it may read."""

    node: PlanNode
    plan: Plan

    def file(self, knob: str) -> Path:
        found = self.node.type.knob(knob)
        if found is not None and isinstance(found.file, ModelName):
            return self.plan.bindings.named(found.file, str(self.node.knobs[knob])).path
        return super().file(knob)
