"""Playback: prepared blocks in a ring, between a worker that may take its time and a device that may not wait.

    player = Player(open_output(), renderer)
    player.start()

The worker renders blocks ahead of the device. The device's thread only copies: no lock, no search, no allocation
but a few small objects of the interpreter. When what is to be heard changes, `refresh` lets the worker render anew
all but the next blocks, so that a deep ring costs no delay: the renderer's state before every block is kept.

Where blocks are missing (an xrun) the sound glides to silence and fades in again. Before a block goes into the ring
it is checked: what is not a number is silenced, and what is louder than +6 dBFS is turned down.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from midistems_graph.audio.output_base import AudioOut, Device, OutputProblem
from midistems_graph.audio.output_silent import NO_DEVICE, SilentOut
from midistems_graph.audio.output_timing import Lateness, raise_priority
from midistems_graph.audio.values import Float32

log = logging.getLogger(__name__)

FADE = 128
"""Frames of the fades around an xrun: 3 ms at 44.1 kHz."""

CEILING = 2.0
"""What reaches a device is never beyond this: +6 dBFS."""

GUARD = 2
"""Blocks that are not rendered anew: the device may be reading them."""

_SWITCH_SECONDS = 5e-4
"""How soon the interpreter changes threads while sound plays; by default 5 ms, half a period."""

_SILENT_SECONDS = 2.0
"""A device that has not asked for so long is gone."""


class Renderer(Protocol):
    """Makes sound block by block.

    `state` is an immutable object: put back, rendering goes on as it went on from there.
    """

    state: Any

    def render(self, out: Float32) -> None:
        """Fill float32 [2, frames] and move on."""
        ...

    def retarget(self, rate: int) -> None:
        """From now on blocks are at this rate, from the same moment of the song."""
        ...


@dataclass(frozen=True)
class Health:
    """How playback goes, for a status bar. Lateness in seconds at three percentiles of all calls."""

    device: str
    rate: int
    period: int
    buffered: float
    calls: int
    xruns: int
    lost_frames: int
    p50: float
    p99: float
    p999: float
    not_numbers: int
    too_loud: int

    @property
    def hint(self) -> str:
        """What to do about xruns; nothing without any."""
        if not self.xruns:
            return ""
        often = "once" if self.xruns == 1 else f"{self.xruns} times"
        return (
            f"the sound broke off {often} (buffer {self.period} frames); "
            f"choose a buffer of {2 * self.period} frames or close other programs"
        )


class Player:
    """Plays what a renderer gives on an output, and goes on elsewhere when the output is lost.

    `depth` is the length of the ring in blocks of one period. `reopen` finds another output after a loss.
    """

    def __init__(
        self, out: AudioOut, renderer: Renderer, *, depth: int = 8, reopen: Callable[[], AudioOut] | None = None
    ) -> None:
        self.out, self.renderer, self.depth = out, renderer, max(depth, GUARD + 2)
        self.messages: deque[str] = deque(maxlen=50)
        self.guard = Guard(self._say)
        self.lateness = Lateness()
        self._reopen = reopen or open_output
        self._next: AudioOut | None = None
        self._stale = False
        self._ended = self._is_new = True
        self._calls = -1
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._prepare(out)

    def start(self, *, worker: bool = True) -> None:
        """Begin to play. Without a worker somebody has to call `pump` (tests)."""
        self._ended = False
        self._switch_seconds = sys.getswitchinterval()
        sys.setswitchinterval(min(_SWITCH_SECONDS, self._switch_seconds))
        self.pump()
        self._begin()
        if worker:
            self._thread = threading.Thread(target=self._work, name="player", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop, and let the device go."""
        if not self._ended:
            sys.setswitchinterval(self._switch_seconds)
        self._ended = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self.out.close()

    def refresh(self) -> None:
        """What is to be heard has changed: render it anew from the next moment that can still be changed."""
        self._stale = True
        self._wake.set()

    def use(self, out: AudioOut) -> None:
        """Go on playing on another opened output (another device, rate or buffer size)."""
        unused, self._next = self._next, out
        if unused is not None:
            unused.close()
        self._wake.set()

    @property
    def heard(self) -> tuple[Any, int]:
        """The renderer's state before the block that the device reads, and how many frames of it are read."""
        return self._ring.reading if self._ring.ready else (self.renderer.state, 0)

    @property
    def health(self) -> Health:
        ring, late = self._ring, self.lateness
        return Health(
            device=self.out.name,
            rate=self.out.rate,
            period=self.out.period,
            buffered=ring.ready / self.out.rate,
            calls=late.calls,
            xruns=ring.xruns + self.out.underflows,
            lost_frames=ring.lost_frames,
            p50=late.percentile(0.5),
            p99=late.percentile(0.99),
            p999=late.percentile(0.999),
            not_numbers=self.guard.not_numbers,
            too_loud=self.guard.too_loud,
        )

    def pump(self) -> None:
        """One round of the worker: fill the ring, change the output if there is a reason to."""
        self._mind_output()
        while True:
            if self._stale:
                self._stale = False
                state = self._ring.rewind()
                if state is not None:
                    self.renderer.state = state
            if not self._ring.has_room:
                return
            self._render()

    # The device's thread

    def _fill(self, out: Float32) -> None:
        if self._is_new:
            self._is_new = False
            raise_priority()
        self.lateness.called(len(out) * self._frame_seconds)
        self._ring.take(out)

    # The worker's thread

    def _work(self) -> None:
        raise_priority()
        while not self._ended:
            try:
                self.pump()
            except Exception as error:  # playback goes on, whatever a renderer does
                log.exception("the player broke")
                self._say(f"playback broke ({type(error).__name__}: {error}); it goes on if it can")
            self._wake.wait(self._block_seconds / 2)
            self._wake.clear()

    def _render(self) -> None:
        state = self.renderer.state
        self.renderer.render(self._block)
        self.guard.check(self._block)
        self._ring.put(self._block, state)

    def _mind_output(self) -> None:
        if self._next is not None:
            old, self.out, self._next = self.out, self._next, None
            old.close()
            self._carry_over()
            self._begin()
            return
        calls, now = self.lateness.calls, time.monotonic()
        if calls != self._calls or self._ended:
            self._calls, self._asked = calls, now
        if self.out.lost or now - self._asked > _SILENT_SECONDS:
            reason = self.out.lost or f"the sound device {self.out.name} does not ask for sound any more"
            self._replace(reason)

    def _replace(self, reason: str) -> None:
        """Another output after a loss; silence that keeps time if there is none."""
        with suppress(Exception):
            self.out.close()
        try:
            self.out = self._reopen()
        except OutputProblem:
            self.out = SilentOut()
        self._carry_over()
        self._begin()
        self._say(f"{reason}; playback goes on with {self.out.name}")

    def _begin(self) -> None:
        try:
            self.out.start(self._fill)
        except OutputProblem as error:
            self._say(str(error))
            self.out = SilentOut(self.out.rate, self.out.period)
            self.out.start(self._fill)
        if self.out.note:
            self._say(self.out.note)

    def _carry_over(self) -> None:
        """From what the last device heard to the next one."""
        self.renderer.state = self.heard[0]
        self._prepare(self.out)

    def _prepare(self, out: AudioOut) -> None:
        """A ring and a pace for an output that does not run yet."""
        self._ring = Ring(self.depth, out.period, out.channels)
        self._block = np.zeros((out.channels, out.period), np.float32)
        self._frame_seconds, self._block_seconds = 1 / out.rate, out.period / out.rate
        self._is_new = True
        self._calls, self._asked = -1, time.monotonic()
        self.lateness.clear()
        self.renderer.retarget(out.rate)

    def _say(self, message: str) -> None:
        if not self.messages or self.messages[-1] != message:
            self.messages.append(message)


class Ring:
    """Blocks that one thread puts and another takes, without a lock: each moves a counter of its own."""

    def __init__(self, depth: int, block: int, channels: int) -> None:
        self._frames = np.zeros((depth * block, channels), np.float32)
        self._states: list[Any] = [None] * depth
        self._depth, self._block = depth, block
        self._written = self._read = 0
        self._dry = True
        self._last = np.zeros(channels, np.float32)
        self._rise = np.linspace(0, 1, FADE, endpoint=False, dtype=np.float32)[:, None]
        self.xruns = self.lost_frames = 0

    def take(self, out: Float32) -> None:
        """The next frames into [frames, channels]; where there are none, a glide to silence."""
        wanted = len(out)
        ready = max(0, min(self._written - self._read, wanted))
        at = self._read % len(self._frames)
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
        self._read += ready

    def _run_dry(self, out: Float32, ready: int) -> None:
        gone = len(out) - ready
        if self._dry:
            out[ready:] = 0
            return
        self._dry = True
        self.xruns += 1
        self.lost_frames += gone
        falling = min(gone, FADE)
        out[ready:] = 0
        level = out[ready - 1] if ready else self._last
        out[ready : ready + falling] = level * np.linspace(1, 0, falling + 1, dtype=np.float32)[1:, None]

    @property
    def has_room(self) -> bool:
        return self._written + self._block - self._read <= len(self._frames)

    @property
    def ready(self) -> int:
        """Frames ahead of the device."""
        return max(0, self._written - self._read)

    def put(self, block: Float32, state: Any) -> None:
        """A block [channels, frames] behind the others, and the renderer's state before it."""
        at = self._written % len(self._frames)
        self._frames[at : at + self._block] = block.T
        self._states[at // self._block] = state
        self._written += self._block

    def rewind(self) -> Any:
        """Take back all blocks but the next ones; the state before the first of them, None if there are none."""
        number = -(-self._read // self._block) + GUARD
        if number * self._block >= self._written:
            return None
        self._written = number * self._block
        return self._states[number % self._depth]

    @property
    def reading(self) -> tuple[Any, int]:
        """The state before the block that is being read, and how far into it."""
        number, within = divmod(self._read, self._block)
        return self._states[number % self._depth], within


class Guard:
    """Keeps loudspeakers and ears from harm; what it does to a block it counts and says."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.not_numbers = self.too_loud = 0
        self._say = say
        self._gain = 1.0

    def check(self, block: Float32) -> None:
        """Silence what is not a number; turn down, gliding, what is beyond the ceiling."""
        peak = max(float(block.max()), -float(block.min()))
        if not np.isfinite(peak):
            self.not_numbers += 1
            np.nan_to_num(block, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
            self._say("the sound holds values that are not numbers; they are played as silence")
            peak = float(np.abs(block).max())
        gain = 1.0 if peak <= CEILING else 1 / peak
        if gain == self._gain == 1.0:
            return
        if gain < 1:
            self.too_loud += 1
            self._say("the sound is louder than +6 dBFS; it is turned down to spare your ears")
        gain = min(gain, 2 * self._gain)  # back up by 6 dB per block
        block *= np.linspace(self._gain, gain, block.shape[1], dtype=np.float32)
        np.clip(block, -CEILING, CEILING, out=block)
        self._gain = gain


def open_output(device: Device | None = None, *, rate: int = 0, period: int = 512) -> AudioOut:
    """The chosen device, else the system's, else silence that keeps time; the output's `note` says so.

    Without a rate it is the device's own.
    """
    reasons: list[str] = []
    for choice in (device, None) if device else (None,):
        try:
            return _opened(choice, rate, period, "; ".join(reasons))
        except OutputProblem as problem:
            reasons.append(str(problem))
    return SilentOut(rate or 44100, period, "; ".join([*reasons[:-1], NO_DEVICE]))


def devices() -> tuple[Device, ...]:
    """All playback devices that can be chosen now."""
    from midistems_graph.audio import output_sounddevice

    try:
        from midistems_graph.audio import output_miniaudio
    except ImportError:
        return output_sounddevice.devices()
    return (*output_miniaudio.devices(), *output_sounddevice.devices())


def _opened(device: Device | None, rate: int, period: int, note: str) -> AudioOut:
    out: AudioOut
    if device is not None and device.backend == "sounddevice":
        from midistems_graph.audio.output_sounddevice import SounddeviceOut

        out = SounddeviceOut(device.name, rate or device.rate or 44100, period)
    else:
        try:
            from midistems_graph.audio.output_miniaudio import MiniaudioOut
        except ImportError:
            raise OutputProblem("sound needs the package miniaudio; install midistems-graph[editor]") from None
        out = MiniaudioOut(device.name if device else "", rate, period)
    out.note = note
    return out
