"""What this machine has, and what it does for this program: memory, seconds of the processor."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux says what a container may take."""


def memory_bytes() -> int | None:
    """Bytes of memory that there are for this process, used or not; None where the system does not tell."""
    found = []
    with suppress(AttributeError, ValueError, OSError):  # AttributeError: Windows
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for path in _LIMITS:
        with suppress(OSError, ValueError):  # ValueError: "max"
            found.append(int(path.read_text()))
    return min(found, default=None)


def cpu_seconds() -> float:
    """Seconds of the processor that went into this process so far, and into programs that it began and that ended."""
    return sum(os.times()[:4])
