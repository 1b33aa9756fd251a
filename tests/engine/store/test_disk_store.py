"""What only a store on disk can promise: it lasts, stays bounded, survives kills and damage, and is shared."""

import errno
import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from midistems_graph.audio import codec
from midistems_graph.audio.values import Audio, Number
from midistems_graph.engine.store import DamagedValue, DiskStore, MissingValue, StoreError, StoreFull, valuefile
from midistems_graph.engine.store import disk as on_disk
from midistems_graph.engine.store.change import Change

MB = 1_000_000
SCRIPT = """
import sys, hashlib, numpy as np
from midistems_graph.audio.values import Audio, Number
from midistems_graph.engine.store import DiskStore
def key(name): return hashlib.sha256(name.encode()).hexdigest()
def noise(seed, samples=100_000):
    return Audio.of(np.random.default_rng(seed).standard_normal((2, samples), np.float32), 44100)
def put(store, name, *values, seconds=1.0):
    outputs = {f"out{i}": value for i, value in enumerate(values)}
    return store.put(key(name), outputs, node=name, node_type="t", seconds=seconds, song="song", facts={})
store = DiskStore(sys.argv[1])
"""


def start(folder: Path, script: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT + script, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def say(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    process.communicate("\n", timeout=60)
    assert process.returncode == 0


def file_of(store: DiskStore, digest: str) -> Path:
    return store.folder / "values" / digest[:2] / digest


def files(store: DiskStore) -> set[str]:
    return {path.name for path in (store.folder / "values").glob("*/*")}


def temporaries(store: DiskStore) -> list[Path]:
    return [path for path in (store.folder / "tmp").glob("*/*") if path.name != "lock"]


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


# The limit


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


# Several processes


def test_nothing_half_is_seen_after_a_kill_at_any_instant(tmp_path, put, key):
    folder, found = tmp_path / "store", 0
    for attempt in range(4):
        writer = start(
            folder,
            f"""
print("ready", flush=True)
for i in range(10_000):
    put(store, f"unit {attempt} {{i}}", noise(i, 20_000), Number(i))
    print(i, flush=True)
""",
        )
        while say(writer) != str(attempt * 3):
            pass
        time.sleep(0.003 * attempt)
        os.kill(writer.pid, signal.SIGKILL)
        done = [int(line) for line in writer.communicate()[0].split()]
        with DiskStore(folder) as store:
            assert not temporaries(store)
            assert len(list((folder / "tmp").iterdir())) == 1
            for i in range(attempt * 3 + len(done) + 1):
                assert store.find(key(f"unit {attempt} {i}"))
                found += 1
            assert store.verify().sound
            put(store, f"unit {attempt}", Number(attempt))
    assert found >= 22


def test_values_in_place_when_their_writer_was_killed_are_listed(tmp_path, noise, key):
    """Killed between the renaming and the commit: the whole values are adopted by the next to open."""
    writer = start(
        tmp_path / "store",
        """
import os, signal
from midistems_graph.engine.store.index import Change
Change.add_unit = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
put(store, "unit", noise(1), noise(2))
""",
    )
    writer.communicate(timeout=60)
    assert writer.returncode == -signal.SIGKILL
    with DiskStore(tmp_path / "store") as store:
        assert len(files(store)) == 2
        record = store.find(key("unit"))
        assert record and codec.digest(store.get(record.outputs["out1"])) == codec.digest(noise(2))
        assert store.verify().sound


def test_many_readers_and_writers_of_several_processes_lose_and_tear_nothing(tmp_path, key):
    """Each thread puts all units in an order of its own, the same as others, and reads back what it finds meanwhile."""
    script = """
from concurrent.futures import ThreadPoolExecutor
print("ready", flush=True)
sys.stdin.readline()
def work(seed):
    order = np.random.default_rng(seed).permutation(40)
    for i in order:
        assert put(store, f"unit {i}", noise(i, 2000), Number(i)) and store.find(key(f"unit {i}"))
        found = store.find(key(f"unit {order[-1 - i]}"))
        if found is not None:
            value = store.get(found.outputs["out0"]).samples
            assert np.array_equal(value, noise(order[-1 - i], 2000).samples), "torn"
with ThreadPoolExecutor(8) as pool:
    list(pool.map(work, range(8)))
store.close()
"""
    writers = [start(tmp_path / "store", script) for _ in range(3)]
    assert [say(writer) for writer in writers] == ["ready"] * 3
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    with DiskStore(tmp_path / "store") as store:
        for i in range(40):
            record = store.find(key(f"unit {i}"))
            assert record and store.get(record.outputs["out1"]) == Number(i)
        report = store.verify()
        assert report.sound and report.checked == 80


def test_what_another_process_pinned_stays_until_it_ends(tmp_path, put, noise, key):
    pinning = """
store.pin(put(store, "pinned", noise(1)).outputs.values())
print("ready", flush=True)
sys.stdin.readline()
"""
    other = start(tmp_path / "store", pinning + "store.close()")
    assert say(other) == "ready"
    with DiskStore(tmp_path / "store") as store:
        store.clear()
        assert len(files(store)) == 1
        end(other)
        store.clear()
        assert not files(store)


def test_pins_of_a_killed_process_end_with_the_next_opening(tmp_path):
    other = start(
        tmp_path / "store",
        'store.pin(put(store, "pinned", noise(1)).outputs.values()); print("ready", flush=True); sys.stdin.readline()',
    )
    assert say(other) == "ready"
    other.kill()
    other.communicate()
    with DiskStore(tmp_path / "store") as store:
        assert store.clear() > 0
        assert not files(store)


def test_temporary_files_of_the_living_are_left_alone(tmp_path):
    folder = tmp_path / "store"
    with DiskStore(folder) as first:
        unfinished = next((folder / "tmp").iterdir()) / "unfinished"
        unfinished.write_bytes(b"half")
        with DiskStore(folder):
            assert unfinished.exists()
        first.close()
        assert not unfinished.exists()


def test_a_closed_store_says_so(disk, key):
    disk.close()
    with pytest.raises(StoreError, match="closed"):
        disk.find(key("unit"))
