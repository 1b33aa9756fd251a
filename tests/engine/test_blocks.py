"""What a unit of work has freed goes back to the system, also between what lives on; what a tile soon needs stays."""

import platform
import subprocess
import sys

import pytest

from midistems_graph.engine import execute
from small_runs import graph, run

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other systems are left as they are")

HELD = """
import numpy as np
from midistems_graph.engine.blocks import give_back, order_memory
def held():
    return next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("RssAnon"))
order_memory()
kept, large = [], []
for _ in range(100):
    large.append(np.ones(125_000, np.float64))  # 1 MB
    kept.append(np.ones(1000, np.float64))
del large
before = held()
give_back()
print(before - held())
"""

PAGES = """
import resource, threading
import numpy as np
from midistems_graph.engine.blocks import order_memory
order_memory()
def work():
    for _ in range(100):
        np.ones(250_000, np.float64)  # 488 pages of 4 KB
thread = threading.Thread(target=work)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
thread.start()
thread.join()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def printed(code: str) -> int:
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)


def test_holes_between_what_lives_on_are_given_back() -> None:
    assert printed(HELD) > 80  # of 95 MB


def test_a_tile_takes_the_memory_of_the_one_before() -> None:
    assert printed(PAGES) < 5 * 488


def test_memory_is_given_back_after_units_that_take_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[None] = []
    monkeypatch.setattr(execute, "give_back", lambda: given.append(None))
    run(graph({"a": "small.tone", "b": ("small.slow", {"seconds": 0.05})}, "a.out -> b.audio"), ["b"], seconds=1)
    assert given
    given.clear()
    monkeypatch.setattr(execute, "LONG", 60.0)
    run(graph({"a": "small.tone"}), ["a"], seconds=1)
    assert not given
