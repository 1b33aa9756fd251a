"""What may be done to the index of a store within one transaction: adding, pinning, evicting, clearing.

A value's score is the seconds that its unit took per byte that the unit's values take on the disk; the lowest
goes first. A unit whose value went keeps its row, marked with the reason, for `explain`, and the digests of what it
gave, for `known`. The methods return the digests whose entries went, for the caller to delete their files before the
transaction ends.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Collection, Iterable

import msgpack

from midistems_graph.engine.store.base import UnitRecord

UNIT_COLUMNS = "key, node, node_type, song, seconds, nbytes, made, facts"
BLOCK = 4096
"""Files take whole blocks of the disk, so that is how they are counted."""

EVICTED = "its result was removed to keep the store below its limit"
GONE = "its stored result was lost or damaged"

_LOST_UNITS_KEPT = 100_000
_OF_WHOLE_UNITS = "FROM output JOIN unit USING(key) WHERE digest = ? AND lost IS NULL"
_FREE = "NOT EXISTS (SELECT 1 FROM pin WHERE pin.digest = value.digest)"


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
            f"INSERT OR REPLACE INTO unit({UNIT_COLUMNS}) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
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
        return self.drop_orphans(before)

    def length(self, digest: str) -> int | None:
        return length_of(self._db, digest)

    def made(self, key: str) -> float:
        """When a unit was made that is there and not lost; otherwise before all others."""
        row = self._db.execute("SELECT made FROM unit WHERE key = ? AND lost IS NULL", (key,)).fetchone()
        return float(row[0]) if row else -math.inf

    def listed(self) -> set[str]:
        """All values that have an entry."""
        return {digest for (digest,) in self._db.execute("SELECT digest FROM value")}

    def drop_value(self, digest: str, reason: str) -> list[str]:
        """Drops a value, marks its units as lost, and returns it with what else they had alone."""
        keys = [key for (key,) in self._db.execute(f"SELECT key {_OF_WHOLE_UNITS}", (digest,))]
        others: list[str] = []
        for key in keys:
            others += [d for (d,) in self._db.execute("SELECT digest FROM output WHERE key = ?", (key,))]
            self._db.execute("UPDATE unit SET lost = ? WHERE key = ?", (reason, key))
        self._db.execute("DELETE FROM value WHERE digest = ?", (digest,))
        return [digest, *self.drop_orphans(d for d in others if d != digest)]

    def make_room(self, needed: int, limit: int, spared: Collection[str] = ()) -> tuple[list[str], bool]:
        """Evicts the cheapest values until `needed` more bytes fit below the limit, or all that is left is pinned.

        Those that are `spared` stay, also where a unit that shares them goes. Returns the digests of what went, and
        whether it fits.
        """
        gone: list[str] = []
        if self._total() + needed <= limit:
            return gone, True
        self.pin(spared, "this change")
        while (beyond := self._total() + needed > limit) and (cheapest := self._cheapest()):
            gone += self.drop_value(cheapest, EVICTED)
        self.unpin(spared, "this change")
        return gone, not beyond

    def _cheapest(self) -> str | None:
        row = self._db.execute(f"SELECT digest FROM value WHERE {_FREE} ORDER BY score, used LIMIT 1").fetchone()
        return row[0] if row else None

    def forget(self, song: str | None) -> list[str]:
        """Deletes units, all or those of a song, and returns the values that may be left without one."""
        which, arguments = ("", ()) if song is None else (" WHERE song = ?", (song,))
        units = f"SELECT key FROM unit{which}"
        held = [d for (d,) in self._db.execute(f"SELECT digest FROM output WHERE key IN ({units})", arguments)]
        if song is None:  # also those that no unit has any more
            held = [d for (d,) in self._db.execute("SELECT digest FROM value")]
        self._db.execute(f"DELETE FROM output WHERE key IN ({units})", arguments)
        self._db.execute(f"DELETE FROM unit{which}", arguments)
        return held

    def pin(self, digests: Iterable[str], session: str) -> bool:
        """Pins values in the name of an open store; False when one of them has no entry."""
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
        old = (
            "FROM unit WHERE lost IS NOT NULL AND made <= (SELECT made FROM unit WHERE lost IS NOT NULL "
            "ORDER BY made DESC LIMIT 1 OFFSET ?)"
        )
        self._db.execute(f"DELETE FROM output WHERE key IN (SELECT key {old})", (_LOST_UNITS_KEPT,))
        self._db.execute(f"DELETE {old}", (_LOST_UNITS_KEPT,))

    def drop_orphans(self, digests: Iterable[str]) -> list[str]:
        """Drops those values that no unit has and nobody pinned; pinned ones become the first to be evicted."""
        gone = []
        for digest in dict.fromkeys(digests):
            if self._db.execute(f"SELECT 1 {_OF_WHOLE_UNITS} LIMIT 1", (digest,)).fetchone():
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


def on_disk(length: int) -> int:
    """What a file of some length takes."""
    return -(-length // BLOCK) * BLOCK


def length_of(db: sqlite3.Connection, digest: str) -> int | None:
    """The length of a value's file, if the value has an entry."""
    row = db.execute("SELECT length FROM value WHERE digest = ?", (digest,)).fetchone()
    return row[0] if row else None
