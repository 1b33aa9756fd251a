"""Arrays out of a checkpoint that PyTorch saved as a zip with a pickle, without PyTorch and without trusting the file.

A pickle is a program, and a plain unpickler runs whatever it names. This one knows four names, those that a dictionary
of plain numpy arrays needs, and puts functions of its own in their place: they only note shape, kind and bytes. Any
other name is refused, and so are arrays of anything but numbers and arrays whose bytes do not fit their shape.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import zipfile
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import IO

import numpy as np

LARGEST = 1 << 30
"""A checkpoint of more bytes than this is refused before it is read."""

KINDS = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1"})
MOST_AXES = 8
MOST_MEMORIES = 1_000_000
"""An unpickler takes memory up to the highest number under which a pickle remembers something."""


class RefusedPickle(ValueError):
    """The file is no dictionary of plain numpy arrays; the sentence says what it holds instead."""


def read_arrays(file: IO[bytes]) -> dict[str, np.ndarray]:
    """The arrays of a checkpoint by name, float32 where they are floats.

    Raises
    ------
    RefusedPickle
        For a file that is no such checkpoint, is too large, or asks for anything but plain arrays.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            held = [entry for entry in archive.infolist() if entry.filename.endswith("/data.pkl")]
            if len(held) != 1:
                raise RefusedPickle("the checkpoint is a zip without a data.pkl in it")
            if held[0].file_size > LARGEST:
                raise RefusedPickle(f"the checkpoint would unpack to {held[0].file_size:,} bytes, which is too many")
            pickled = archive.read(held[0])
        _refuse_greed(pickled)
        data = _Plain(io.BytesIO(pickled)).load()
    except RefusedPickle:
        raise
    except Exception as error:  # a damaged pickle can raise anything; nothing of it has run
        raise RefusedPickle(f"the checkpoint cannot be read ({type(error).__name__})") from error
    if not isinstance(data, dict):
        raise RefusedPickle("the checkpoint holds no dictionary of arrays")
    return {_name(name): _array(value) for name, value in data.items()}


def _refuse_greed(pickled: bytes) -> None:
    for code, argument, _ in pickletools.genops(pickled):
        if code.name in ("PUT", "BINPUT", "LONG_BINPUT") and isinstance(argument, int) and argument > MOST_MEMORIES:
            raise RefusedPickle(f"the checkpoint remembers something under the number {argument:,}, which is too high")


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise RefusedPickle("the checkpoint has an array whose name is no text")
    return name


def _array(value: object) -> np.ndarray:
    if not isinstance(value, _Array) or value.array is None:
        raise RefusedPickle("the checkpoint holds something that is no plain array")
    return value.array


class _Kind:
    """Stands for a numpy dtype."""

    def __init__(self, kind: object, align: object = False, copy: object = True) -> None:
        if kind not in KINDS:
            raise RefusedPickle(f"the checkpoint has an array of kind {kind!r}; only plain numbers are read")
        self.kind = str(kind)

    def __setstate__(self, state: tuple[object, ...]) -> None:
        if len(state) < 8 or state[1] not in ("<", "|") or state[2:5] != (None, None, None):
            raise RefusedPickle("the checkpoint has an array that is not of plain little-endian numbers")


class _Array:
    """Stands for a numpy array."""

    array: np.ndarray | None = None

    def __setstate__(self, state: tuple[object, ...]) -> None:
        _, shape, kind, by_columns, raw = state
        if not isinstance(kind, _Kind) or not isinstance(raw, bytes) or not isinstance(shape, tuple):
            raise RefusedPickle("the checkpoint holds something that is no plain array")
        axes = [axis for axis in shape if type(axis) is int and axis >= 0]
        if len(axes) != len(shape) or len(shape) > MOST_AXES:
            raise RefusedPickle("the checkpoint has an array of no proper shape")
        plain = np.dtype(f"<{kind.kind}")
        if math.prod(axes) * plain.itemsize != len(raw):
            raise RefusedPickle(f"the checkpoint has an array of shape {shape} with {len(raw)} bytes")
        array = np.frombuffer(raw, plain).reshape(axes, order="F" if by_columns else "C")
        self.array = array.astype(np.float32) if plain.kind == "f" else array


def _made(array_class: object, shape: object, kind: object) -> _Array:
    if array_class is not _Array:
        raise RefusedPickle("the checkpoint holds something that is no plain array")
    return _Array()


def _encoded(text: object, encoding: object = "latin1") -> bytes:
    """How pickles of the second protocol write bytes."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise RefusedPickle("the checkpoint has bytes that are written in a strange way")
    return text.encode("latin1")


_NAMES: Mapping[tuple[str, str], Callable[..., object]] = MappingProxyType(
    {
        ("numpy.core.multiarray", "_reconstruct"): _made,
        ("numpy._core.multiarray", "_reconstruct"): _made,
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Kind,
        ("_codecs", "encode"): _encoded,
    }
)


class _Plain(pickle.Unpickler):
    """An unpickler for which nothing exists but arrays."""

    def find_class(self, module: str, name: str) -> Callable[..., object]:
        known = _NAMES.get((module, name))
        if known is None:
            raise RefusedPickle(
                f"the checkpoint asks for {module}.{name}; only plain numpy arrays are read, nothing is run"
            )
        return known

    def persistent_load(self, pid: object) -> object:
        raise RefusedPickle("the checkpoint keeps its numbers in another file, as PyTorch tensors do")
