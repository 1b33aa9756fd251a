"""One value as one file: a checked header, then its arrays, ready to be mapped into memory.

    magic, version, length of header, length of file, checksum     40 bytes, little endian
    header    msgpack: digest, the codec's header, [name, dtype, shape, offset] per array, the unit that made it
    arrays    C order, each aligned to 64 bytes; offsets count from the first aligned byte after the header

The header carries the record of the unit that made the value, so that an index can be rebuilt from the
files alone. Its checksum and the file's length are verified on every opening; the arrays only by
`codec.digest` of what was read, which is for the caller to decide.
"""

from __future__ import annotations

import mmap
import os
import struct
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import blake3
import msgpack
import numpy as np
import numpy.typing as npt

from midistems_graph.audio import codec
from midistems_graph.audio.values import Value
from midistems_graph.engine.store.base import DamagedValue

MAGIC, VERSION = b"MIDIVAL\n", 1
ALIGN = 64
_PREFIX = struct.Struct("<8sIIQ16s")
_PLAIN = "biufcSU"  # kinds of dtype whose bytes say it all

SMALL = 1 << 16
"""Files up to this many bytes are read, larger ones mapped."""

MAPPED_FILES = 256
"""How many files may be mapped at once: Python keeps a descriptor for each, and 1024 is a common limit."""

_mapped: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()


@dataclass(frozen=True, eq=False)
class Layout:
    """A file to be: its first bytes up to the arrays, the arrays with their absolute offsets, its length."""

    head: bytes
    arrays: tuple[tuple[int, npt.NDArray[Any]], ...]
    length: int


@dataclass(frozen=True, eq=False)
class Opened:
    """A value file that was read or mapped, its header verified."""

    digest: str
    header: codec.Header
    table: list[list[Any]]
    unit: dict[str, Any]
    base: int
    buffer: bytes | mmap.mmap

    def value(self) -> Value:
        """The value, its arrays read-only and resting in the file. Raises DamagedValue."""
        try:
            arrays = {name: self._array(dtype, shape, offset) for name, dtype, shape, offset in self.table}
            return codec.unpack(self.header, arrays)
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedValue(f"value {self.digest[:8]} has a header that makes no value: {error}") from error

    def _array(self, dtype: str, shape: list[int], offset: int) -> npt.NDArray[Any]:
        plain = np.dtype(dtype)
        if plain.kind not in _PLAIN:
            raise ValueError(f"{dtype!r} is no plain type of number")
        if 0 in shape or plain.itemsize == 0:
            return np.empty(shape, plain)
        return np.ndarray(shape, plain, self.buffer, self.base + offset)


def lay_out(digest: str, value: Value, unit: dict[str, Any]) -> Layout:
    """The file of a value; `unit` is msgpack-able data about the unit that made it.

    Raises ValueError for arrays of Python objects or records.
    """
    header, named = codec.pack(value)
    table: list[list[Any]] = []
    end = 0
    for name, array in named.items():
        if array.dtype.kind not in _PLAIN:
            raise ValueError(f"array {name!r} of type {array.dtype} cannot be stored; use plain numbers")
        table.append([name, array.dtype.str, list(array.shape), _aligned(end)])
        end = _aligned(end) + array.nbytes
    body: bytes = msgpack.packb({"digest": digest, "value": header, "arrays": table, "unit": unit})
    base = _aligned(_PREFIX.size + len(body))
    length = base + end
    prefix = _PREFIX.pack(MAGIC, VERSION, len(body), length, _checksum(len(body), length, body))
    head = (prefix + body).ljust(base, b"\0")
    return Layout(head, tuple((base + row[3], array) for row, array in zip(table, named.values(), strict=True)), length)


def write(path: Path, layout: Layout) -> None:
    """Writes a new file, readable by its owner alone. A caller renames it to where readers look.

    It is not flushed to the disk's platters: a killed process loses nothing by that, and after a loss
    of power the length, or `verify`, tells.
    """
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        at = file.write(layout.head)
        for offset, array in layout.arrays:
            file.write(bytes(offset - at))
            at = offset + file.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def read(path: Path) -> Opened:
    """Reads or maps a value file and verifies its header and length.

    Raises FileNotFoundError, or DamagedValue when a file is not what was written, or cannot be read.
    """
    try:
        buffer = _content(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DamagedValue(f"value {path.name[:8]} cannot be read: {error.strerror}") from error
    size = len(buffer)
    if size < _PREFIX.size:
        raise DamagedValue(f"value {path.name[:8]} is cut off after {size} bytes")
    magic, version, n, length, checksum = _PREFIX.unpack(buffer[: _PREFIX.size])
    body = buffer[_PREFIX.size : _PREFIX.size + n]
    if magic != MAGIC or version != VERSION or checksum != _checksum(n, length, body):
        raise DamagedValue(f"value {path.name[:8]} has a damaged header")
    if length != size:
        raise DamagedValue(f"value {path.name[:8]} has {size} bytes instead of {length}")
    fields = msgpack.unpackb(body)
    if fields["digest"] != path.name:
        raise DamagedValue(f"the file of value {path.name[:8]} holds value {fields['digest'][:8]}")
    base = _aligned(_PREFIX.size + n)
    return Opened(fields["digest"], fields["value"], fields["arrays"], fields["unit"], base, buffer)


def _content(path: Path) -> bytes | mmap.mmap:
    """A file's bytes, mapped where that saves memory."""
    with path.open("rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_size <= SMALL or len(_mapped) >= MAPPED_FILES:
            return file.read()
        buffer = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        _mapped.add(buffer)
        return buffer


def _checksum(n: int, length: int, body: bytes) -> bytes:
    return blake3.blake3(struct.pack("<IQ", n, length) + body).digest(16)


def _aligned(offset: int) -> int:
    return -(-offset // ALIGN) * ALIGN
