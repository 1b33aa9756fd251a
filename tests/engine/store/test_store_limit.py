"""A store on disk stays bounded, whatever is in use, and a full disk does no harm."""

import errno
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from value_files import files, temporaries

from midistems_graph.audio import codec
from midistems_graph.audio.values import Audio
from midistems_graph.engine.store import DiskStore, StoreFull, valuefile
from midistems_graph.engine.store import disk as on_disk
from midistems_graph.engine.store.change import Change

MB = 1_000_000


def test_what_is_cheap_to_compute_and_big_goes_first(tmp_path, put, noise, key):
    with DiskStore(tmp_path / "store", limit_bytes=3 * MB) as store:
        put(store, "slow", noise(1), seconds=100.0)
        put(store, "quick", noise(2), seconds=0.1)
        put(store, "small", noise(3, 1000), seconds=0.1)
        put(store, "middling", noise(4), seconds=10.0)
        put(store, "more", noise(5), seconds=10.0)
        left = {name for name in ("slow", "quick", "small", "middling", "more") if store.find(key(name))}
        assert left == {"slow", "small", "middling", "more"}


def test_of_equals_the_one_used_longest_ago_goes_first(tmp_path, put, noise, key):
    with DiskStore(tmp_path / "store", limit_bytes=3 * MB) as store:
        for name in ("a", "b", "c"):
            put(store, name, noise(ord(name)), name=name)
        assert store.find(key("a"))
        put(store, "d", noise(4), name="d")
        assert store.known(key("b")).keys() == {"out0"} and store.known(key("e")) is None
        assert [bool(store.find(key(name))) for name in "abcd"] == [True, False, True, True]
        why = store.explain("refine/hpss", "separate.hpss", "song", {"name": "b"})
        assert why == ["its result was removed to keep the store below its limit"]


def test_the_store_stays_below_its_limit(tmp_path, put):
    rng = np.random.default_rng(0)
    with DiskStore(tmp_path / "store", limit_bytes=MB) as store:
        for i in range(150):
            samples = rng.standard_normal((1, int(rng.integers(1, 40_000))), np.float32)
            put(store, f"unit {i}", Audio.of(samples, 44100), seconds=float(rng.random()))
            assert store.size() <= MB
        on_disk = sum(-(-path.stat().st_size // 4096) * 4096 for path in (store.folder / "values").glob("*/*"))
        assert on_disk == store.size() > MB / 2
        assert store.verify().sound


def test_a_limit_is_set_for_all_who_open_the_store_later(tmp_path, put, noise):
    with DiskStore(tmp_path / "store") as store:
        for i in range(4):
            put(store, f"unit {i}", noise(i))
        store.set_limit(2 * MB)
        assert 0 < store.size() <= 2 * MB
    with DiskStore(tmp_path / "store") as store:
        assert store.limit_bytes == 2 * MB
        put(store, "unit 5", noise(5))
        assert len(files(store)) == 2


def test_what_is_in_use_exceeds_the_limit_and_goes_afterwards(tmp_path, put, noise):
    with DiskStore(tmp_path / "store", limit_bytes=2 * MB) as store:
        made = [put(store, f"unit {i}", noise(i), pinned=True) for i in range(5)]
        assert len(files(store)) == 5
        store.unpin([digest for record in made for digest in record.outputs.values()])
        assert 0 < store.size() <= 2 * MB and len(files(store)) == 2


def test_what_a_killed_run_left_beyond_the_limit_stays_for_the_one_that_goes_on(tmp_path, put, noise, key):
    with DiskStore(tmp_path / "store", limit_bytes=2 * MB) as store:
        for i in range(5):
            put(store, f"unit {i}", noise(i), pinned=True)
    with DiskStore(tmp_path / "store", limit_bytes=2 * MB) as store:
        for i in range(5):
            store.pin(store.find(key(f"unit {i}")).outputs.values())
        put(store, "unit 5", noise(5), pinned=True)
        assert len(files(store)) == 6


def test_what_is_in_use_leaves_room_on_the_disk(tmp_path, put, noise, monkeypatch):
    monkeypatch.setattr(on_disk, "disk_usage", lambda folder: SimpleNamespace(free=on_disk.SPARED_BYTES))
    with DiskStore(tmp_path / "store", limit_bytes=2 * MB) as store:
        put(store, "one", noise(1), pinned=True)
        put(store, "two", noise(2), pinned=True)
        with pytest.raises(StoreFull, match="cache limit"):
            put(store, "three", noise(3), pinned=True)


def test_making_room_spares_what_the_new_unit_shares_with_evicted_ones(tmp_path, put, noise, key):
    with DiskStore(tmp_path / "store", limit_bytes=2 * MB) as store:
        put(store, "old", noise(1), noise(2))
        put(store, "new", noise(1), noise(3))
        assert store.find(key("old")) is None and store.find(key("new"))
        assert store.verify().sound and len(files(store)) == 2


def test_what_is_pinned_is_not_evicted(tmp_path, put, noise):
    with DiskStore(tmp_path / "store", limit_bytes=2 * MB) as store:
        pinned = put(store, "pinned", noise(1), seconds=0.0).outputs["out0"]
        store.pin([pinned])
        for i in range(4):
            put(store, f"unit {i}", noise(10 + i), seconds=100.0)
        assert codec.digest(store.get(pinned)) == pinned


def test_a_store_full_of_pinned_values_takes_no_others_and_changes_nothing(tmp_path, put, noise, key):
    with DiskStore(tmp_path / "store", limit_bytes=2 * MB) as store:
        store.pin(put(store, "pinned", noise(1)).outputs.values())
        put(store, "free", noise(2))
        with pytest.raises(StoreFull, match="cache limit"):
            put(store, "both", noise(3), noise(4))
        assert store.find(key("pinned")) and store.find(key("free"))
        assert not temporaries(store) and len(files(store)) == 2


def test_a_unit_larger_than_the_whole_store_is_not_kept(tmp_path, put, noise, key):
    with DiskStore(tmp_path / "store", limit_bytes=MB) as store:
        put(store, "small", noise(1))
        with pytest.raises(StoreFull, match="refine/hpss"):
            put(store, "large", noise(2, 200_000))
        assert store.find(key("small"))


def test_a_full_disk_leaves_no_half_value(disk, put, noise, key, monkeypatch):
    def write_half(path, layout):
        path.write_bytes(layout.head)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(valuefile, "write", write_half)
        with pytest.raises(StoreFull, match="disk"):
            put(disk, "unit", noise(1))
    assert not temporaries(disk) and not files(disk)
    assert disk.find(key("unit")) is None
    assert put(disk, "unit", noise(1)) == disk.find(key("unit"))


def test_who_finds_the_disk_full_leaves_what_another_is_about_to_list(tmp_path, put, noise, key, monkeypatch):
    """One writer has placed a value and not yet listed it when another one has no room for the same."""
    full, write, commit = threading.Event(), valuefile.write, Change.add_unit

    def write_unless_full(path, layout):
        if threading.current_thread() is late:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, layout)

    def add_unit(change, record):
        late.start()
        full.wait(0.3)
        return commit(change, record)

    def put_late():
        with pytest.raises(StoreFull, match="disk"):
            put(second, "unit", noise(1))
        full.set()

    late = threading.Thread(target=put_late)
    monkeypatch.setattr(valuefile, "write", write_unless_full)
    monkeypatch.setattr(Change, "add_unit", add_unit)
    with DiskStore(tmp_path / "store") as first, DiskStore(tmp_path / "store") as second:
        record = put(first, "unit", noise(1))
        late.join(60)
        assert not late.is_alive() and first.find(key("unit")) == record


def test_an_index_without_room_leaves_no_value_behind(disk, put, noise, monkeypatch):
    def add_unit(change, record):
        raise StoreFull("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Change, "add_unit", add_unit)
        with pytest.raises(StoreFull):
            put(disk, "unit", noise(1))
    assert not files(disk) and not temporaries(disk)
