"""An output without loudspeakers that keeps time, so that playhead, meters and exports work on any machine."""

from __future__ import annotations

import threading
import time

import numpy as np

from midistems_graph.audio.feed import Feed

NO_DEVICE = "no sound device was found: everything works, but nothing is heard"


class SilentOut:
    """Asks for sound at the pace of a device and drops it."""

    NAME = "silent"

    def __init__(self, rate: int = 44100, period: int = 512, note: str = NO_DEVICE) -> None:
        self.name, self.rate, self.channels, self.period, self.note = self.NAME, rate, 2, period, note
        self.lost, self.underflows, self.elsewhere = "", 0, False
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, feed: Feed) -> None:
        self.stop()
        self._ended.clear()
        self._thread = threading.Thread(target=self._keep_time, args=(feed,), name="silent output", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._thread is not None:
            self._ended.set()
            self._thread.join()
            self._thread = None

    def close(self) -> None:
        self.stop()

    def _keep_time(self, feed: Feed) -> None:
        block = np.zeros((self.period, self.channels), np.float32)
        due = time.perf_counter()
        while not self._ended.is_set():
            feed.take(block)
            # Late calls are made up for, but no more of them at once than a device has periods.
            due = max(due + self.period / self.rate, time.perf_counter() - 2 * self.period / self.rate)
            time.sleep(max(0.0, due - time.perf_counter()))
