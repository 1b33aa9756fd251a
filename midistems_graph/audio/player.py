"""Playback: prepared blocks in a feed, between a worker that may take its time and a device that may not wait.

    player = Player(open_output(), renderer)
    player.start()

The worker renders blocks ahead of the device, which only copies them. When what is to be heard changes, `refresh` lets
the worker render anew all but the block that is being read, so that a deep feed costs no delay: the renderer's state
before every block is kept. Before a block is put it is checked: what is not a number is silenced, and what is louder
than +6 dBFS is turned down.
"""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from midistems_graph.audio.feed import Feed
from midistems_graph.audio.output_base import AudioOut, Device, OutputProblem
from midistems_graph.audio.output_process import ProcessOut
from midistems_graph.audio.output_silent import NO_DEVICE, SilentOut
from midistems_graph.audio.output_timing import raise_priority
from midistems_graph.audio.values import Float32

log = logging.getLogger(__name__)

CEILING = 2.0
"""What reaches a device is never beyond this: +6 dBFS."""

LEAST_BLOCKS = 4
"""A feed holds: one that the device reads, the next one, and what is rendered behind them."""

_SWITCH_SECONDS = 5e-4
"""How soon the interpreter changes threads while sound plays; by default 5 ms, half a period."""

REST_SECONDS = 5.0
"""After so long without anything to hear the device is stopped: feeding it silence costs a processor a few percent."""

_LOOK_SECONDS = 0.5
"""How often a resting player looks whether its device is still there."""

_SILENT_SECONDS = 2.0
"""A device that has not asked for so long is gone."""


class Renderer(Protocol):
    """Makes sound block by block.

    `state` is an immutable object: put back, rendering goes on as it went on from there.
    """

    state: Any

    @property
    def is_silent(self) -> bool:
        """Whether nothing but silence is to be expected until something is changed."""
        ...

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
        return f"the sound broke off {often}; choose a buffer of {2 * self.period} frames or close other programs"


class Player:
    """Plays what a renderer gives on an output, and goes on elsewhere when the output is lost.

    The feed holds `depth` blocks of one period at least, and `ahead` seconds: so long the worker may be held up.
    `reopen` finds another output after a loss. After `rest` seconds of silence the device is stopped until there is
    something to hear again.
    """

    def __init__(
        self,
        out: AudioOut,
        renderer: Renderer,
        *,
        depth: int = 8,
        ahead: float = 0.0,
        reopen: Callable[[], AudioOut] | None = None,
        rest: float = REST_SECONDS,
    ) -> None:
        self.out, self.renderer = out, renderer
        self._least, self._ahead = max(depth, LEAST_BLOCKS), ahead
        self.messages: deque[str] = deque(maxlen=50)
        self.guard = Guard(self._say)
        self._reopen = reopen or open_output
        self._next: AudioOut | None = None
        self._stale = self._closed = self._resting = False
        self._ended = True
        self._rest, self._sounded = rest, time.monotonic()
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
        self._closed = True
        if not self._ended:
            sys.setswitchinterval(self._switch_seconds)
        self._ended = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        for out in (self.out, self._next):
            if out is not None:
                out.close()
        self.feed.forget()

    def refresh(self) -> None:
        """What is to be heard has changed: render it anew from the next moment that can still be changed."""
        self._stale = True
        self._wake.set()

    def use(self, out: AudioOut) -> None:
        """Go on playing on another opened output (another device, rate or buffer size)."""
        unused, self._next = (out, None) if self._closed else (self._next, out)
        if unused is not None:
            unused.close()
        self._wake.set()

    @property
    def heard(self) -> tuple[Any, int]:
        """The renderer's state before the block that the device reads, and how many frames of it are read."""
        return self.feed.reading if self.feed.ready and not self._resting else (self.renderer.state, 0)

    @property
    def health(self) -> Health:
        feed, late = self.feed, self.feed.lateness
        return Health(
            device=self.out.name,
            rate=self.out.rate,
            period=self.out.period,
            buffered=feed.ready / self.out.rate,
            calls=late.calls,
            xruns=feed.xruns + self.out.underflows,
            lost_frames=feed.lost_frames,
            p50=late.percentile(0.5),
            p99=late.percentile(0.99),
            p999=late.percentile(0.999),
            not_numbers=self.guard.not_numbers,
            too_loud=self.guard.too_loud,
        )

    def pump(self) -> None:
        """One round of the worker: fill the ring, change the output if there is a reason to."""
        self._mind_output()
        while not self._closed:
            if self._stale:
                self._stale = False
                self._render_anew()
            if not self.feed.has_room:
                break
            state = self._render()
            self.feed.put(self._block, state)
        self._mind_silence()

    # The worker's thread

    def _work(self) -> None:
        raise_priority()
        while not self._ended:
            try:
                self.pump()
            except Exception as error:  # playback goes on, whatever a renderer does
                log.exception("the player broke")
                self._say(f"playback broke ({type(error).__name__}: {error}); it goes on if it can")
            self._wake.wait(_LOOK_SECONDS if self._resting else self._block_seconds / 2)
            self._wake.clear()

    def _render(self) -> Any:
        """The next block; returns the renderer's state before it."""
        state = self.renderer.state
        self.renderer.render(self._block)
        self.guard.check(self._block)
        return state

    def _render_anew(self) -> None:
        """Put another block in the place of the next one that the device is not at yet; what follows it goes.

        The old ones stay until the new one is rendered, so that however long that takes nothing is missing.
        """
        is_read = not self._resting
        while (place := self.feed.renewable(is_read=is_read)) is not None:
            number, self.renderer.state = place
            if self.feed.renew(number, self._block, self._render(), is_read=is_read):
                return

    def _mind_output(self) -> None:
        if self._next is not None:
            old, self.out, self._next = self.out, self._next, None
            old.close()
            self._carry_over()
            self._begin()
            return
        calls, now = self.feed.lateness.calls, time.monotonic()
        if calls != self._calls or self._ended or self._resting:
            self._calls, self._asked = calls, now
        if self.out.lost or now - self._asked > _SILENT_SECONDS:
            reason = self.out.lost or f"the sound device {self.out.name} does not ask for sound any more"
            self._replace(reason)

    def _mind_silence(self) -> None:
        """Stop the device when there has been nothing to hear for a while; start it before there is."""
        silent, now = self.renderer.is_silent, time.monotonic()
        if not silent:
            self._sounded = now
            if self._resting:
                self._begin()
        elif not self._resting and not self._ended and now - self._sounded > self._rest:
            self.out.stop()
            self.feed.lateness.pause()
            self._resting = True

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
        self._resting, self._sounded = False, time.monotonic()
        try:
            self.out.start(self.feed)
        except OutputProblem as error:
            self._say(str(error))
            self.out.close()
            self.out = SilentOut(self.out.rate, self.out.period)
            self.out.start(self.feed)
        if self.out.note:
            self._say(self.out.note)

    def _carry_over(self) -> None:
        """From what the last device heard to the next one."""
        self.renderer.state = self.heard[0]
        self.feed.forget()
        self._prepare(self.out)

    def _prepare(self, out: AudioOut) -> None:
        """A feed and a pace for an output that does not run yet."""
        self.depth = max(self._least, math.ceil(self._ahead * out.rate / out.period))
        self.feed = (Feed.shared if out.elsewhere else Feed)(self.depth, out.period, out.channels, out.rate)
        self._block = np.zeros((out.channels, out.period), np.float32)
        self._block_seconds = out.period / out.rate
        self._calls, self._asked = -1, time.monotonic()
        self.renderer.retarget(out.rate)

    def _say(self, message: str) -> None:
        if not self.messages or self.messages[-1] != message:
            self.messages.append(message)


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
            out = ProcessOut(choice, rate, period)
            out.note = "; ".join(reasons)
            return out
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
