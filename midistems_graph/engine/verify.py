"""Held against an earlier run: the first edge that departs, and by how much.

An edge departs when its content is not what the trace in the receipt says. Of all that do, the first one in the order
of the graph is named: everything above it is as it was. Derived nodes have no content of their own; one is named where
its settings are not as they were, and what reads it departs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from midistems_graph.audio.codec import pack
from midistems_graph.audio.files import SoundFileError, open_sound
from midistems_graph.audio.values import Float32, Timed, Value
from midistems_graph.engine.apart import owner
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.plan import MODEL, PlanNode
from midistems_graph.engine.store import Store, StoreError
from midistems_graph.engine.trace import Contents, Trace, recall

BLOCK = 1 << 18
"""Samples of a file that are compared at a time."""


@dataclass(frozen=True)
class Difference:
    """How loud the difference is in dB, relative to what was there before, and from which second on.

    inf where the two cannot be laid over each other: another length, rate, or number of channels.
    """

    db: float
    at: float

    def __str__(self) -> str:
        if math.isinf(self.db) and self.db > 0:
            return "it has another length, rate or number of channels"
        return f"by {self.db:.1f} dB of its level, from {self.at:.2f} s"


@dataclass(frozen=True)
class Departure:
    """The first edge that departs. `difference` is None where its older content is known no more."""

    edge: str
    type: str
    difference: Difference | None
    why: tuple[str, ...]


def first_departure(executor: Executor, recorded: Trace, older: Store) -> Departure | None:
    """What departs first in a run from the trace of an earlier one, whose content `older` may still have.

    None if every edge is as it was. Edges that only one of the two runs had are left out.
    """
    plan, now = executor.plan, Trace.of(executor)
    departing = {port for port, digest in recorded.edges.items() if now.edges.get(port, digest) != digest}
    stored = [n for n in plan.nodes.values() if n.mode != "derived" and _ports(n) & departing]
    if not stored:
        return None
    first = stored[0]
    derived = _derived_above(executor, first)
    node = next((n for name, n in plan.nodes.items() if name in derived and _ports(n) & departing), first)
    edge = f"{owner(node.address)}.{min(_ports(node) & departing).rpartition('.')[2]}"
    difference = _difference(executor, min(_ports(first) & departing), recall(older, recorded), older)
    return Departure(edge, node.type.id.removesuffix(MODEL), difference, _why(node, recorded, now))


def derived_departure(executor: Executor, recorded: Trace, writer: str) -> Departure | None:
    """The derived edge that departs first above a writer all of whose other inputs are as they were."""
    plan, now = executor.plan, Trace.of(executor)
    above = _derived_above(executor, plan.nodes[writer])
    for name, node in plan.nodes.items():
        changed = [port for port in sorted(_ports(node)) if recorded.edges.get(port) not in (None, now.edges.get(port))]
        if changed and name in above:
            return Departure(changed[0], node.type.id, None, _why(node, recorded, now))
    return None


def between_files(old: Path, new: Path) -> Difference | None:
    """How two sound files differ; None if they hold the same samples. Raises SoundFileError."""
    with open_sound(old) as before, open_sound(new) as after:
        if (before.rate, before.channels, before.frames) != (after.rate, after.channels, after.frames):
            return Difference(math.inf, 0.0)
        measured = _Measured()
        for start in range(0, before.frames, BLOCK):
            stop = min(start + BLOCK, before.frames)
            measured.add(before.read(start, stop), after.read(start, stop), start / before.rate, 1 / before.rate)
        return measured.result


def is_sound_file(path: Path) -> bool:
    try:
        open_sound(path).close()
    except SoundFileError:
        return False
    return True


class _Measured:
    """Energies of what was and of the difference, and when it begins."""

    def __init__(self) -> None:
        self._old = self._error = 0.0
        self._at: float | None = None

    def add(self, old: Float32, new: Float32, start: float, step: float) -> None:
        """The next pieces of both, time on axis 1, which begin at `start` with `step` seconds per place."""
        error = (
            np.abs(new.astype(np.complex128) - old) if old.dtype.kind == "c" else np.abs(new.astype(np.float64) - old)
        )
        if self._at is None and error.any():
            axes = tuple(axis for axis in range(error.ndim) if axis != 1)
            self._at = start + step * (int(np.argmax(error.any(axis=axes))) if error.ndim > 1 else 0)
        self._old += float(np.sum(np.square(np.abs(old), dtype=np.float64)))
        self._error += float(np.sum(np.square(error)))

    @property
    def result(self) -> Difference | None:
        if self._at is None:
            return None
        return Difference(10 * math.log10(self._error / self._old) if self._old else math.inf, self._at)


def _difference(executor: Executor, port: str, older: Contents, store: Store) -> Difference | None:
    """How far a stored edge is from its older content, if the store still has that."""
    node, _, name = port.rpartition(".")
    units = sorted(u for u in executor.plan.units if u.node == node)
    digests = [digest for digest in older.get(port, ()) if digest != "muted"]
    if len(units) != len(digests):
        return None
    measured = _Measured()
    try:
        for unit, digest in zip(units, digests, strict=True):
            old, new = store.get(digest), executor.stored(unit, name)
            for before, after, start, step in _arrays(old, new):
                if before.shape != after.shape:
                    return Difference(math.inf, start)
                measured.add(before, after, start, step)
    except StoreError:
        return None
    return measured.result


def _arrays(old: Value, new: Value) -> Iterator[tuple[Float32, Float32, float, float]]:
    """The arrays of two values in pairs, when they begin and how many seconds one place of axis 1 lasts."""
    before, after = pack(old)[1], pack(new)[1]
    for name in before.keys() & after.keys():
        start = old.span.start / old.rate if isinstance(old, Timed) else 0.0
        places = before[name].shape[1] if before[name].ndim > 1 else 1
        yield before[name], after[name], start, old.span.seconds / max(1, places) if isinstance(old, Timed) else 0.0


def _ports(node: PlanNode) -> set[str]:
    return {f"{node.address}.{port.name}" for port in node.outputs}


def _derived_above(executor: Executor, node: PlanNode) -> set[str]:
    """The derived nodes that a node reads, one through another."""
    found: set[str] = set()
    todo = [node]
    while todo:
        for source in todo.pop().sources:
            above = executor.plan.nodes[source.node]
            if above.mode == "derived" and above.address not in found:
                found.add(above.address)
                todo.append(above)
    return found


def _why(node: PlanNode, recorded: Trace, now: Trace) -> tuple[str, ...]:
    """What is known to have changed about a node: the files and models that it names."""
    address = node.address.removesuffix(MODEL)
    mine: Mapping[str, str] = {knob: digest for knob, digest in now.files.items() if knob.startswith(address + ".")}
    changed = [knob for knob, digest in mine.items() if recorded.files.get(knob, digest) != digest]
    return tuple(f"what its knob {knob.rpartition('.')[2]} names has another content" for knob in changed)
