"""Work for the main thread: any thread posts, the loop runs it between two frames."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from threading import Lock

log = logging.getLogger(__name__)

LONGEST = 0.008
"""Seconds of one frame that jobs may take; the rest waits for the next frame."""

Job = Callable[[], None]


class Jobs:
    """A queue of jobs. Of those posted with the same key only the last is kept (progress of one node)."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._jobs: deque[tuple[str, Job]] = deque()
        self._latest: dict[str, Job] = {}

    def post(self, job: Job, key: str = "") -> None:
        """Have a job run on the main thread, soon."""
        with self._lock:
            if key and key in self._latest:
                self._latest[key] = job
                return
            if key:
                self._latest[key] = job
            self._jobs.append((key, job))

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def run(self, seconds: float = LONGEST) -> int:
        """Run what is there, for so long at most; the number of jobs that ran. Errors are logged, never raised."""
        until, count = time.perf_counter() + seconds, 0
        while self._jobs and (count == 0 or time.perf_counter() < until):
            with self._lock:
                key, job = self._jobs.popleft()
                if key:
                    job = self._latest.pop(key)
            count += 1
            guarded(job)
        return count


def guarded(job: Job) -> bool:
    """Run a job; False if it failed, which is logged."""
    try:
        job()
    except Exception:
        log.exception("a job of the window failed")
        return False
    return True
