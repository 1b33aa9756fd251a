"""Turns: of several runs that share a store at the same time, one computes a unit and the others wait for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Locks by key, which are there only while somebody wants them.

    Whoever has a turn waits for those of units that it reads alone, so turns never wait in a circle.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def turn(self, key: str) -> Iterator[None]:
        """Alone with a key, from looking it up to keeping what it gives."""
        with self._lock:
            mine, count = self._wanted.get(key, (threading.Lock(), 0))
            self._wanted[key] = mine, count + 1
        try:
            with mine:
                yield
        finally:
            with self._lock:
                mine, count = self._wanted.pop(key)
                if count > 1:
                    self._wanted[key] = mine, count - 1
