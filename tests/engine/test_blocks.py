"""What a run has freed is given back to the system, also where small things that live on lie between."""

import platform
import subprocess
import sys

import pytest

CODE = """
import numpy as np
from midistems_graph.engine.blocks import give_back_large_blocks
if {held}:
    give_back_large_blocks()
np.ones(1_000_000, np.float64)  # freed: from now on glibc takes its size for small
kept, large = [], []
for _ in range(20):
    large.append(np.ones(900_000, np.float64))
    kept.append(np.ones(1000, np.float64))
del large
pages = [line.split()[1] for line in open("/proc/self/status") if line.startswith("RssAnon")]
print(int(pages[0]) // 1024)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other systems are left as they are")
def test_large_blocks_do_not_stay_where_small_ones_live_on() -> None:
    held, usual = (
        int(subprocess.run([sys.executable, "-c", CODE.format(held=on)], capture_output=True, check=True).stdout)
        for on in (True, False)
    )
    assert held < usual - 50
