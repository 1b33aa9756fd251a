"""What a run held on its edges: kept in the receipt, so that a later run can be held against it.

The receipt has one digest per edge, which says whether an edge departs. How far it does can be told as long as the
store still has the older content; the digests that find it there are many, so they lie in the store as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import blake3

from midistems_graph.audio.values import Text
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.store import Store, StoreError

Contents = Mapping[str, tuple[str, ...]]
"""Digests of what every output port (`hpss.out`) held, in the order of time."""


@dataclass(frozen=True)
class Trace:
    """One run as the receipt has it.

    edges     by output port one digest of all that it held
    files     by knob (`separate.model`) the content digest of the file or model that it named
    window    the stretch in seconds, as exact fractions
    only      what `--only` asked for
    """

    edges: Mapping[str, str]
    files: Mapping[str, str]
    window: tuple[str, str]
    only: tuple[str, ...] = ()

    @classmethod
    def of(cls, executor: Executor, only: tuple[str, ...] = ()) -> Self:
        """The trace of an executor that has run."""
        plan = executor.plan
        files = {
            f"{node.address}.{knob}": digest for node in plan.nodes.values() for knob, digest in node.files.items()
        }
        edges = {port: _joint(digests) for port, digests in executor.contents().items()}
        return cls(edges, files, (str(plan.window[0]), str(plan.window[1])), only)

    @classmethod
    def from_data(cls, data: object) -> Self | None:
        """A trace out of a receipt; None for anything that is none."""
        if not isinstance(data, Mapping) or set(data) != {field.name for field in fields(cls)}:
            return None
        tables, lists = (data["edges"], data["files"]), (data["window"], data["only"])
        if not all(isinstance(t, Mapping) and all(isinstance(v, str) for v in t.values()) for t in tables):
            return None
        if not all(isinstance(t, list) and all(isinstance(v, str) for v in t) for t in lists) or len(lists[0]) != 2:
            return None
        return cls(dict(tables[0]), dict(tables[1]), (lists[0][0], lists[0][1]), tuple(lists[1]))

    def as_data(self) -> dict[str, Any]:
        return {**asdict(self), "window": list(self.window), "only": list(self.only)}


def remember(store: Store, executor: Executor, trace: Trace) -> None:
    """Let the store find the contents of a trace again, as long as it has them."""
    key = _key(trace)
    if store.find(key) is None:
        listed = Text(json.dumps(executor.contents(), sort_keys=True))
        song = executor.plan.bindings.song_digest
        with suppress(StoreError):  # a full store is said elsewhere, and costs no more than the figure
            store.put(key, {"out": listed}, node="trace", node_type="trace", seconds=0.0, song=song, facts={})


def recall(store: Store, trace: Trace) -> Contents:
    """What `remember` left for a trace; nothing if the store has dropped it."""
    with suppress(StoreError):
        record = store.find(_key(trace))
        value = store.get(record.outputs["out"]) if record else None
        if isinstance(value, Text):
            return {port: tuple(digests) for port, digests in json.loads(value.value).items()}
    return {}


def _joint(digests: tuple[str, ...]) -> str:
    return blake3.blake3(" ".join(digests).encode()).hexdigest()[:32]


def _key(trace: Trace) -> str:
    return blake3.blake3(b"midistems/trace/1\n" + json.dumps(trace.as_data(), sort_keys=True).encode()).hexdigest()
