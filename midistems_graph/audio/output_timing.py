"""How punctual a sound device's calls are: a histogram that costs a call one subtraction and one count.

Lateness is the time between two calls beyond what the frames of the first one last: the device's own unrest and
the wait for a processor and for the interpreter. A device that asks for several periods at once counts as it does.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress

import numpy as np
import numpy.typing as npt

_STEP = 1e-4
_STEPS = 2000


COUNTS = _STEPS + 2
"""Numbers that a histogram takes: its steps, the beyond, and how many calls there were."""


class Lateness:
    """Counts calls by their lateness in steps of 0.1 ms up to 200 ms, in an int64 array [COUNTS]."""

    def __init__(self, counts: npt.NDArray[np.int64] | None = None) -> None:
        self.counts = np.zeros(COUNTS, np.int64) if counts is None else counts
        self._due = 0.0

    def clear(self) -> None:
        self.counts[:] = 0

    def pause(self) -> None:
        """There will be no calls for a while; the next one is not late."""
        self._due = 0.0

    def called(self, seconds: float) -> None:
        """A call comes in now, for so many seconds of sound."""
        now = time.perf_counter()
        if self._due:
            late = int((now - self._due) / _STEP)
            self.counts[0 if late < 0 else min(late, _STEPS)] += 1
        self._due = now + seconds
        self.counts[-1] += 1

    @property
    def calls(self) -> int:
        return int(self.counts[-1])

    def percentile(self, share: float) -> float:
        """Seconds of lateness that `share` of all calls (0 to 1) do not exceed; 0 before the first call."""
        seen = np.cumsum(self.counts[:-1])
        if not seen[-1]:
            return 0.0
        step = int(np.searchsorted(seen, max(share * seen[-1], 1)))
        return (step + 1) * _STEP if step else _STEP / 2


def raise_priority() -> bool:
    """Put this thread before others where the system allows it; whether it did."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with suppress(OSError):
            os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(10))
            return True
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, -11)
            return True
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        return bool(kernel.SetThreadPriority(kernel.GetCurrentThread(), 15))  # THREAD_PRIORITY_TIME_CRITICAL
    return False


def lower_priority() -> bool:
    """Put this thread, and on Linux all that it starts, behind others; whether the system did."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
            return True
    return False
