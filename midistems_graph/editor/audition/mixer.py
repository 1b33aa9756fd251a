"""Renders what is listened to, block by block, for the player: crossfades, loop, speed, waiting, meters.

A voice is a program at a place of the song. Whatever changes (another edge, another place, a filter, pause) is a
crossfade of 10 ms from the present voice to another one, in which the power stays: it is reckoned with how alike the
two are, since what is alike adds up in phase. In a blind comparison it goes through silence. A loop goes round to
the sample, without a fade.

Where a program has no samples yet there is silence, with 5 ms fades around it, and `waiting` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from midistems_graph.audio.values import Float32, ceil_div
from midistems_graph.editor.audition.meters import DARK, EMPTY_TAIL, Levels, measure
from midistems_graph.editor.audition.program import Program
from midistems_graph.editor.audition.transport import Transport

FADE_SECONDS = 0.010
_GAP_SECONDS = 0.005

SILENCE = Program(())


@dataclass(frozen=True)
class Voice:
    """A program from a place (in samples of the device, exact at speed 1) on; `sounds` is false in pause.

    `since` is the place of the last jump: what lies before it was not heard.
    """

    program: Program = SILENCE
    position: float = 0.0
    speed: float = 1.0
    sounds: bool = False
    since: float = field(default=0.0, compare=False)


@dataclass(frozen=True, eq=False)
class MixState:
    """Before a block: the voice, the one it replaces, for how many samples already and how alike they are (their
    correlation, 0 to 1), meters of the last block and the volume at its end."""

    voice: Voice = Voice()
    old: Voice | None = None
    faded: int = 0
    alike: float = 0.0
    jump: int = 0
    waiting: bool = False
    levels: Levels = DARK
    volume: float = 1.0
    tail: Float32 = field(default_factory=lambda: EMPTY_TAIL)


class Mixer:
    """A `Renderer` that follows a program and a transport, which any thread may replace at any time."""

    def __init__(self, transport: Transport) -> None:
        self.state = MixState()
        self.transport = transport
        self.program = SILENCE
        self.volume = 1.0
        """Linear, of what goes to the speakers; meters show what is before it."""
        self.retargeted: Callable[[], None] = lambda: None
        """Called when the rate has changed, so that somebody replaces the program."""
        self._retarget(transport.rate)

    @property
    def is_silent(self) -> bool:
        """Whether it is paused, or the song is over, and no fade goes on."""
        state, wish = self.state, self.transport
        done = wish.playing and wish.jump == state.jump and state.voice.position >= self.device_sample(wish.total)
        return state.old is None and not state.voice.sounds and (not wish.playing or done)

    def retarget(self, rate: int) -> None:
        """Render at another rate from the same moment. The program has to be replaced by one of that rate."""
        if rate != self.rate:
            moved = self.state.voice.position * rate / self.rate
            self.state = MixState(Voice(position=float(round(moved))), jump=self.state.jump, volume=self.volume)
            self.program = SILENCE
            self._retarget(rate)
            self.retargeted()

    def _retarget(self, rate: int) -> None:
        self.rate = rate
        fade, gap = round(FADE_SECONDS * rate), round(_GAP_SECONDS * rate)
        turn = (np.arange(fade, dtype=np.float32) + 0.5) / fade
        self._fall, self._rise = np.cos(turn * np.pi / 2), np.sin(turn * np.pi / 2)
        self._ramp = turn
        self._dip = np.maximum(1 - 2 * turn, 0), np.maximum(2 * turn - 1, 0)
        self._fade, self._gap = fade, gap

    def render(self, out: Float32) -> None:
        state = self._following(self.state)
        count = out.shape[1]
        voice, waits = self._sound(state.voice, out)
        old, faded, alike, before, pure = state.old, state.faded, state.alike, state.levels, 0
        if old is not None:
            under = np.zeros_like(out)
            old, _ = self._sound(old, under)
            alike = alike if faded else _likeness(out, under)
            self._crossfade(out, under, state, alike)
            faded += count
            if faded >= self._fade:
                if old.program != voice.program:  # what was heard before is measured no more
                    before, pure = DARK, self._fade - state.faded
                old, faded = None, 0
        elif state.waiting and not waits and state.voice.sounds and not _lacks(state.voice, state.voice.position - 1):
            ramp = self._ramp[:count]
            out[:, : len(ramp)] *= ramp
        levels, tail = measure(out[:, pure:], EMPTY_TAIL if pure else state.tail, before, self.rate)
        volume = self.volume
        if state.volume != 1 or volume != 1:
            out *= np.linspace(state.volume, volume, count, dtype=np.float32)
        self.state = MixState(voice, old, faded, alike, state.jump, waits, levels, volume, tail)

    def song_sample(self, state: MixState, ahead: int = 0) -> float:
        """The place in samples of the song, so many samples of the device after the beginning of a block."""
        voice = state.voice
        position = voice.position + (ahead * voice.speed if voice.sounds else 0.0)
        loop = self._loop()
        if voice.sounds and loop and voice.position < loop[1] <= position:
            position = loop[0] + (position - loop[1]) % (loop[1] - loop[0])
        return min(position * self.transport.rate / self.rate, float(self.transport.total))

    def device_sample(self, song_sample: int) -> int:
        """The first sample of the device at or after a sample of the song."""
        return ceil_div(song_sample * self.rate, self.transport.rate)

    def _following(self, state: MixState) -> MixState:
        """The state with a crossfade begun, if something else is wanted and none is under way."""
        if state.old is not None:
            return state
        wish, program = self.transport, self.program
        position = since = state.voice.position
        if state.voice.sounds:
            since = state.voice.since
        end = self.device_sample(wish.total)
        if wish.jump != state.jump:
            position = since = float(self.device_sample(wish.target))
        sounds = wish.playing and position < end
        voice = Voice(program, position, wish.speed, sounds, since)
        if voice == state.voice:
            return replace(state, jump=wish.jump)
        return replace(state, voice=voice, old=state.voice, faded=0, jump=wish.jump)

    def _crossfade(self, out: Float32, under: Float32, state: MixState, alike: float) -> None:
        old, new = state.old, state.voice
        assert old is not None
        if old.program.turn != new.program.turn:
            fall, rise = self._dip
        else:  # |f a + r b|^2 = f^2 + r^2 + 2 f r alike, for a and b of equal power
            kept = np.sqrt(1 + 2 * alike * self._fall * self._rise)
            fall, rise = self._fall / kept, self._rise / kept
        lo = min(state.faded, self._fade)
        hi = min(lo + out.shape[1], self._fade)
        out[:, : hi - lo] *= rise[lo:hi]
        out[:, : hi - lo] += under[:, : hi - lo] * fall[lo:hi]

    def _sound(self, voice: Voice, out: Float32) -> tuple[Voice, bool]:
        """Fill a block with a voice; the voice after it, and whether something was missing."""
        if not voice.sounds:
            out[:] = 0
            return voice, False
        position, since, done, waits = voice.position, voice.since, 0, False
        loop = self._loop()
        while done < out.shape[1]:
            count, end = out.shape[1] - done, None
            if loop and position < loop[1]:
                end = loop[1]
                count = min(count, max(1, int(np.ceil((loop[1] - position) / voice.speed))))
            part = out[:, done : done + count]
            part[:] = voice.program.at(position, voice.speed, count)
            waits = self._fade_gaps(part, voice, position, since, end)
            position += count * voice.speed
            if loop and end is not None and position >= end:
                position = loop[0] + (position - end)
                since = position
            done += count
        return replace(voice, position=position, since=since), waits

    def _loop(self) -> tuple[int, int] | None:
        loop = self.transport.loop
        return None if loop is None else (self.device_sample(loop[0]), self.device_sample(loop[1]))

    def _fade_gaps(self, part: Float32, voice: Voice, position: float, since: float, end: int | None) -> bool:
        """Silence where a track has nothing yet, faded towards what was heard before and will be after it.

        Returns whether the last sample lies in such a gap.
        """
        count, gap = part.shape[1], self._gap
        first = max(int(position) - gap, int(since))
        stop = int(position + count * voice.speed) + 1 + gap
        gaps = _gaps(voice, first, stop if end is None else min(stop, end))
        if not gaps:
            return False
        places = position + voice.speed * np.arange(count)
        gain = np.ones(count)
        for begin, after in gaps:
            distance = np.maximum(begin - places, places - (after - 1))
            np.minimum(gain, np.clip(distance / gap, 0, 1), out=gain)
        part *= gain.astype(np.float32)
        return any(begin <= places[-1] < after for begin, after in gaps)


def _likeness(a: Float32, b: Float32) -> float:
    """The correlation of two blocks, 0 to 1; 0 with silence."""
    power = float(np.vdot(a, a)) * float(np.vdot(b, b))
    return min(max(float(np.vdot(a, b)) / power**0.5, 0.0), 1.0) if power > 0 else 0.0


def _gaps(voice: Voice, first: int, stop: int) -> set[tuple[int, int]]:
    """The stretches around [first, stop) where a track of a voice has nothing yet."""
    tracks = (track for track in voice.program.tracks if not track.trouble)
    return {stretch for track in tracks for stretch in track.missing(first, stop)}


def _lacks(voice: Voice, place: float) -> bool:
    return bool(_gaps(voice, int(place), int(place) + 1))
