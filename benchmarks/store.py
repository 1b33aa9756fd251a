"""A store of 100,000 results and a terabyte, simulated: looking up, coming and going; and many programs on one store.

    python benchmarks/store.py [--entries 100000] [--processes 4] [--threads 50] [--rounds 5]

The index is filled as runs fill it, with values of 10 MB that are not written; then results are looked up, and room is
made for new ones. Then as many small values are written as files, listed, read through and, after some were spoilt, put
in order, each step in a process of its own. After that, threads in several processes put and get small values of one
real store below a limit that makes it evict all the time, and every value that comes back is held against what was put.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np

from midistems_graph.audio import codec
from midistems_graph.audio.values import Audio
from midistems_graph.cli.result import peak_memory
from midistems_graph.engine.store import DiskStore, MissingValue, StoreFull, UnitRecord, valuefile
from midistems_graph.engine.store.index import Index

VALUE = 10_000_000
STEPS = ("open it without its index", "open it after a killed run", "verify", "verify and repair", "clear")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--entries", type=int, default=100_000)
    options.add_argument("--processes", type=int, default=4)
    options.add_argument("--threads", type=int, default=50)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        at_size(Path(folder), chosen.entries)
    with tempfile.TemporaryDirectory() as folder:
        in_order(Path(folder) / "store", chosen.entries)
    with tempfile.TemporaryDirectory() as folder:
        together(Path(folder) / "store", chosen.processes, chosen.threads, chosen.rounds)


def at_size(folder: Path, entries: int) -> None:
    """Lookups and evictions in an index of so many results."""
    index = Index.create(folder, 1)
    chance = random.Random(1)
    with index.change() as change:
        for number in range(entries):
            change.add_value(name(f"v{number}"), VALUE, chance.random(), float(number))
            change.add_unit(record(number))
    took = [timed(lambda n=n: index.find(name(str(n)))) for n in chance.sample(range(entries), 1000)]  # type: ignore[misc]
    print(f"{entries} results, {index.size() / 1e12:.2f} TB")
    print(f"look one up: median {statistics.median(took) * 1e3:.3f} ms, the slowest of 1000 {max(took) * 1e3:.3f} ms")

    def evict() -> None:
        with index.change() as change:
            assert change.make_room(VALUE, index.size())

    took = [timed(evict) for _ in range(200)]
    print(f"make room for one: median {statistics.median(took) * 1e3:.3f} ms, slowest {max(took) * 1e3:.3f} ms")
    reasons = timed(lambda: index.earlier("hits", "song 1"))
    print(f"what came before of a node and song: {reasons * 1e3:.1f} ms")
    index.close()


def in_order(folder: Path, entries: int) -> None:
    """Listing, reading through and repairing so many files."""
    files = write_files(folder, entries)
    taken = sum(-(-path.stat().st_size // 4096) * 4096 for path in files)
    print(f"{entries} files, {taken / 1e9:.2f} GB")
    for step in STEPS:
        if step == "open it after a killed run":
            (folder / "tmp" / "killed").mkdir()
        if step == "verify and repair":
            spoil(folder, files)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(f"{step}: {pool.apply(one_step, (folder, step))}")


def write_files(folder: Path, entries: int) -> list[Path]:
    """A store of small values that has no index yet."""
    DiskStore(folder).close()
    for index in folder.glob("index-*"):
        index.unlink()
    paths = []
    for number in range(entries):
        value = sound(number, 1000)
        digest = codec.digest(value)
        made = UnitRecord(name(str(number)), {"out": digest}, "hits", "separate.hpss", 1.0, 8000, "", {}, 1.0 * number)
        paths.append(folder / "values" / digest[:2] / digest)
        paths[-1].parent.mkdir(exist_ok=True)
        valuefile.write(paths[-1], valuefile.lay_out(digest, value, asdict(made)))
    return paths


def spoil(folder: Path, files: list[Path]) -> None:
    """A hundredth of the files damaged, another gone, another not listed."""
    hundredth = len(files) // 100
    for path in files[:hundredth]:
        with path.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(bytes([255 - path.read_bytes()[-1]]))
    for path in files[hundredth : 2 * hundredth]:
        path.unlink()
    with closing(sqlite3.connect(next(folder.glob("index-*.sqlite3")))) as db, db:
        unlisted = [(path.name,) for path in files[2 * hundredth : 3 * hundredth]]
        db.executemany("DELETE FROM value WHERE digest = ?", unlisted)


def one_step(folder: Path, step: str) -> str:
    """Do it, and say what that took."""
    used, began, cpu = peak_memory() or 0, time.perf_counter(), time.process_time()
    with DiskStore(folder) as store:
        found = store.verify(repair="repair" in step) if "verify" in step else None
        if step == "clear":
            store.clear()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    told = f"{seconds:.1f} s, {cpu:.1f} s of the processor, {((peak_memory() or 0) - used) / 1e6:.0f} MB"
    if found is None:
        return told
    return f"{told}; {len(found.damaged)} damaged, {len(found.missing)} missing, {len(found.unlisted)} not listed"


def together(folder: Path, processes: int, threads: int, rounds: int) -> None:
    """Readers and writers of several processes; then nothing may be torn, missing or unlisted."""
    context = multiprocessing.get_context("spawn")
    began = time.perf_counter()
    with context.Pool(processes) as pool:
        counts = pool.starmap(busy, [(folder, seed, threads, rounds) for seed in range(processes)])
    total = sum(counts, Counter[str]())
    with DiskStore(folder, LIMIT) as store:
        found = store.verify()
        sound = "sound" if found.sound else f"NOT sound: {found}"
        within = store.size() <= LIMIT
    print(f"{processes} processes x {threads} threads: {dict(total)} in {time.perf_counter() - began:.1f} s")
    print(f"afterwards {found.checked} values, {sound}; within the limit: {within}")


LIMIT = 40 << 20


def busy(folder: Path, seed: int, threads: int, rounds: int) -> Counter[str]:
    """Threads of one process, each putting a value of its own and reading anybody's."""
    with DiskStore(folder, LIMIT) as store:

        def work(thread: int) -> Counter[str]:
            chance, counts = random.Random(1000 * seed + thread), Counter[str]()
            for _ in range(rounds):
                number = chance.randrange(400)
                try:
                    store.put(name(str(number)), {"out": sound(number)}, **facts(number))
                    counts["put"] += 1
                except StoreFull:
                    counts["full"] += 1
                number = chance.randrange(400)
                unit = store.find(name(str(number)))
                if unit is None:
                    counts["not there"] += 1
                    continue
                try:
                    value = store.get(unit.outputs["out"])
                except MissingValue:  # evicted since
                    counts["gone"] += 1
                    continue
                assert isinstance(value, Audio) and np.array_equal(value.samples, sound(number).samples), "torn"
                counts["read"] += 1
            return counts

        with ThreadPoolExecutor(threads) as pool:
            return sum(pool.map(work, range(threads)), Counter[str]())


def sound(number: int, samples: int = 20_000) -> Audio:
    return Audio.of(np.random.default_rng(number).standard_normal((2, samples), np.float32), 44100)


def name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def facts(number: int) -> dict[str, object]:
    return {"node": "hits", "node_type": "separate.hpss", "seconds": 1.0, "song": f"song {number % 50}", "facts": {}}


def record(number: int) -> UnitRecord:
    key, value = name(str(number)), name(f"v{number}")
    facts = {"stretch": f"{number % 360}", "knob n_fft": "2048"}
    return UnitRecord(
        key, {"out": value}, "hits", "separate.hpss", 1.0, VALUE, f"song {number % 300}", facts, float(number)
    )


def timed(call: object) -> float:
    began = time.perf_counter()
    assert callable(call)
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
