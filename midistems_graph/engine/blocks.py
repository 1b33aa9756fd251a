"""Large blocks of memory are given back to the system as soon as they are free.

glibc gives blocks a mapping of their own from a size on that it raises, up to 32 MB, whenever such a block is freed.
Tiles of a song soon lie below that size, in heaps among what lives longer, and what is free between them stays with the
process: a quarter of its memory, and more the longer the song. So the size is held where it is.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from functools import cache

LARGE = 4 << 20
"""From so many bytes on a block has a mapping of its own. Getting one costs little beside filling it."""

_M_MMAP_THRESHOLD = -3


@cache
def give_back_large_blocks() -> None:
    """For this process, from now on. Other systems than Linux with glibc are left as they are."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE)
