"""What derived nodes gave, kept for a while for other readers of the same stretch."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

from midistems_graph.audio.codec import pack
from midistems_graph.audio.values import Value
from midistems_graph.engine.plan import Interval

MEMO_BYTES = 64 << 20
"""How much of derived values is kept for other readers of the same stretch; at most a quarter of a memory budget."""


class Memo:
    """Derived values by node and stretch, the oldest going first when there are too many bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._lock = threading.Lock()
        self._values: OrderedDict[tuple[str, Interval], tuple[Mapping[str, Value], int]] = OrderedDict()

    def clear(self) -> None:
        with self._lock:
            self._values.clear()
            self._bytes = 0

    def get(self, at: tuple[str, Interval]) -> Mapping[str, Value] | None:
        with self._lock:
            found = self._values.get(at)
            return found[0] if found else None

    def put(self, at: tuple[str, Interval], values: Mapping[str, Value]) -> None:
        nbytes = sum(array.nbytes for value in values.values() for array in pack(value)[1].values())
        if nbytes > self._limit:
            return
        with self._lock:
            if at not in self._values:
                self._values[at] = (values, nbytes)
                self._bytes += nbytes
            while self._bytes > self._limit:
                self._bytes -= self._values.popitem(last=False)[1][1]
