"""What a store is: finished units by key, and the values that they left behind by content digest.

The two are kept apart: `key -> digests` says that a unit need not run again, `digest -> bytes` holds each
value once, however many units came to it. So an edit that changes a key but not the result stops there.

    StoreError
     ├─ NotAStore      the folder holds something else; nothing in it is touched
     ├─ StoreFull      no room, on the disk or below the limit; a run goes on without storing
     ├─ MissingValue   no such value (any more): compute it again
     └─ DamagedValue   the stored bytes are not what was written; already dropped: compute it again
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, Self

from midistems_graph.audio.values import Value


class StoreError(Exception):
    """Something about the store that a user can act on, as one sentence."""


class NotAStore(StoreError):
    """The folder was not made by this program as a store, or by a newer version of it."""


class StoreFull(StoreError):
    """The disk is full, or what is pinned leaves no room below the limit."""


class MissingValue(StoreError):
    """The store does not hold this digest."""


class DamagedValue(StoreError):
    """The bytes of a value do not have the header and length that they were written with."""


@dataclass(frozen=True)
class UnitRecord:
    """What a finished unit left behind.

    `outputs` maps output ports to value digests, `seconds` is what computing took, `nbytes` the size of the
    outputs in memory, `song` the digest of the bound song, `made` Unix time. `facts` are the readable
    ingredients of the key (`{"knob n_fft": "2048", "input mixture": "<digest>", "tile": "3"}`), so that
    `explain` can say why a unit runs again.
    """

    key: str
    outputs: Mapping[str, str]
    node: str
    node_type: str
    seconds: float
    nbytes: int
    song: str
    facts: Mapping[str, str]
    made: float


@dataclass(frozen=True)
class VerifyReport:
    """What `verify` found: how many values were read, and the digests of those that were not in order.

    `damaged` bytes do not have their digest, `missing` ones have an entry but no bytes, `unlisted` ones
    are sound but had no entry.
    """

    checked: int
    damaged: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        return not (self.damaged or self.missing or self.unlisted)


class Store(Protocol):
    """The cache of edge values. Every method may be called from any thread.

    A unit or a value is either there as a whole or not at all. What is pinned stays until it is unpinned;
    anything else may vanish between two calls, so `get` after `find` can raise MissingValue unless the
    digests were pinned in between.
    """

    def find(self, key: str) -> UnitRecord | None:
        """The record of a finished unit, if every one of its outputs can still be read; otherwise None."""
        ...

    def known(self, key: str) -> Mapping[str, str] | None:
        """Digests of what a unit gave, by port, though its values may be gone; None for one that is not known."""
        ...

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
        """Keeps the outputs of a finished unit (each digest once), then its record, which is returned.

        They are `pinned` with it, in one step, if that is asked for.
        Raises StoreFull when there is no room; then nothing was stored.
        """
        ...

    def get(self, digest: str) -> Value:
        """A stored value with read-only arrays. Raises MissingValue or DamagedValue."""
        ...

    def pin(self, digests: Iterable[str]) -> bool:
        """Keeps values from eviction and `clear` until `unpin`, as often as they were pinned.

        False when one of them is gone already; the others are pinned all the same.
        """
        ...

    def unpin(self, digests: Iterable[str]) -> None:
        """Takes back one `pin` of each, of a digest that is named twice two."""
        ...

    def explain(self, node: str, node_type: str, song: str, facts: Mapping[str, str]) -> list[str]:
        """Why a unit has to run: its differences to the nearest earlier unit of that node and song.

        `["knob n_fft: 2048 -> 4096"]`; one sentence when there is no earlier one, or when the same
        one was lost; empty when its result is there.
        """
        ...

    def size(self) -> int:
        """Bytes that the values take."""
        ...

    def songs(self) -> dict[str, int]:
        """Bytes by digest of song; a value that two songs share counts for both."""
        ...

    def clear(self, song: str | None = None) -> int:
        """Forgets all units, or those of one song, and the values that no other unit has. Returns bytes freed."""
        ...

    def verify(self, repair: bool = True) -> VerifyReport:
        """Reads every value and compares it with its digest; drops what is damaged if told to repair."""
        ...

    def close(self) -> None:
        """Lets go of pins and files. Values that were read stay usable."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...
