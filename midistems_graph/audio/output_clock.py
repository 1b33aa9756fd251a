"""An output that asks when it is told to: tests drive the player block by block, in no time."""

from __future__ import annotations

import numpy as np

from midistems_graph.audio.feed import Feed
from midistems_graph.audio.output_base import OutputProblem
from midistems_graph.audio.values import Float32


class FakeClock:
    """Keeps what was heard. `take` asks for sound as a device would; `unplug` makes the device vanish."""

    def __init__(self, rate: int = 44100, period: int = 512, name: str = "fake clock") -> None:
        self.name, self.rate, self.channels, self.period, self.note = name, rate, 2, period, ""
        self.lost, self.underflows, self.closed = "", 0, False
        self.elsewhere = False
        self._feed: Feed | None = None

    def start(self, feed: Feed) -> None:
        if self.lost:
            raise OutputProblem(self.lost)
        self._feed = feed

    def stop(self) -> None:
        self._feed = None

    def close(self) -> None:
        self.stop()
        self.closed = True

    @property
    def started(self) -> bool:
        return self._feed is not None

    def take(self, frames: int = 0) -> Float32:
        """The next frames (a period) as [frames, channels]; what the feed leaves untouched is NaN."""
        out = np.full((frames or self.period, self.channels), np.nan, np.float32)
        assert self._feed is not None, "the output was not started"
        self._feed.take(out)
        return out

    def unplug(self) -> None:
        """From now on nothing is asked for any more."""
        self._feed = None
        self.lost = f"the sound device {self.name} is gone"
