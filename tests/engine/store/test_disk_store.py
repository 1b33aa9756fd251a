"""What only a store on disk can promise: it lasts, survives damage, and is put in order."""

import os
import random
import stat
from pathlib import Path

import numpy as np
import pytest
from value_files import file_of, files

from midistems_graph.audio import codec
from midistems_graph.audio.values import Number
from midistems_graph.engine.store import DamagedValue, DiskStore, MissingValue, StoreError, valuefile

# It lasts


def test_units_are_found_by_the_next_process(tmp_path, put, noise, key):
    with DiskStore(tmp_path / "store") as store:
        record = put(store, "unit", noise(1), Number(1.0), tile="3")
    with DiskStore(tmp_path / "store") as store:
        assert store.find(key("unit")) == record
        np.testing.assert_array_equal(store.get(record.outputs["out0"]).samples, noise(1).samples)


def test_everything_is_private_to_its_owner(disk, put, noise):
    put(disk, "unit", noise(1))
    for path in [disk.folder, *disk.folder.rglob("*")]:
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


def test_many_mapped_values_do_not_use_up_the_file_descriptors(disk, put, noise):
    digests = [put(disk, f"unit {i}", noise(i, 10_000)).outputs["out0"] for i in range(20)]
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("descriptors can be counted on Linux only")
    held = [disk.get(digest) for digest in digests for _ in range(20)]
    assert len(held) == 400
    assert len(list(descriptors.iterdir())) < 350


# Bytes that go missing or bad


def test_find_misses_when_bytes_are_gone(disk, put, noise, key):
    record = put(disk, "unit", noise(1), Number(1.0))
    file_of(disk, record.outputs["out0"]).unlink()
    assert disk.find(key("unit")) is None
    assert disk.size() == 0  # the unit's other value went with it
    why = disk.explain("refine/hpss", "separate.hpss", "song", {})
    assert why == ["its stored result was lost or damaged"]
    assert put(disk, "unit", noise(1), Number(1.0)).outputs == record.outputs
    assert disk.find(key("unit"))


def test_find_misses_when_bytes_are_cut_off(disk, put, noise, key):
    digest = put(disk, "unit", noise(1)).outputs["out0"]
    os.truncate(file_of(disk, digest), 4096)
    assert disk.find(key("unit")) is None
    assert not file_of(disk, digest).exists()


@pytest.mark.parametrize("damage", ["cut off", "header", "another value", "empty"])
def test_a_damaged_value_is_refused_and_dropped(disk, put, noise, key, damage):
    digest = put(disk, "unit", noise(1)).outputs["out0"]
    path = file_of(disk, digest)
    data = bytearray(path.read_bytes())
    if damage == "header":
        data[60] ^= 1
    if damage == "another value":
        data[:] = file_of(disk, put(disk, "other", noise(2)).outputs["out0"]).read_bytes()
    path.write_bytes({"cut off": data[:-1], "empty": b""}.get(damage, data))
    with pytest.raises(DamagedValue):
        disk.get(digest)
    assert disk.find(key("unit")) is None
    with pytest.raises(MissingValue):
        disk.get(digest)


def test_verify_finds_one_changed_sample(disk, put, noise, key, monkeypatch):
    monkeypatch.setattr(random, "randrange", lambda most: 1)  # no spot check, which would find it at once
    digest = put(disk, "unit", noise(1)).outputs["out0"]
    put(disk, "sound", noise(2))
    path = file_of(disk, digest)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert disk.verify(repair=False).damaged == (digest,)
    assert disk.find(key("unit"))
    assert disk.verify().damaged == (digest,)
    assert disk.find(key("unit")) is None and disk.find(key("sound"))
    assert disk.verify().sound


def test_now_and_then_a_value_is_hashed_before_it_is_believed(disk, put, noise, key, monkeypatch):
    digest = put(disk, "unit", noise(1)).outputs["out0"]
    path = file_of(disk, digest)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    monkeypatch.setattr("midistems_graph.engine.store.disk.SPOT_CHECK", 1)
    assert disk.find(key("unit")) is None
    assert put(disk, "unit", noise(1)).outputs["out0"] == digest
    assert disk.find(key("unit")) and disk.verify().sound


def test_a_folder_in_place_of_a_value_is_no_value(disk, put, noise, key):
    digest = put(disk, "unit", noise(1)).outputs["out0"]
    file_of(disk, digest).unlink()
    file_of(disk, digest).mkdir()
    assert disk.find(key("unit")) is None
    with pytest.raises(StoreError):
        disk.get(digest)
    with pytest.raises(StoreError, match="nothing can be written to"):
        put(disk, "unit", noise(1))


# The index


@pytest.mark.parametrize("place", [3, 60])
def test_a_unit_whose_value_has_a_damaged_header_is_not_found(disk, put, noise, key, place):
    path = file_of(disk, put(disk, "unit", noise(1)).outputs["out0"])
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    assert disk.find(key("unit")) is None


@pytest.mark.parametrize("damage", ["deleted", "empty", "garbage"])
def test_a_lost_index_is_rebuilt_from_the_values(tmp_path, put, noise, key, damage):
    with DiskStore(tmp_path / "store") as store:
        record = put(store, "unit", noise(1), Number(1.0), tile="3")
        size = store.size()
    index = tmp_path / "store" / "index-1.sqlite3"
    if damage == "deleted":
        index.unlink()
    else:
        index.write_bytes(b"garbage" * 1000 if damage == "garbage" else b"")
    with DiskStore(tmp_path / "store") as store:
        assert store.find(key("unit")) == record
        assert store.size() == size
        assert store.verify().sound
        assert len(list(store.folder.glob("index-*.sqlite3"))) == 1


def test_an_index_with_damaged_tables_is_replaced(tmp_path, put, noise, key):
    with DiskStore(tmp_path / "store") as store:
        for i in range(200):
            put(store, f"unit {i}", Number(i))
    index = tmp_path / "store" / "index-1.sqlite3"
    data = bytearray(index.read_bytes())
    data[8192:] = os.urandom(len(data) - 8192)  # the schema is still there, the tables are not
    index.write_bytes(data)
    with DiskStore(tmp_path / "store") as store:
        assert store.size() == 200 * 4096
        pinned = codec.digest(Number(5))
        assert store.pin([pinned])
        assert all(store.find(key(f"unit {i}")) for i in range(200))
        store.clear()
        assert store.get(pinned) == Number(5)


@pytest.mark.parametrize("damage", ["deleted", "garbage"])
def test_an_index_damaged_while_in_use_is_replaced_for_all_who_use_it(tmp_path, put, key, damage):
    folder, pinned = tmp_path / "store", codec.digest(Number(-1))
    with DiskStore(folder) as first, DiskStore(folder) as second:
        put(first, "pinned", Number(-1))
        assert first.pin([pinned])
        index = folder / "index-1.sqlite3"
        if damage == "deleted":
            index.unlink()
        else:
            for path in (index, index.with_name(index.name + "-wal")):
                path.write_bytes(b"garbage" * (path.stat().st_size // 7))
        with DiskStore(folder) as third:
            for i in range(20):
                for name, store in (("first", first), ("second", second), ("third", third)):
                    put(store, f"{name} {i}", Number(i), node=name)
            for store in (first, second, third):
                assert all(store.find(key(f"{name} {i}")) for name in ("first", "second", "third") for i in range(20))
            assert (folder / "index-2.sqlite3").exists()
            assert third.verify().sound
            third.clear()
        assert first.get(pinned) == Number(-1)
    DiskStore(folder).close()
    assert [path.name for path in folder.glob("index-*")] == ["index-2.sqlite3"]


def test_a_rebuilt_index_forgets_units_that_are_not_whole(tmp_path, put, noise, key):
    with DiskStore(tmp_path / "store") as store:
        record = put(store, "unit", noise(1), noise(2))
        file_of(store, record.outputs["out1"]).unlink()
    (tmp_path / "store" / "index-1.sqlite3").unlink()
    with DiskStore(tmp_path / "store") as store:
        assert store.find(key("unit")) is None
        assert store.verify().sound


def test_verify_says_how_far_it_is_and_keeps_what_it_repaired_when_it_is_stopped(disk, put):
    damaged = [put(disk, f"unit {i}", Number(i)).outputs["out0"] for i in range(40)]
    for digest in damaged:
        os.truncate(file_of(disk, digest), 10)
    shares = []

    def tell(share):
        shares.append(share)
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        disk.verify(told=tell)
    assert shares == sorted(shares) and shares[0] >= 0
    left = {digest for digest in damaged if int(digest[:2], 16) / 256 >= 0.5}
    assert files(disk) == left and 0 < len(left) < 40
    assert disk.verify().damaged == tuple(sorted(left)) and disk.verify().sound


def test_what_somebody_put_again_meanwhile_is_not_dropped_as_damaged(disk, put, noise, key, monkeypatch):
    digest = put(disk, "unit", noise(1)).outputs["out0"]
    os.truncate(file_of(disk, digest), 10)
    read = valuefile.read

    def read_then_put(path):
        monkeypatch.setattr(valuefile, "read", read)
        try:
            return read(path)
        finally:
            put(disk, "unit", noise(1))

    monkeypatch.setattr(valuefile, "read", read_then_put)
    assert disk.verify().damaged == (digest,)
    assert disk.find(key("unit")) and disk.verify().sound


def test_a_rebuilt_index_knows_units_that_share_a_value_with_another(tmp_path, put, noise, key):
    with DiskStore(tmp_path / "store") as store:
        for name, values in {"a": (1, 2), "b": (2, 3), "c": (3, 1), "d": (4, 2, 5)}.items():
            put(store, name, *map(Number, values))
    (tmp_path / "store" / "index-1.sqlite3").unlink()
    with DiskStore(tmp_path / "store") as store:
        assert all(store.find(key(name)) for name in ("a", "b", "d"))
        assert store.verify().sound
