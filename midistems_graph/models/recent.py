"""What segments gave a moment ago, by content, in memory: tiles that lie side by side want the same ones."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import cache

from midistems_graph.audio.values import Float32
from midistems_graph.models.sessions import POLL, Check

RECENT_BYTES = 128 << 20
"""How much of recent segments is kept for the neighbouring tile."""


class Recent:
    """What segments gave, by content, each made once though several tiles want it; the oldest go when there are too
    many bytes."""

    def __init__(self, limit: int = RECENT_BYTES) -> None:
        self._limit, self._bytes = limit, 0
        self._changed = threading.Condition()
        self._kept: OrderedDict[str, Float32] = OrderedDict()
        self._promised: set[str] = set()

    def promise(self, key: str) -> bool:
        """Whether the caller is to make it and then to `settle` it: it is not there, and nobody else makes it."""
        with self._changed:
            if key in self._kept or key in self._promised:
                return False
            self._promised.add(key)
            return True

    def settle(self, keys: Iterable[str]) -> None:
        """Promises are over, kept or not."""
        with self._changed:
            self._promised.difference_update(keys)
            self._changed.notify_all()

    def get(self, key: str, check: Check) -> Float32 | None:
        """What is kept, after somebody who makes it has ended; raises Cancelled when `check` does."""
        with self._changed:
            while key in self._promised:
                check()
                self._changed.wait(POLL)
            return self._kept.get(key)

    def made(self, key: str, make: Callable[[], Float32], check: Check) -> Float32:
        """What is kept, or else what `make` gives, which then is kept."""
        while not self.promise(key):
            if (known := self.get(key, check)) is not None:
                return known
        try:
            made = make()
            self.put(key, made)
            return made
        finally:
            self.settle([key])

    def put(self, key: str, made: Float32) -> None:
        with self._changed:
            if key not in self._kept:
                self._kept[key] = made
                self._bytes += made.nbytes
            while self._bytes > self._limit:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes


@cache
def shared_recent() -> Recent:
    """Those of this process."""
    return Recent()
