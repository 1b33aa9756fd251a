"""What a worker of a cluster may take of its machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from command_line import Program

from midistems_graph.cli.cluster.task import JOBS

pytest.importorskip("distributed")


WANTS_3_GB = "import mmap; mmap.mmap(-1, 3 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)"


@pytest.fixture
def asked_of_dask(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What `midistems-graph worker` asks Dask for, and then what a process is told that wants 3 GB."""
    resource = pytest.importorskip("resource")
    asked: list[str] = []

    def main(words: list[str], **_: object) -> None:
        greedy = subprocess.run([sys.executable, "-c", WANTS_3_GB], capture_output=True, text=True)
        asked.extend([*words, greedy.stderr])

    monkeypatch.setattr("distributed.cli.dask_worker.main", main)
    monkeypatch.setattr("distributed.system.MEMORY_LIMIT", 4 << 30)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setenv(JOBS, "")
    before = resource.getrlimit(resource.RLIMIT_DATA)
    yield asked
    resource.setrlimit(resource.RLIMIT_DATA, before)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such limit")
@pytest.mark.parametrize(
    ("words", "limit", "jobs"),
    [(["--memory", "2G"], 2, "4"), (["--jobs", "2"], 2, "2"), (["--jobs", "9"], 4, "9")],
)
def test_a_worker_keeps_its_songs_within_its_memory(
    midistems: Program, asked_of_dask: list[str], words: list[str], limit: int, jobs: str
) -> None:
    assert midistems("worker", "tcp://127.0.0.1:9", "--name", "x", *words).code == 0
    assert {f"--memory-limit={limit << 30}", "--name=x", "--nthreads=1"} < set(asked_of_dask)
    assert ("Cannot allocate" in asked_of_dask[-1]) == (limit < 3) and os.environ[JOBS] == jobs
