"""Songs on a Dask cluster of this machine's own against a plain batch: what handing them out costs.

A scheduler and workers of one thread each are begun before; then both ways run in turn, every time with stores and
output folders that are empty, and the files are compared.

    python benchmarks/cluster.py --songs 16 --seconds 10 --rounds 3
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

GRAPH = {
    "format": "midistems-graph",
    "version": 1,
    "nodes": {"load": {"type": "io.load"}, "hpss": {"type": "separate.hpss"}, "save": {"type": "io.save"}},
    "edges": [{"from": "load.out", "to": "hpss.mixture"}, {"from": "hpss.out", "to": "save.stems"}],
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--songs", type=int, default=16)
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--workers", type=int, default=2)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "split.json").write_text(json.dumps(GRAPH))
        (root / "songs").mkdir()
        for i in range(chosen.songs):
            noise = np.random.default_rng(i).normal(0, 0.1, (round(44100 * chosen.seconds), 2))
            soundfile.write(root / "songs" / f"{i:02}.wav", noise.astype(np.float32), 44100, subtype="FLOAT")
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        begun = [begin("distributed.cli.dask_scheduler", "--host=127.0.0.1", f"--port={address.rpartition(':')[2]}")]
        begun += [
            begin("midistems_graph.cli.main", "worker", address, "--jobs=1", f"--cache-dir={root / f'store {i}'}")
            for i in range(chosen.workers)
        ]
        try:
            warm(root, address, chosen.workers)
            times: dict[str, list[float]] = {"batch": [], "dask": []}
            for _ in range(chosen.rounds):
                times["batch"].append(timed(root, "batch", "--jobs", str(chosen.workers)))
                times["dask"].append(timed(root, "dask", "--dask", address))
        finally:
            for process in begun:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        same = contents(root / "batch") == contents(root / "dask")
    batch, dask = (statistics.median(times[way]) for way in ("batch", "dask"))
    print(
        f"{chosen.songs} songs of {chosen.seconds:g} s, {chosen.workers} workers of one thread, {chosen.rounds} rounds"
    )
    print(f"plain batch {batch:.2f} s, dask {dask:.2f} s: {100 * (dask / batch - 1):+.1f} %")
    print(f"for each song: {chosen.workers * (dask - batch) / chosen.songs:+.3f} s of a worker")
    print("the same files" if same else "THE FILES DIFFER")


def begin(module: str, *words: str) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    command = [sys.executable, "-P", "-m", module, *words]
    return subprocess.Popen(command, start_new_session=True, stdout=quiet, stderr=quiet)


def warm(root: Path, address: str, workers: int) -> None:
    """Until all workers have joined and run something."""
    from distributed import Client

    with Client(address, timeout=60) as client:
        client.wait_for_workers(workers, timeout=120)
    timed(root, "warm", "--dask", address)


def timed(root: Path, out: str, *words: str) -> float:
    """Seconds of a run from its command to its end, with nothing in any store."""
    shutil.rmtree(root / out, ignore_errors=True)
    for store in root.glob("store*"):
        shutil.rmtree(store)
    command = [sys.executable, "-m", "midistems_graph.cli.run_graph", "split.json", "songs", "-o", out, "--quiet"]
    began = time.perf_counter()
    subprocess.run([*command, f"--cache-dir={root / 'store here'}", *words], cwd=root, check=True)
    return time.perf_counter() - began


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.wav")}


if __name__ == "__main__":
    main()
