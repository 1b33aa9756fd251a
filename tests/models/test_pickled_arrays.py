"""Checkpoints of plain arrays are read to the bit; whatever else a pickle asks for is refused before it happens."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from midistems_graph.models.pickled_arrays import RefusedPickle, read_arrays


def checkpoint(content: object, protocol: int = 2) -> io.BytesIO:
    return zipped(pickle.dumps(content, protocol))


def zipped(pickled: bytes, name: str = "weights/data.pkl") -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, pickled)
    return io.BytesIO(file.getvalue())


@given(arrays.arrays(np.float32, arrays.array_shapes(min_dims=0, max_dims=4, max_side=5)), st.integers(2, 4))
def test_arrays_come_back_to_the_bit(array: np.ndarray, protocol: int) -> None:
    found = read_arrays(checkpoint({"a": array, "b": np.asfortranarray(array)}, protocol))
    assert found.keys() == {"a", "b"}
    for each in found.values():
        np.testing.assert_array_equal(each, array)
        assert each.dtype == np.float32


class Runs:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.path}",)


def test_a_pickle_that_would_run_something_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    hostile = checkpoint({"weight": Runs(tmp_path / "made")})
    with pytest.raises(RefusedPickle, match=r"asks for \w+\.system; only plain numpy arrays"):
        read_arrays(hostile)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "pickled",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cbuiltins\ngetattr\n.",
        b"cnumpy\nload\n.",
        b"cnumpy.core.multiarray\nscalar\n.",
        b"c_codecs\ndecode\n.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
        b"cnumpy\nndarray.__class__\n.",
        b"(i__main__\nUnknown\n.",
        b"\x80\x02\x82\x01.",
        b"Pelsewhere\n.",
    ],
)
def test_every_other_name_is_refused(pickled: bytes) -> None:
    with pytest.raises(RefusedPickle):
        read_arrays(zipped(pickled))


@pytest.mark.parametrize(
    "content",
    [
        {"a": np.array([print], dtype=object)},
        {"a": np.array(["text"])},
        {"a": np.zeros(2, [("x", "f4")])},
        {"a": np.zeros(2, ">f4")},
        {"a": 1.0},
        {"a": [np.zeros(2, np.float32)]},
        {1: np.zeros(2, np.float32)},
        [np.zeros(2, np.float32)],
        None,
    ],
)
def test_anything_but_a_dictionary_of_plain_arrays_is_refused(content: object) -> None:
    with pytest.raises(RefusedPickle):
        read_arrays(checkpoint(content))


def test_a_shape_that_its_bytes_do_not_fill_is_refused_before_memory_is_taken() -> None:
    honest = pickle.dumps({"a": np.zeros((3, 5), np.float32)}, 2)
    huge = honest.replace(b"K\x03K\x05", b"J\xff\xff\xff\x7fK\x05")
    assert huge != honest
    with pytest.raises(RefusedPickle, match="bytes"):
        read_arrays(zipped(huge))


@pytest.mark.parametrize("file", [b"", b"no zip", zipped(b"").getvalue(), zipped(b".", "else.pkl").getvalue()])
def test_what_is_no_checkpoint_is_said(file: bytes) -> None:
    with pytest.raises(RefusedPickle, match="the checkpoint"):
        read_arrays(io.BytesIO(file))


def test_a_number_that_would_take_gigabytes_is_refused() -> None:
    with pytest.raises(RefusedPickle, match="4,294,967,295, which is too high"):
        read_arrays(zipped(b"\x80\x02}r\xff\xff\xff\xff."))


@given(st.data())
def test_no_damage_gets_further_than_a_refusal(data: st.DataObject) -> None:
    sound = bytearray(pickle.dumps({"a": np.arange(6, dtype=np.float32)}, 2))
    for _ in range(data.draw(st.integers(1, 4))):
        sound[data.draw(st.integers(0, len(sound) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read_arrays(zipped(bytes(sound)))
    except RefusedPickle:
        return
    assert all(isinstance(array, np.ndarray) for array in found.values())
