"""How the memory of a run is given out and given back, where the C library is glibc.

Left to itself, glibc gives blocks a mapping of their own from a size on that it raises, up to 32 MB, whenever such a
block is freed. Tiles of a song soon lie below that size, in heaps among what lives longer, and what is free between
them stays with the process: a quarter of its memory, and more the longer the song. So the size is held where it is.

Held, it makes glibc give back the end of a heap as soon as 128 KB are free there; the next tile gets the same memory
anew, and the system fills it with zeros: a quarter of the processor time of `four_stems`. So some stays. And since
every thread would have a heap of its own, with its own holes, there is one.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from functools import cache

LARGE = 4 << 20
"""From so many bytes on a block has a mapping of its own. Getting one costs little beside filling it."""

KEPT = 16 << 20
"""So many free bytes stay at the end of the heap."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


@cache
def order_memory() -> None:
    """For this process, from now on. Other systems than Linux with glibc are left as they are."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            glibc = ctypes.CDLL(None)
            for what, value in ((_M_MMAP_THRESHOLD, LARGE), (_M_TRIM_THRESHOLD, KEPT), (_M_ARENA_MAX, 1)):
                glibc.mallopt(what, value)
