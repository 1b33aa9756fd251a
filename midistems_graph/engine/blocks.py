"""How the memory of a run is given out and given back, where the C library is glibc.

Left to itself, glibc gives each thread a heap of its own, and gives back what is free at the end of a heap, once 128 KB
are: the next tile gets the same memory anew, and the system fills it with zeros, a quarter of the processor time of
`four_stems`. What is free between blocks that live on is never given back: half of a run's memory, and more the longer
the song. So there is one heap, some of its end stays, and the holes go back whenever a unit of work is done.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from functools import cache

LARGE = 16 << 20
"""From so many bytes on a block has a mapping of its own. Getting one costs little beside filling it."""

KEPT = 16 << 20
"""So many free bytes may stay at the end of the heap."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


@cache
def order_memory() -> None:
    """For this process, from now on. Other systems than Linux with glibc are left as they are."""
    if glibc := _glibc():
        for what, value in ((_M_MMAP_THRESHOLD, LARGE), (_M_TRIM_THRESHOLD, KEPT), (_M_ARENA_MAX, 1)):
            glibc.mallopt(what, value)


def give_back() -> None:
    """What is free goes back to the system, also between blocks that live on; takes about a millisecond."""
    if glibc := _glibc():
        glibc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(None)
            if library.mallopt and library.malloc_trim:
                return library
    return None
