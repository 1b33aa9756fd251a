"""A store that lives as long as the process: for runs without a store on disk, and for tests."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Self

from midistems_graph.audio import codec
from midistems_graph.audio.values import Value
from midistems_graph.engine.store.base import MissingValue, UnitRecord, VerifyReport
from midistems_graph.engine.store.explain import differences


class MemoryStore:
    """The promises of `Store` in two dictionaries; it has no limit and evicts nothing."""

    def __init__(self) -> None:
        self._units: dict[str, UnitRecord] = {}
        self._values: dict[str, Value] = {}
        self._pins: Counter[str] = Counter()
        self._lock = threading.RLock()

    def find(self, key: str) -> UnitRecord | None:
        with self._lock:
            record = self._units.get(key)
            return record if record and all(d in self._values for d in record.outputs.values()) else None

    def known(self, key: str) -> Mapping[str, str] | None:
        with self._lock:
            record = self._units.get(key)
        return record.outputs if record else None

    def put(
        self,
        key: str,
        values: Mapping[str, Value],
        *,
        node: str,
        node_type: str,
        seconds: float,
        song: str,
        facts: Mapping[str, str],
        pinned: bool = False,
    ) -> UnitRecord:
        outputs = {port: codec.digest(value) for port, value in values.items()}
        nbytes = sum(nbytes_of(value) for value in values.values())
        record = UnitRecord(key, outputs, node, node_type, seconds, nbytes, song, dict(facts), time.time())
        with self._lock:
            for port, digest in outputs.items():
                self._values.setdefault(digest, values[port])
            self._units[key] = record
            if pinned:
                self._pins.update(outputs.values())
            self._drop_orphans()
        return record

    def get(self, digest: str) -> Value:
        with self._lock:
            if digest not in self._values:
                raise MissingValue(f"value {digest[:8]} is not in the store")
            return self._values[digest]

    def pin(self, digests: Iterable[str]) -> bool:
        wanted = list(digests)
        with self._lock:
            self._pins.update(wanted)
            return all(digest in self._values for digest in wanted)

    def unpin(self, digests: Iterable[str]) -> None:
        with self._lock:
            self._pins.subtract(digests)
            self._pins = +self._pins

    def explain(self, node: str, node_type: str, song: str, facts: Mapping[str, str]) -> list[str]:
        with self._lock:
            earlier = [(r, None) for r in self._units.values() if (r.node, r.song) == (node, song)]
        return differences(node_type, facts, earlier)

    def size(self) -> int:
        with self._lock:
            return sum(nbytes_of(value) for value in self._values.values())

    def songs(self) -> dict[str, int]:
        held: dict[str, set[str]] = {}
        with self._lock:
            for record in self._units.values():
                held.setdefault(record.song, set()).update(record.outputs.values())
            return {song: sum(nbytes_of(self._values[d]) for d in digests) for song, digests in held.items()}

    def clear(self, song: str | None = None) -> int:
        with self._lock:
            before = self.size()
            self._units = {key: r for key, r in self._units.items() if song is not None and r.song != song}
            self._drop_orphans()
            return before - self.size()

    def verify(self, repair: bool = True) -> VerifyReport:
        with self._lock:
            checked = len(self._values)
            damaged = tuple(digest for digest, value in self._values.items() if codec.digest(value) != digest)
            for digest in damaged if repair else ():
                del self._values[digest]
                self._units = {key: r for key, r in self._units.items() if digest not in r.outputs.values()}
            return VerifyReport(checked, damaged)

    def close(self) -> None:
        self._pins.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _drop_orphans(self) -> None:
        used = {digest for record in self._units.values() for digest in record.outputs.values()}
        self._values = {d: value for d, value in self._values.items() if d in used or d in self._pins}


def nbytes_of(value: Value) -> int:
    """Bytes of a value's arrays."""
    return sum(array.nbytes for array in codec.pack(value)[1].values())
