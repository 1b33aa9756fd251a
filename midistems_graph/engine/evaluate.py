"""One node on one stretch of the song: widen, gather, call, trim, check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from midistems_graph.audio.codec import pack, unpack
from midistems_graph.audio.values import Features, Number, Scorer, Scores, Separator, Span, Text, Timed, Value
from midistems_graph.engine.plan import TILE, Argument, Interval, Plan, PlanNode
from midistems_graph.engine.wiring import Source
from midistems_graph.node.contract import NodeError, Run
from midistems_graph.node.knob import KnobError

Fetch = Callable[[Source, Interval], Value]

PLAIN = (Number, Text, Scores, Separator, Scorer)
"""Values that are no arrays: nothing to cut, nothing to check."""

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
    """What one input port receives: a value, a tuple of them, a stream, a function, or None."""
    port, sources, functions = argument
    if functions:
        return functions if port.variadic else functions[0]
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
