"""What a sound device takes from: prepared blocks in a ring, between one thread that puts and one that takes.

The two may be in two processes: then all that both need lies in a file that both have mapped. There is no lock, each
side moves a counter of its own. Counters are 64-bit and aligned, so they are read whole; a block is written well
before the counter that releases it.

Where blocks are missing (an xrun) the sound glides to silence and fades in again.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from midistems_graph.audio.output_timing import COUNTS, Lateness, raise_priority
from midistems_graph.audio.values import Float32

FADE = 128
"""Frames of the fades around an xrun: 3 ms at 44.1 kHz."""

_WRITTEN, _READ, _ASKED, _XRUNS, _LOST, _UNDERFLOWS, _NUMBERS = range(7)


class Feed:
    """`depth` blocks of `block` frames at a rate. `states` of a renderer are kept on the side that puts.

    With a `path` the memory is that file, mapped; without, it is this process's own.
    """

    def __init__(self, depth: int, block: int, channels: int, rate: int, path: Path | None = None) -> None:
        self.depth, self.block, self.channels, self.rate, self.path = depth, block, channels, rate, path
        size = 8 * (_NUMBERS + COUNTS) + 4 * depth * block * channels
        memory = bytearray(size) if path is None else _mapped(path, size)
        self._numbers = np.frombuffer(memory, np.int64, _NUMBERS)
        self.lateness = Lateness(np.frombuffer(memory, np.int64, COUNTS, 8 * _NUMBERS))
        frames = np.frombuffer(memory, np.float32, depth * block * channels, 8 * (_NUMBERS + COUNTS))
        self._frames = frames.reshape(depth * block, channels)
        self._states: list[Any] = [None] * depth
        self._dry = self._is_new = True
        self._last = np.zeros(channels, np.float32)
        self._rise = np.linspace(0, 1, FADE, endpoint=False, dtype=np.float32)[:, None]

    @classmethod
    def shared(cls, depth: int, block: int, channels: int, rate: int) -> Feed:
        """One in a file of its own, which `forget` deletes."""
        memory = Path("/dev/shm")
        handle, name = tempfile.mkstemp(prefix="midistems-sound-", dir=memory if memory.is_dir() else None)
        os.close(handle)
        return cls(depth, block, channels, rate, Path(name))

    def forget(self) -> None:
        """Delete the file; who has mapped it keeps it until then."""
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()

    # The device's side

    def take(self, out: Float32) -> None:
        """The next frames into [frames, channels]; where there are none, a glide to silence."""
        if self._is_new:
            self._is_new = False
            raise_priority()
        wanted = len(out)
        self._numbers[_ASKED] = wanted
        self.lateness.called(wanted / self.rate)
        read = int(self._numbers[_READ])
        ready = max(0, min(int(self._numbers[_WRITTEN]) - read, wanted))
        at = read % len(self._frames)
        first = min(ready, len(self._frames) - at)
        out[:first] = self._frames[at : at + first]
        if first < ready:
            out[first:ready] = self._frames[: ready - first]
        if self._dry and ready:
            self._dry = False
            risen = min(ready, FADE)
            out[:risen] *= self._rise[:risen]
        if ready < wanted:
            self._run_dry(out, ready)
        self._last[:] = out[-1]
        self._numbers[_READ] = read + ready

    def _run_dry(self, out: Float32, ready: int) -> None:
        gone = len(out) - ready
        if self._dry:
            out[ready:] = 0
            return
        self._dry = True
        self._numbers[_XRUNS] += 1
        self._numbers[_LOST] += gone
        falling = min(gone, FADE)
        out[ready:] = 0
        level = out[ready - 1] if ready else self._last
        out[ready : ready + falling] = level * np.linspace(1, 0, falling + 1, dtype=np.float32)[1:, None]

    def underflowed(self, count: int) -> None:
        """The device itself has run dry so many times."""
        self._numbers[_UNDERFLOWS] = count

    # The renderer's side

    @property
    def has_room(self) -> bool:
        return int(self._numbers[_WRITTEN]) + self.block - int(self._numbers[_READ]) <= len(self._frames)

    @property
    def ready(self) -> int:
        """Frames ahead of the device."""
        return max(0, int(self._numbers[_WRITTEN] - self._numbers[_READ]))

    def put(self, block: Float32, state: Any) -> None:
        """A block [channels, frames] behind the others, and the renderer's state before it."""
        written = int(self._numbers[_WRITTEN])
        at = written % len(self._frames)
        self._frames[at : at + self.block] = block.T
        self._states[at // self.block] = state
        self._numbers[_WRITTEN] = written + self.block

    def renewable(self, *, is_read: bool = True) -> tuple[int, Any] | None:
        """The first block that can still be put anew and the renderer's state before it; None if there is none.

        That is the one behind what a device may be reading now (as much as it asked for the last time).
        """
        asked = max(int(self._numbers[_ASKED]), self.block) if is_read else 0
        number = -(-(int(self._numbers[_READ]) + asked) // self.block)
        if number * self.block >= self._numbers[_WRITTEN]:
            return None
        return number, self._states[number % self.depth]

    def renew(self, number: int, block: Float32, state: Any, *, is_read: bool = True) -> bool:
        """Put a block in the place of one, and take back all behind it; False if the device has come too near."""
        first = self.renewable(is_read=is_read)
        if first is None or first[0] > number:
            return False
        self._numbers[_WRITTEN] = number * self.block
        self.put(block, state)
        return True

    @property
    def reading(self) -> tuple[Any, int]:
        """The state before the block that is being read, and how far into it."""
        number, within = divmod(int(self._numbers[_READ]), self.block)
        return self._states[number % self.depth], within

    @property
    def xruns(self) -> int:
        """How often blocks were missing, or the device ran dry."""
        return int(self._numbers[_XRUNS] + self._numbers[_UNDERFLOWS])

    @property
    def lost_frames(self) -> int:
        return int(self._numbers[_LOST])


def _mapped(path: Path, size: int) -> mmap.mmap:
    """A file as memory, made as large as it has to be."""
    with path.open("r+b") as file:
        if path.stat().st_size < size:
            file.truncate(size)
        return mmap.mmap(file.fileno(), size)
