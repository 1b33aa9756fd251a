"""The index of a store on disk: which units are finished, what their values weigh, what is pinned.

SQLite in WAL mode, shared by threads and processes: readers never wait, writers take turns. Nothing here is
the only copy of anything but convenience: the index can be rebuilt from the value files.

A value's score is the seconds that its unit took per byte that the unit's values take on the disk; the lowest
goes first. A unit whose value went keeps its row, marked with the reason, for `explain`.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgpack

from midistems_graph.engine.store.base import StoreError, StoreFull, UnitRecord

SCHEMA = 1
BLOCK = 4096
"""Files take whole blocks of the disk, so that is how they are counted."""

EVICTED = "its result was removed to keep the store below its limit"
GONE = "its stored result was lost or damaged"

_LOST_UNITS_KEPT = 20_000
_EXPLAINED_UNITS = 500
_TABLES = """
CREATE TABLE unit(key TEXT PRIMARY KEY, node TEXT, node_type TEXT, song TEXT, seconds REAL, nbytes INTEGER,
    made REAL, facts BLOB, lost TEXT) WITHOUT ROWID;
CREATE INDEX unit_by_node ON unit(node, song, made);
CREATE INDEX unit_by_song ON unit(song);
CREATE INDEX unit_lost ON unit(made) WHERE lost IS NOT NULL;
CREATE TABLE output(key TEXT, port TEXT, digest TEXT, PRIMARY KEY(key, port)) WITHOUT ROWID;
CREATE INDEX output_by_digest ON output(digest);
CREATE TABLE value(digest TEXT PRIMARY KEY, length INTEGER, bytes INTEGER, score REAL, used REAL) WITHOUT ROWID;
CREATE INDEX value_by_score ON value(score, used);
CREATE TABLE pin(digest TEXT, session TEXT, PRIMARY KEY(digest, session)) WITHOUT ROWID;
CREATE TABLE total(bytes INTEGER);
INSERT INTO total VALUES(0);
CREATE TRIGGER value_came AFTER INSERT ON value BEGIN UPDATE total SET bytes = bytes + NEW.bytes; END;
CREATE TRIGGER value_changed AFTER UPDATE OF bytes ON value
    BEGIN UPDATE total SET bytes = bytes + NEW.bytes - OLD.bytes; END;
CREATE TRIGGER value_went AFTER DELETE ON value BEGIN UPDATE total SET bytes = bytes - OLD.bytes; END;
"""
_UNIT = "key, node, node_type, song, seconds, nbytes, made, facts"
_FREE = "NOT EXISTS (SELECT 1 FROM pin WHERE pin.digest = value.digest)"


class IndexDamaged(Exception):
    """The index cannot be read, or another process has replaced it: go over to a sound one."""


@dataclass(frozen=True)
class Found:
    """A unit's record and the length of the file of each of its values (None: no entry)."""

    record: UnitRecord
    lengths: Mapping[str, int | None]


def index_path(folder: Path, number: int) -> Path:
    """Where the index of a number lies."""
    return folder / f"index-{number}.sqlite3"


def on_disk(length: int) -> int:
    """What a file of some length takes."""
    return -(-length // BLOCK) * BLOCK


class Index:
    """The index file; connections are lent to one thread at a time."""

    def __init__(self, folder: Path, number: int) -> None:
        """Opens an index that `create` made. Raises IndexDamaged for anything else.

        An index is never replaced under its own name, which others may have open, but by the next number.
        """
        self.number = number
        self.path = index_path(folder, number)
        self._successor = index_path(folder, number + 1)
        self._idle: list[sqlite3.Connection] = []
        self._used: dict[str, float] = {}
        self._lock = threading.Lock()
        self._closed = False
        try:
            with self._connection() as db:
                if db.execute("PRAGMA user_version").fetchone() != (SCHEMA,):
                    raise IndexDamaged(f"{self.path} was not finished")
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, folder: Path, number: int) -> Index:
        """A new, empty index, readable by its owner alone."""
        path = index_path(folder, number)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        db = sqlite3.connect(path)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(f"BEGIN; {_TABLES} PRAGMA user_version={SCHEMA}; COMMIT;")
        finally:
            db.close()
        return cls(folder, number)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for db in idle:
            db.close()

    def find(self, key: str) -> Found | None:
        with self._connection() as db:
            rows = db.execute(
                f"SELECT {_UNIT}, port, output.digest, length FROM unit LEFT JOIN output USING(key) "
                "LEFT JOIN value ON value.digest = output.digest WHERE key = ? AND lost IS NULL",
                (key,),
            ).fetchall()
        if not rows:
            return None
        outputs = {row[8]: row[9] for row in rows if row[8] is not None}
        return Found(_record(rows[0], outputs), {row[9]: row[10] for row in rows if row[8] is not None})

    def length(self, digest: str) -> int | None:
        """The length of a value's file."""
        with self._connection() as db:
            return _length(db, digest)

    def lengths(self) -> dict[str, int]:
        """The length of every value's file."""
        with self._connection() as db:
            return dict(db.execute("SELECT digest, length FROM value"))

    def size(self) -> int:
        with self._connection() as db:
            return int(db.execute("SELECT bytes FROM total").fetchone()[0])

    def songs(self) -> dict[str, int]:
        with self._connection() as db:
            return dict(
                db.execute(
                    "SELECT song, SUM(bytes) FROM (SELECT DISTINCT song, digest FROM unit JOIN output USING(key)) "
                    "JOIN value USING(digest) GROUP BY song"
                )
            )

    def earlier(self, node: str, song: str) -> list[tuple[UnitRecord, str | None]]:
        """The newest records of a node in a song, lost ones too, each with the reason of its loss."""
        with self._connection() as db:
            rows = db.execute(
                f"SELECT {_UNIT}, lost FROM unit WHERE node = ? AND song = ? ORDER BY made DESC LIMIT ?",
                (node, song, _EXPLAINED_UNITS),
            ).fetchall()
        return [(_record(row, {}), row[8]) for row in rows]

    def touch(self, digests: Iterable[str], now: float) -> None:
        """Remembers when values were used; written together with the next change."""
        for digest in digests:
            self._used[digest] = now

    @contextmanager
    def change(self) -> Iterator[Change]:
        """A transaction that excludes other writers; it is taken back when the body raises."""
        with self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                used, self._used = self._used, {}
                if used:
                    db.executemany("UPDATE value SET used = ? WHERE digest = ?", [(t, d) for d, t in used.items()])
                yield Change(db)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._closed:
                raise StoreError("the store is closed; open it again")
            db = self._idle.pop() if self._idle else None
        try:
            if self._successor.exists():
                raise IndexDamaged(f"{self.path} was replaced")
            db = db or self._connect()
            yield db
        except sqlite3.Error as error:
            raise _translated(error, self.path) from error
        finally:
            with self._lock:
                keep = db is not None and not self._closed
                if db is not None and keep:
                    self._idle.append(db)
            if db is not None and not keep:
                db.close()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw",  # never an empty one in place of one that was deleted
            uri=True,
            timeout=60,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            db.execute("PRAGMA synchronous=NORMAL")
        except sqlite3.Error:
            db.close()
            raise
        return db


class Change:
    """What may be done to the index within one transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add_value(self, digest: str, length: int, score: float, now: float) -> None:
        """A value that is in place now, or one more unit that comes to it: the higher score counts."""
        self._db.execute(
            "INSERT INTO value VALUES(?, ?, ?, ?, ?) ON CONFLICT(digest) DO UPDATE "
            "SET length = excluded.length, bytes = excluded.bytes, used = excluded.used, "
            "score = MAX(score, excluded.score)",
            (digest, length, on_disk(length), score, now),
        )

    def add_unit(self, record: UnitRecord) -> list[str]:
        """A finished unit. Returns the values that an earlier result of the same key had alone: they go."""
        before = [d for (d,) in self._db.execute("SELECT digest FROM output WHERE key = ?", (record.key,))]
        self._db.execute("DELETE FROM output WHERE key = ?", (record.key,))
        self._db.execute(
            f"INSERT OR REPLACE INTO unit({_UNIT}) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
            (
                record.key,
                record.node,
                record.node_type,
                record.song,
                record.seconds,
                record.nbytes,
                record.made,
                msgpack.packb(dict(record.facts)),
            ),
        )
        rows = [(record.key, port, digest) for port, digest in record.outputs.items()]
        self._db.executemany("INSERT INTO output VALUES(?, ?, ?)", rows)
        return self._drop_orphans(before)

    def length(self, digest: str) -> int | None:
        return _length(self._db, digest)

    def has_unit(self, key: str) -> bool:
        """Whether a unit is there and not lost."""
        rows = self._db.execute("SELECT 1 FROM unit WHERE key = ? AND lost IS NULL", (key,))
        return rows.fetchone() is not None

    def listed(self) -> set[str]:
        """All values that have an entry."""
        return {digest for (digest,) in self._db.execute("SELECT digest FROM value")}

    def drop_value(self, digest: str, reason: str) -> list[str]:
        """Drops a value, marks its units as lost, and returns it with what else they had alone."""
        keys = [key for (key,) in self._db.execute("SELECT key FROM output WHERE digest = ?", (digest,))]
        others: list[str] = []
        for key in keys:
            others += [d for (d,) in self._db.execute("SELECT digest FROM output WHERE key = ?", (key,))]
            self._db.execute("DELETE FROM output WHERE key = ?", (key,))
            self._db.execute("UPDATE unit SET lost = ? WHERE key = ?", (reason, key))
        self._db.execute("DELETE FROM value WHERE digest = ?", (digest,))
        return [digest, *self._drop_orphans(d for d in others if d != digest)]

    def make_room(self, needed: int, limit: int, keep: Collection[str] = ()) -> list[str]:
        """Evicts the cheapest values until `needed` more bytes fit below the limit. Returns their digests.

        Raises StoreFull when what is pinned or to be kept leaves no room; the caller takes the change back.
        """
        gone: list[str] = []
        while self._total() + needed > limit:
            cheapest = self._db.execute(
                f"SELECT digest FROM value WHERE {_FREE} ORDER BY score, used LIMIT ?", (64 + len(keep),)
            ).fetchall()
            if all(digest in keep for (digest,) in cheapest):
                raise StoreFull(
                    f"the store has no room for {needed} more bytes: what is in use leaves none below its limit of "
                    f"{limit} bytes; raise the limit or close other runs"
                )
            for (digest,) in cheapest:
                if self._total() + needed <= limit:
                    break
                if digest not in keep and self.length(digest) is not None:
                    gone += self.drop_value(digest, EVICTED)
        return gone

    def clear(self, song: str | None) -> list[str]:
        """Deletes units, all or those of a song, and returns the values that nobody else has."""
        which, arguments = ("", ()) if song is None else (" WHERE song = ?", (song,))
        units = f"SELECT key FROM unit{which}"
        held = [d for (d,) in self._db.execute(f"SELECT digest FROM output WHERE key IN ({units})", arguments)]
        if song is None:  # also those that no unit has any more
            held = [d for (d,) in self._db.execute("SELECT digest FROM value")]
        self._db.execute(f"DELETE FROM output WHERE key IN ({units})", arguments)
        self._db.execute(f"DELETE FROM unit{which}", arguments)
        return self._drop_orphans(held)

    def pin(self, digests: Iterable[str], session: str) -> bool:
        """Pins values for an open store; False when one of them has no entry."""
        wanted = list(digests)
        self._db.executemany("INSERT OR IGNORE INTO pin VALUES(?, ?)", [(d, session) for d in wanted])
        return all(self.length(digest) is not None for digest in wanted)

    def unpin(self, digests: Iterable[str], session: str) -> None:
        self._db.executemany("DELETE FROM pin WHERE digest = ? AND session = ?", [(d, session) for d in digests])

    def tidy(self, alive: Collection[str]) -> None:
        """Drops the pins of sessions that ended, and the oldest of the lost units."""
        for (session,) in self._db.execute("SELECT DISTINCT session FROM pin").fetchall():
            if session not in alive:
                self._db.execute("DELETE FROM pin WHERE session = ?", (session,))
        self._db.execute(
            "DELETE FROM unit WHERE lost IS NOT NULL AND made <= (SELECT made FROM unit WHERE lost IS NOT NULL "
            "ORDER BY made DESC LIMIT 1 OFFSET ?)",
            (_LOST_UNITS_KEPT,),
        )

    def _drop_orphans(self, digests: Iterable[str]) -> list[str]:
        """Drops those values that no unit has and nobody pinned; pinned ones become the first to be evicted."""
        gone = []
        for digest in dict.fromkeys(digests):
            if self._db.execute("SELECT 1 FROM output WHERE digest = ? LIMIT 1", (digest,)).fetchone():
                continue
            if self._pinned(digest):
                self._db.execute("UPDATE value SET score = 0 WHERE digest = ?", (digest,))
            else:
                self._db.execute("DELETE FROM value WHERE digest = ?", (digest,))
                gone.append(digest)
        return gone

    def _pinned(self, digest: str) -> bool:
        return self._db.execute("SELECT 1 FROM pin WHERE digest = ? LIMIT 1", (digest,)).fetchone() is not None

    def _total(self) -> int:
        return int(self._db.execute("SELECT bytes FROM total").fetchone()[0])


def _length(db: sqlite3.Connection, digest: str) -> int | None:
    row = db.execute("SELECT length FROM value WHERE digest = ?", (digest,)).fetchone()
    return row[0] if row else None


def _record(row: tuple[str, str, str, str, float, int, float, bytes], outputs: Mapping[str, str]) -> UnitRecord:
    key, node, node_type, song, seconds, nbytes, made, facts = row[:8]
    return UnitRecord(key, outputs, node, node_type, seconds, nbytes, song, msgpack.unpackb(facts), made)


def _translated(error: sqlite3.Error, path: Path) -> Exception:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or not path.exists():
        return IndexDamaged(str(error))
    if code == sqlite3.SQLITE_FULL:
        return StoreFull(f"the disk of {path.parent} is full; free some space or move the store")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(f"another process has held {path} for a minute; end it and try again")
    return StoreError(f"{path} cannot be used: {error}")
