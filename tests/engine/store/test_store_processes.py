"""A store on disk is shared by processes, and survives that they are killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from value_files import files, temporaries

from midistems_graph.audio import codec
from midistems_graph.audio.values import Number
from midistems_graph.engine.store import DiskStore, StoreError

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
