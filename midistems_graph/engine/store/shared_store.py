"""A store on disk with a shared one behind it: what others have computed is read from there, what is dear goes there.

    units/ab/abcd...     by key: checksum, then the record of a finished unit
    values/ab/abcd...    by digest: a value file as the store on disk has it

A record appears after its values, so whoever sees it finds them. Everything is verified when it is read: a record by
its checksum and key, a value by the digest of its content. What is not in order counts as not there and is
deleted. Anything may be deleted from the share at any time.

Results that are quicker to compute than to send stay where they are.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path

import blake3
import msgpack

from midistems_graph.audio import codec
from midistems_graph.audio.values import Value
from midistems_graph.engine.store import valuefile
from midistems_graph.engine.store.base import DamagedValue, StoreError, UnitRecord
from midistems_graph.engine.store.disk import DiskStore
from midistems_graph.engine.store.shared import SharedFolder

SENT_PER_SECOND = 100e6
"""Bytes that a common network (1 Gbit/s) carries in a second: a result is sent if computing it took longer."""

_CHECKSUM = 16


class SharedDiskStore(DiskStore):
    """The promises of `DiskStore`, and results of other machines through a shared folder.

    Publishing goes on beside the run; `flush` and `close` wait for it.
    """

    def __init__(self, folder: Path | str, shared: SharedFolder, limit_bytes: int | None = None) -> None:
        super().__init__(folder, limit_bytes)
        self.shared = shared
        self._publisher = ThreadPoolExecutor(2, "publish")
        self._publishing: set[Future[None]] = set()

    def find(self, key: str) -> UnitRecord | None:
        return super().find(key) or self._fetched(key)

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
        record = super().put(
            key, values, node=node, node_type=node_type, seconds=seconds, song=song, facts=facts, pinned=pinned
        )
        if record.nbytes < seconds * SENT_PER_SECOND:
            under_way = self._publisher.submit(self._publish, record)
            self._publishing.add(under_way)
            under_way.add_done_callback(self._publishing.discard)
        return record

    def flush(self) -> None:
        wait(list(self._publishing))

    def close(self) -> None:
        self._publisher.shutdown()
        super().close()

    def _publish(self, record: UnitRecord) -> None:
        """The values, then the record; nothing of a value that was evicted meanwhile."""
        for digest in record.outputs.values():
            name = _place("values", digest)
            path = self._files.path(digest)
            if not (self.shared.has(name) or (path.exists() and self.shared.publish(name, path))):
                return
        self.shared.publish(_place("units", record.key), packed(record))

    def _fetched(self, key: str) -> UnitRecord | None:
        """A unit out of the share, its values verified and kept in this store as well."""
        name = _place("units", key)
        content = self.shared.read(name)
        if content is None:
            return None
        try:
            record = unpacked(content, key)
        except ValueError:
            self.shared.refuse(name)
            return None
        folder = self._session.temporary()
        folder.mkdir(mode=0o700)
        try:
            values = {port: self._fetched_value(digest, folder) for port, digest in record.outputs.items()}
            found = {port: value for port, value in values.items() if value is not None}
            if len(found) < len(values):
                return None
            return super().put(
                key,
                found,
                node=record.node,
                node_type=record.node_type,
                seconds=record.seconds,
                song=record.song,
                facts=record.facts,
            )
        except StoreError:  # no room here: computing it will say so
            return None
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _fetched_value(self, digest: str, folder: Path) -> Value | None:
        name, path = _place("values", digest), folder / digest
        if not self.shared.fetch(name, path):
            return None
        try:
            value = valuefile.read(path).value()
            if codec.digest(value) == digest:
                return value
        except (DamagedValue, OSError):
            pass
        self.shared.refuse(name)
        return None


def packed(record: UnitRecord) -> bytes:
    """A record as the share has it."""
    body: bytes = msgpack.packb(asdict(record))
    return blake3.blake3(body).digest(_CHECKSUM) + body


def unpacked(content: bytes, key: str) -> UnitRecord:
    """The record of a key. Raises ValueError for anything else."""
    body = content[_CHECKSUM:]
    if content[:_CHECKSUM] != blake3.blake3(body).digest(_CHECKSUM):
        raise ValueError("torn")
    try:
        record = UnitRecord(**msgpack.unpackb(body))
        digests = [*record.outputs.values(), record.key]
    except (TypeError, AttributeError, msgpack.exceptions.UnpackException) as error:
        raise ValueError(f"no record: {error}") from None
    if record.key != key or not all(isinstance(d, str) and len(d) == 64 and d.isalnum() for d in digests):
        raise ValueError("another unit's record")
    return record


def _place(kind: str, name: str) -> str:
    return f"{kind}/{name[:2]}/{name}"
