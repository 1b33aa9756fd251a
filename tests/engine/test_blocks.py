"""What a run has freed goes back to the system, also where small things lie between; what it soon needs again stays."""

import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other systems are left as they are")

HELD_MB = """
import numpy as np
from midistems_graph.engine.blocks import order_memory
if {ordered}:
    order_memory()
np.ones(1_000_000, np.float64)  # freed: from now on glibc takes its size for small
kept, large = [], []
for _ in range(20):
    large.append(np.ones(900_000, np.float64))
    kept.append(np.ones(1000, np.float64))
del large
pages = [line.split()[1] for line in open("/proc/self/status") if line.startswith("RssAnon")]
print(int(pages[0]) // 1024)
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


def test_large_blocks_do_not_stay_where_small_ones_live_on() -> None:
    ordered, usual = (printed(HELD_MB.format(ordered=on)) for on in (True, False))
    assert ordered < usual - 50


def test_a_tile_takes_the_memory_of_the_one_before() -> None:
    assert printed(PAGES) < 5 * 488
