"""One node on one stretch of the song: widen, gather, call, trim, check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from midistems_graph.audio.codec import pack, unpack
from midistems_graph.audio.values import Features, Number, Scores, Separator, Span, Text, Timed, Value
from midistems_graph.engine.plan import TILE, Argument, Interval, Plan, PlanNode, Unit
from midistems_graph.engine.wiring import Source
from midistems_graph.node.contract import NodeError, Run
from midistems_graph.node.definition import KnobError

Fetch = Callable[[Source, Interval], Value]

PLAIN = (Number, Text, Scores, Separator)
"""Values that are no arrays: nothing to cut, nothing to check."""

SIZES = {"audio": 1.0, "stems": 4.0, "spectrogram": 4.0, "magnitude": 2.0, "phase": 2.0, "mask": 2.0}
"""Bytes of a kind as multiples of audio: four stems, and STFTs with a hop of a quarter of the frame, by habit."""

SAMPLE_BYTES = 4

UNTIMED = (*PLAIN, Features)
"""Values that speak of the whole song."""


def evaluate(plan: Plan, node: PlanNode, interval: Interval, fetch: Fetch, run: Run) -> dict[str, Value]:
    """The outputs of a node on a stretch; `fetch` gives what its inputs hold on the wider stretch it needs.

    Raises NodeError when the node refuses its inputs or gives samples that are not numbers.
    """
    wider = plan.needed(node, interval)
    arguments = [_received(plan, argument, interval, wider, fetch) for argument in node.arguments]
    knobs: dict[str, Any] = dict(node.knobs)
    for name, source in node.wired.items():
        knobs[name] = _driven(node, name, fetch(source, wider))
    if node.type.takes_run:
        knobs["run"] = run
    result = node.type.function(*arguments, **knobs)
    values: tuple[Value, ...] = (result,) if node.type.single_output else tuple(result)
    if not node.outputs:
        return {}
    return {p.name: _trimmed(plan, node, v, interval) for p, v in zip(node.outputs, values, strict=True)}


def _received(plan: Plan, argument: Argument, interval: Interval, wider: Interval, fetch: Fetch) -> object:
    """What one input port receives: a value, a tuple of them, a stream, a separator, or None."""
    port, sources, separator = argument
    if separator is not None:
        return separator
    if port.stream:
        streams = tuple(TileStream(plan, source, interval, fetch) for source in sources)
        return streams if port.variadic else streams[0] if streams else None
    if port.variadic:
        return tuple(fetch(source, wider) for source in sources)
    return fetch(sources[0], wider) if sources else None


@dataclass(frozen=True)
class TileStream:
    """The tiles of one edge, in order, each fetched when it is asked for."""

    plan: Plan
    source: Source
    interval: Interval
    fetch: Fetch

    @property
    def span(self) -> Span:
        return Span.of_seconds(*self.interval, self.plan.total, self.plan.nodes[self.source.node].rate)

    def __iter__(self) -> Iterator[Any]:
        start, stop = self.interval
        at = start
        while at < stop or at == start:
            end = min((at // TILE + 1) * TILE, stop)
            yield self.fetch(self.source, (at, end))
            if end <= at:
                return
            at = end


def _driven(node: PlanNode, name: str, value: Value) -> object:
    """The knob value that an edge brings."""
    knob = node.type.knob(name)
    assert knob is not None and isinstance(value, Number | Text)
    try:
        return knob.coerce(value.value)
    except KnobError as error:
        raise NodeError(f"the edge into {node.address}.{name} brings a value out of range: {error}") from None


def _trimmed(plan: Plan, node: PlanNode, value: Value, interval: Interval) -> Value:
    """A result cut to the wanted stretch; raises NodeError when it does not cover it or is not finite."""
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, Timed):
        span = Span.of_seconds(*interval, plan.total, value.rate)
        if not (value.span.start <= span.start and span.stop <= value.span.stop and value.span.total == span.total):
            raise NodeError(f"{node.type.id} gave {value.span}, which does not cover the {span} that was asked for")
        value = value if value.span == span else value.crop(span)
    _finite(node, value)
    return value


def _finite(node: PlanNode, value: Value) -> None:
    """Raise NodeError when an array holds NaN or infinity, with the first time it does."""
    for array in pack(value)[1].values():
        if array.dtype.kind not in "fc" or np.isfinite(array.sum()):
            continue
        bad = ~np.isfinite(array)
        if bad.any():
            place = ""
            if isinstance(value, Timed):
                step = value.span.frames / max(array.shape[1], 1)
                first = int(np.argmax(bad.any(axis=tuple(i for i in range(array.ndim) if i != 1))))
                place = f" at {(value.span.start + first * step) / value.rate:.2f} s"
            raise NodeError(f"{node.type.id} gave samples that are not numbers (NaN or infinite){place}")


def silenced(value: Value) -> Value:
    """The same extent in silence: what a muted node gives."""
    header, arrays = pack(value)
    return unpack(header, {name: np.zeros_like(array) for name, array in arrays.items()})


def edge_sizes(plan: Plan) -> dict[Source, float]:
    """How many times the bytes of the song's own audio each output takes for the same stretch, as far as known."""
    sizes: dict[Source, float] = {}
    for address, node in plan.nodes.items():
        for port in node.outputs:
            arriving = [sizes[s] for a in node.arguments for s in a.sources if set(a.port.kinds) & set(port.kinds)]
            size = max((SIZES.get(kind, 0.0) for kind in port.kinds), default=0.0)
            if port.generic and arriving:
                size = max(arriving)
            elif port.kinds == ("stems",):
                size = float(len(_stem_names(node))) or max(arriving, default=size)
            sizes[Source(address, port.name)] = size
    return sizes


def _stem_names(node: PlanNode) -> tuple[str, ...]:
    """The names that the node type promises; none if they hang on what arrives."""
    return node.type.stems(SimpleNamespace(**node.knobs)) if callable(node.type.stems) else node.type.stems


def working_sizes(plan: Plan) -> dict[str, float]:
    """How many times the bytes of the song's own audio a node takes at work: what it reads and gives, with scratch.

    Of the derived nodes that are computed on the way the one that takes most counts too.
    """
    edges = edge_sizes(plan)
    sizes: dict[str, float] = {}
    for address, node in plan.nodes.items():
        touched = sum(edges[s] for s in node.sources) + sum(edges[Source(address, p.name)] for p in node.outputs)
        derived = [sizes[s.node] for s in node.sources if plan.nodes[s.node].mode == "derived"]
        sizes[address] = touched * (1 + node.type.scratch) + max(derived, default=0.0)
    return sizes


def working_bytes(plan: Plan, unit: Unit, sizes: Mapping[str, float]) -> int:
    """An estimate of the memory that a unit takes at work; sizes are those of `working_sizes`."""
    node = plan.nodes[unit.node]
    start, stop = plan.needed(node, plan.interval(unit))
    streams = any(port.stream for port in node.type.inputs)
    seconds = float(min(stop - start, TILE) if streams else stop - start)
    channels = max((bound.channels for bound in plan.bindings.files.values()), default=2) or 2
    return int(seconds * node.rate * channels * SAMPLE_BYTES * sizes[unit.node])
