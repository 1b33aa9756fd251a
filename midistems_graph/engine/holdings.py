"""Where the results of a run are until their last reader is done: in the store and pinned, or else in memory.

    holdings = Holdings(plan, store, digests)
    holdings.keep(unit, values, key=..., ...)      # or `pin` what the store has already, `hold` without a store
    holdings.value(unit, "out")                    # by whoever reads it
    holdings.release(unit)                         # when the unit is over: what it read may go

Every method may be called from any thread.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from functools import partial
from itertools import chain

from midistems_graph.audio.codec import digest
from midistems_graph.audio.values import Value
from midistems_graph.engine.plan import Plan, Unit
from midistems_graph.engine.store import MissingValue, Store, StoreFull

UNPIN_EVERY = 64
"""Values that were read for the last time are unpinned in batches of this size: a store may need a transaction."""


class Holdings:
    """The results of one run.

    `digests` says what each unit gave, by port, whether or not it is still there; `held` are values in memory.
    """

    def __init__(self, plan: Plan, store: Store | None, digests: dict[Unit, Mapping[str, str]]) -> None:
        self.digests = digests
        self.held: dict[Unit, Mapping[str, Value]] = {}
        self._plan, self._store = plan, store
        self._pinned: dict[Unit, list[str]] = {}
        self._done_with: list[str] = []
        self._is_over = False
        self._readers = Counter(chain.from_iterable(plan.units.values()))
        self._readers.update(plan.asked())  # whoever asks after the run
        self._lock = threading.Lock()

    def value(self, unit: Unit, port: str) -> Value:
        """What a unit gave. Raises MissingValue or DamagedValue for what is not there any more."""
        held = self.held.get(unit)
        if held is not None:
            return held[port]
        if self._store is None:
            raise MissingValue(f"{unit.node} has no store")
        return self._store.get(self.digests[unit][port])

    def keep(
        self,
        unit: Unit,
        values: Mapping[str, Value],
        *,
        key: str,
        node_type: str,
        seconds: float,
        song: str,
        facts: Mapping[str, str],
    ) -> int:
        """Give values to the store. Returns the bytes stored; raises StoreError when it takes none."""
        assert self._store is not None
        put = partial(
            self._store.put,
            key,
            values,
            node=unit.node,
            node_type=node_type,
            seconds=seconds,
            song=song,
            facts=facts,
            pinned=True,
        )
        try:
            record = put()
        except StoreFull:
            if not self.unpin():
                raise
            record = put()
        self._note_pins(unit, record.outputs)
        self.digests[unit] = record.outputs
        return record.nbytes

    def hold(self, unit: Unit, values: Mapping[str, Value], *, named: bool = True) -> None:
        """Keep values in memory, with their digests unless nobody asks for `named` ones."""
        if named:
            self.digests[unit] = {port: digest(value) for port, value in values.items()}
        self.held[unit] = values

    def pin(self, unit: Unit, outputs: Mapping[str, str]) -> bool:
        """Make sure that stored values stay; False if one is gone."""
        assert self._store is not None
        there = self._store.pin(outputs.values())
        self._note_pins(unit, outputs)
        if there:
            self.digests[unit] = outputs
        return there

    def release(self, unit: Unit) -> None:
        """A unit is over: let go of values that nobody will read any more."""
        with self._lock:
            for read in self._plan.units[unit]:
                self._readers[read] -= 1
                self._drop_unread(read)
            self._drop_unread(unit)  # its own readers were all lost
        if len(self._done_with) >= UNPIN_EVERY:
            self.unpin()

    def drop_unread(self, unit: Unit) -> None:
        """Let go of what was made again for one reader, after all were told to be done."""
        with self._lock:
            self._drop_unread(unit)

    def unpin(self, *, everything: bool = False) -> bool:
        """Let the store evict what was read for the last time; False if there is nothing.

        `everything`: all that this run pinned, since it is over.
        """
        if self._store is None:
            return False
        with self._lock:
            digests, self._done_with = self._done_with, []
            if everything:
                digests += [digest for pinned in self._pinned.values() for digest in pinned]
                self._pinned, self._is_over = {}, True
        if digests:
            self._store.unpin(digests)
        return bool(digests)

    def _note_pins(self, unit: Unit, outputs: Mapping[str, str]) -> None:
        """Remember what was pinned for a unit; it is let go at once where the run did not wait for that."""
        assert self._store is not None
        with self._lock:
            if not self._is_over:
                self._pinned.setdefault(unit, []).extend(outputs.values())
                return
        self._store.unpin(outputs.values())

    def _drop_unread(self, unit: Unit) -> None:
        if self._readers[unit] <= 0:
            self.held.pop(unit, None)
            self._done_with += self._pinned.pop(unit, ())
