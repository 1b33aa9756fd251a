"""The store on disk: shared by threads and processes, bounded in bytes, whole or absent at any instant.

A value is written under a name of its own in `tmp/` and renamed into place inside the index's write
transaction, in which files are also deleted; so of two writers of one digest the first one's file stays, and
nobody lists a file that another one is about to delete. Whatever a killed process leaves behind is either
invisible or a whole value, and the next one to open the store sweeps the former and lists the latter.

A loss of power can undo the last few units, because nothing is flushed to the platters; see `valuefile.write`.
An open store must not be used on both sides of a fork.
"""

from __future__ import annotations

import functools
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from shutil import disk_usage
from typing import Concatenate, ParamSpec, Self, TypeVar

from midistems_graph.audio import codec
from midistems_graph.audio.values import Value
from midistems_graph.engine.store import valuefile
from midistems_graph.engine.store.base import (
    DamagedValue,
    MissingValue,
    StoreError,
    StoreFull,
    UnitRecord,
    VerifyReport,
)
from midistems_graph.engine.store.change import GONE, on_disk
from midistems_graph.engine.store.explain import differences
from midistems_graph.engine.store.files import ValueFiles
from midistems_graph.engine.store.folder import Session, limit_of, locked_folder, set_limit, sweep
from midistems_graph.engine.store.index import Index, IndexDamaged
from midistems_graph.engine.store.memory import nbytes_of
from midistems_graph.engine.store.repair import list_unlisted, score_of, verify

SPOT_CHECK = 50
"""Of so many values that are found, one is hashed, so that a disk that goes bad is noticed before all is lost."""

SPARED_BYTES = 2 << 30
"""So much of the disk stays free when what is in use goes beyond the limit: the files of the run want room too."""

AT_ONCE = 1000
"""So many files are deleted in one transaction when much goes, so that others need not wait for long."""

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _healing(method: Callable[Concatenate[DiskStore, _P], _R]) -> Callable[Concatenate[DiskStore, _P], _R]:
    """A method that rebuilds a damaged index and then tries once more."""

    @functools.wraps(method)
    def healed(store: DiskStore, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        index = store._index
        try:
            return method(store, *args, **kwargs)
        except IndexDamaged:
            store._replace_index(index)
            return method(store, *args, **kwargs)

    return healed


class DiskStore:
    """The promises of `Store` in a folder, below a limit in bytes (by default the one that was set for it).

    What a run has pinned may exceed the limit as long as the disk has room to spare: a song of hours needs all of its
    stems until they are written. It is kept to whenever something is put or unpinned, so what a killed run has left
    stays until then, and is there for the run that goes on. Raises NotAStore for a folder that holds anything else.
    """

    def __init__(self, folder: Path | str, limit_bytes: int | None = None) -> None:
        self.folder = Path(folder)
        self.limit_bytes = limit_of(self.folder) if limit_bytes is None else limit_bytes
        self._files, tmp = ValueFiles(self.folder / "values"), self.folder / "tmp"
        self._pins: Counter[str] = Counter()
        self._lock = threading.RLock()
        self._retired: list[Index] = []
        self._closed = False
        with locked_folder(self.folder):
            self._files.folder.mkdir(mode=0o700, exist_ok=True)
            tmp.mkdir(mode=0o700, exist_ok=True)
            alive, died = sweep(tmp)
            self._session = Session(tmp)
            try:
                self._index = self._sound_index()
                try:
                    self._tidy(alive, died)
                except IndexDamaged:
                    self._retired.append(self._index)
                    self._index = self._sound_index(self._index)
            except BaseException:
                self._session.end()
                raise

    @_healing
    def find(self, key: str) -> UnitRecord | None:
        found = self._index.find(key)
        if found is None:
            return None
        for digest, length in found.lengths.items():
            spot_check = random.randrange(SPOT_CHECK) == 0
            if not (self._files.has(digest, length) and self._files.is_readable(digest, bytes_too=spot_check)):
                self._drop_unreadable(digest, bytes_too=spot_check)
                return None
        self._index.touch(found.lengths, time.time())
        return found.record

    @_healing
    def known(self, key: str) -> Mapping[str, str] | None:
        return self._index.known(key)

    @_healing
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
        layouts = {digest: valuefile.lay_out(digest, values[port], vars(record)) for port, digest in outputs.items()}
        room = sum(on_disk(layout.length) for layout in layouts.values())
        if room > self.limit_bytes:
            raise StoreFull(
                f"{node} left {room >> 20} MB, more than the store's limit of {self.limit_bytes >> 20} MB; raise it "
                "with `midistems-graph cache limit SIZE`"
            )
        written: dict[str, Path] = {}
        try:
            for digest, layout in layouts.items():
                if not self._files.has(digest, self._index.length(digest)):
                    written[digest] = self._files.write(layout, self._session.temporary())
            with self._lock if pinned else nullcontext():
                self._commit(record, layouts, written, self._session.name if pinned else "")
                self._pins.update(outputs.values() if pinned else ())
        except StoreFull:
            with suppress(StoreError), self._index.change() as change:  # in place, but the index had no room for them
                self._files.delete(digest for digest in layouts if change.length(digest) is None)
            raise
        finally:
            for path in written.values():
                path.unlink(missing_ok=True)
        return record

    def get(self, digest: str) -> Value:
        try:
            value = valuefile.read(self._files.path(digest)).value()
        except (FileNotFoundError, DamagedValue) as error:
            self._drop_unreadable(digest)
            if isinstance(error, DamagedValue):
                raise
            raise MissingValue(f"value {digest[:8]} is not in the store") from error
        self._index.touch([digest], time.time())
        return value

    @_healing
    def pin(self, digests: Iterable[str]) -> bool:
        wanted = list(digests)
        with self._lock:
            with self._index.change() as change:
                listed = change.pin(wanted, self._session.name)
            self._pins.update(wanted)
        return listed and all(self._files.path(digest).exists() for digest in wanted)

    @_healing
    def unpin(self, digests: Iterable[str]) -> None:
        with self._lock:
            left = self._pins.copy()
            left.subtract(digests)
            left = +left
            with self._index.change() as change:
                change.unpin(self._pins.keys() - left.keys(), self._session.name)
                self._files.delete(change.make_room(0, self.limit_bytes)[0])
            self._pins = left

    @_healing
    def explain(self, node: str, node_type: str, song: str, facts: Mapping[str, str]) -> list[str]:
        return differences(node_type, facts, self._index.earlier(node, song))

    @_healing
    def history(self, node: str) -> list[tuple[UnitRecord, str | None]]:
        """The newest records of a node in any song, each with the reason why its result is gone, or None."""
        return self._index.history(node)

    @_healing
    def size(self) -> int:
        return self._index.size()

    @_healing
    def set_limit(self, limit_bytes: int) -> None:
        """Set what the store may take, from now on and for all who open it later; evicts what is beyond."""
        set_limit(self.folder, limit_bytes)
        self.limit_bytes = limit_bytes
        self.unpin([])

    @_healing
    def songs(self) -> dict[str, int]:
        return self._index.songs()

    @_healing
    def clear(self, song: str | None = None) -> int:
        with self._index.change() as change:
            left = change.forget(song)
        freed = 0
        for first in range(0, len(left), AT_ONCE):
            with self._index.change() as change:
                freed += self._files.delete(change.drop_orphans(left[first : first + AT_ONCE]))
        if song is None:
            with self._index.change() as change:
                freed += self._files.delete(set(self._files.digests()) - change.listed())
        return freed

    @_healing
    def verify(self, repair: bool = True, told: Callable[[float], object] = lambda share: None) -> VerifyReport:
        """As in `Store`; `told` gets the share that is done. What is repaired by then stays so if it raises."""
        return verify(self._index, self._files, repair, told)

    def flush(self) -> None:
        """Everything that was put is where others find it."""

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            with suppress(IndexDamaged, StoreError), self._index.change() as change:  # or else the next one to open
                change.unpin(self._pins, self._session.name)
            for index in (self._index, *self._retired):
                index.close()
            self._session.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # Entries

    def _commit(
        self, record: UnitRecord, layouts: Mapping[str, valuefile.Layout], written: dict[str, Path], pinned_by: str
    ) -> None:
        """Puts the files in place and lists them, unless another writer was faster."""
        with self._index.change() as change:
            lengths = {digest: change.length(digest) for digest in layouts}
            new = [digest for digest, length in lengths.items() if not self._files.has(digest, length)]
            room = sum(on_disk(layouts[digest].length) for digest in new)
            gone, fits = change.make_room(room, self.limit_bytes, spared=layouts)
            if not fits and not (pinned_by and disk_usage(self.folder).free > SPARED_BYTES + room):
                raise StoreFull(
                    f"the store has no room for {room >> 20} more MB: what is in use leaves none below its limit of "
                    f"{self.limit_bytes >> 20} MB, and the disk has none to spare; free some space, or raise the "
                    "limit with `midistems-graph cache limit SIZE`"
                )
            self._files.delete(gone)
            for digest in new:
                if digest not in written:  # evicted since we looked
                    written[digest] = self._files.write(layouts[digest], self._session.temporary())
                self._files.place(written[digest], digest)
                lengths[digest] = layouts[digest].length
            for digest, length in lengths.items():
                assert length is not None
                change.add_value(digest, length, score_of(record, lengths.values()), record.made)
            if pinned_by:
                change.pin(layouts, pinned_by)
            self._files.delete(change.add_unit(record))

    @_healing
    def _drop_unreadable(self, digest: str, *, bytes_too: bool = False) -> None:
        """Drops a value and the units that had it, unless it is found to be sound while nobody else writes."""
        if self._index.length(digest) is None and self._files.length(digest) is None:
            return
        with self._index.change() as change:
            sound = self._files.is_readable(digest, bytes_too=bytes_too)
            if not (sound and self._files.has(digest, change.length(digest))):
                self._files.delete(change.drop_value(digest, GONE))

    # Opening and repair

    def _sound_index(self, damaged: Index | None = None) -> Index:
        """The newest index, or a new one with what the value files tell."""
        newest = max(self._index_numbers(), default=0)
        if newest and not (damaged and damaged.number == newest):
            with suppress(IndexDamaged):
                return Index(self.folder, newest)
        index = Index.create(self.folder, newest + 1)
        list_unlisted(index, self._files)
        return index

    def _index_numbers(self) -> dict[int, list[Path]]:
        """All files of each index; one that was deleted may have left some."""
        numbers: dict[int, list[Path]] = {}
        for path in self.folder.iterdir():
            if name := re.fullmatch(r"index-(\d+)\.sqlite3(-\w+)?", path.name):
                numbers.setdefault(int(name[1]), []).append(path)
        return numbers

    def _replace_index(self, damaged: Index) -> None:
        """Goes over to a sound index; the damaged one stays as long as another process may have it open."""
        with self._lock:
            if self._index is damaged:
                with locked_folder(self.folder):
                    self._index = self._sound_index(damaged)
                self._retired.append(damaged)
                with self._index.change() as change:
                    change.pin(self._pins, self._session.name)
                list_unlisted(self._index, self._files)  # what went into the damaged one in the meantime

    def _tidy(self, alive: set[str], died: bool) -> None:
        """Removes indexes that nobody has open, and lists what dead processes left."""
        if not alive:
            for number, paths in self._index_numbers().items():
                for path in paths if number != self._index.number else ():
                    path.unlink(missing_ok=True)
        if died:
            list_unlisted(self._index, self._files)
        with self._index.change() as change:
            change.tidy(alive | {self._session.name})
