"""The index of a store on disk: which units are finished, what their values weigh, what is pinned.

SQLite in WAL mode, shared by threads and processes: readers never wait, writers take turns. Nothing here is
the only copy of anything but convenience: the index can be rebuilt from the value files.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgpack

from midistems_graph.engine.store.base import StoreError, StoreFull, UnitRecord
from midistems_graph.engine.store.change import UNIT_COLUMNS, Change, length_of

SCHEMA = 1
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
        """A new, empty index, readable by its owner alone. Raises StoreError on a disk that cannot hold one."""
        path = index_path(folder, number)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            with closing(sqlite3.connect(path)) as db:
                db.execute("PRAGMA journal_mode=WAL")
                db.executescript(f"BEGIN; {_TABLES} PRAGMA user_version={SCHEMA}; COMMIT;")
        except sqlite3.Error as error:
            reason = _translated(error, path)
            path.unlink()
            raise reason from error
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
                f"SELECT {UNIT_COLUMNS}, port, output.digest, length FROM unit LEFT JOIN output USING(key) "
                "LEFT JOIN value ON value.digest = output.digest WHERE key = ? AND lost IS NULL",
                (key,),
            ).fetchall()
        if not rows:
            return None
        outputs = {row[8]: row[9] for row in rows if row[8] is not None}
        return Found(_record(rows[0], outputs), {row[9]: row[10] for row in rows if row[8] is not None})

    def known(self, key: str) -> dict[str, str] | None:
        """What a unit gave, by port, whether or not it is still there."""
        with self._connection() as db:
            return dict(db.execute("SELECT port, digest FROM output WHERE key = ?", (key,))) or None

    def length(self, digest: str) -> int | None:
        """The length of a value's file."""
        with self._connection() as db:
            return length_of(db, digest)

    def lengths(self, beginning: str) -> dict[str, int]:
        """The length of the file of every value whose digest begins so."""
        with self._connection() as db:
            some = "SELECT digest, length FROM value WHERE digest BETWEEN ? AND ?"
            return dict(db.execute(some, (beginning, f"{beginning}g")))  # digests have letters up to f

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
        return self._newest("node = ? AND song = ?", (node, song))

    def history(self, node: str) -> list[tuple[UnitRecord, str | None]]:
        """The same in any song."""
        return self._newest("node = ?", (node,))

    def _newest(self, which: str, arguments: tuple[str, ...]) -> list[tuple[UnitRecord, str | None]]:
        with self._connection() as db:
            rows = db.execute(
                f"SELECT {UNIT_COLUMNS}, lost FROM unit WHERE {which} ORDER BY made DESC LIMIT ?",
                (*arguments, _EXPLAINED_UNITS),
            ).fetchall()
        return [(_record(row, {}), row[8]) for row in rows]

    def touch(self, digests: Iterable[str], now: float) -> None:
        """Remembers when values were used; written together with the next change."""
        with self._lock:
            self._used |= dict.fromkeys(digests, now)

    @contextmanager
    def change(self) -> Iterator[Change]:
        """A transaction that excludes other writers; it is taken back when the body raises."""
        with self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                with self._lock:
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
