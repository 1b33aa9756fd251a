"""Putting a store in order: values without an entry are listed, entries without their bytes are dropped.

The folders of values are verified one after the other, with what the index has of each, and each is put in order in a
transaction of its own. So memory does not grow with the store, other writers wait for one folder at a time, and whoever
stops it keeps what is in order by then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from typing import Literal

from midistems_graph.audio import codec
from midistems_graph.engine.store import valuefile
from midistems_graph.engine.store.base import DamagedValue, UnitRecord, VerifyReport
from midistems_graph.engine.store.change import GONE, Change, on_disk
from midistems_graph.engine.store.files import ValueFiles
from midistems_graph.engine.store.index import Index

FOLDERS = tuple(f"{number:02x}" for number in range(256))

State = Literal["sound", "damaged", "missing", "unlisted"]


def score_of(record: UnitRecord, lengths: Iterable[int | None]) -> float:
    """What a unit's values are worth: the seconds that it took per byte that they take on the disk."""
    return record.seconds / max(1, sum(on_disk(length or 0) for length in lengths))


def list_unlisted(index: Index, files: ValueFiles) -> None:
    """Enters all values that have no entry, and the units that made them as far as all of their outputs are there.

    Files that are no values are deleted.
    """
    unlisted: list[str] = []
    for folder in FOLDERS:
        listed = index.lengths(folder)
        unlisted += (digest for digest in files.digests(folder) if digest not in listed)
    listing = _Listing(index, files)
    listing.enter(unlisted)  # at once: a new index is written several times as quickly so
    listing.end()


def verify(index: Index, files: ValueFiles, repair: bool, told: Callable[[float], object]) -> VerifyReport:
    """Reads all values and compares each with its digest; see `DiskStore.verify`."""
    listing = _Listing(index, files)
    found: dict[State, list[str]] = {"sound": [], "damaged": [], "missing": [], "unlisted": []}
    checked = 0
    for place, folder in enumerate(FOLDERS):
        listed = index.lengths(folder)
        digests = sorted({*files.digests(folder), *listed})
        states: dict[State, list[str]] = {state: [] for state in found}
        for number, digest in enumerate(digests):
            told((place + number / len(digests)) / len(FOLDERS))
            states[_state(index, files, digest, digest in listed)].append(digest)
        checked += len(digests)
        del states["sound"]
        if repair:
            _drop(index, files, states["damaged"] + states["missing"])
            listing.enter(states["unlisted"])
        for state, some in states.items():
            found[state] += some
    listing.end()
    return VerifyReport(checked, tuple(found["damaged"]), tuple(found["missing"]), tuple(found["unlisted"]))


def _state(index: Index, files: ValueFiles, digest: str, listed: bool) -> State:
    """How a value is; what came or went since the folder was listed is asked for again."""
    try:
        if codec.digest(valuefile.read(files.path(digest)).value()) != digest:
            return "damaged"
    except DamagedValue:
        return "damaged"
    except FileNotFoundError:
        return "missing" if index.length(digest) is not None else "sound"  # evicted in the meantime
    return "sound" if listed or index.length(digest) is not None else "unlisted"


def _drop(index: Index, files: ValueFiles, digests: Collection[str]) -> None:
    """Drops values, but those that somebody has put there again, sound, since they were looked at."""
    if not digests:
        return
    with index.change() as change:
        for digest in digests:
            if not (files.has(digest, change.length(digest)) and files.is_readable(digest, bytes_too=True)):
                files.delete(change.drop_value(digest, GONE))


class _Listing:
    """Enters values, and each unit as soon as all of its outputs are there; the last ones at the `end`."""

    def __init__(self, index: Index, files: ValueFiles) -> None:
        self._index, self._files = index, files
        self._waiting: dict[str, UnitRecord] = {}

    def enter(self, digests: Collection[str]) -> None:
        if not digests:
            return
        now = time.time()
        with self._index.change() as change:
            for digest in digests:
                try:
                    record = UnitRecord(**valuefile.read(self._files.path(digest)).unit)
                except (FileNotFoundError, DamagedValue, TypeError):
                    self._files.delete([digest])
                    continue
                lengths = [self._files.length(output) for output in record.outputs.values()]
                change.add_value(digest, self._files.length(digest) or 0, score_of(record, lengths), now)
                if not self._entered(change, record):
                    self._waiting[record.key] = record

    def end(self) -> None:
        """Units some of whose values tell of another one that made them, too."""
        if self._waiting:
            with self._index.change() as change:
                for record in list(self._waiting.values()):
                    self._entered(change, record)

    def _entered(self, change: Change, record: UnitRecord) -> bool:
        """Whether a unit is whole, and so is in the index now, or a newer one of its key."""
        if any(change.length(digest) is None for digest in record.outputs.values()):
            return False
        if record.made > change.made(record.key):
            self._files.delete(change.add_unit(record))
        waits = self._waiting.get(record.key)
        if waits is not None and waits.made <= record.made:
            del self._waiting[record.key]
        return True
