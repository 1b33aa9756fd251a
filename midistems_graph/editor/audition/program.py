"""What is listened to at one moment: tracks with gains, then mid or side, a band, all without any memory of its own.

A program is a pure function of the place in the song, so any stretch can be rendered again, and a change of
program is a crossfade between two of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import scipy

from midistems_graph.audio.values import Float32
from midistems_graph.editor.audition.pages import Track

Side = Literal["stereo", "mid", "side"]

Band = tuple[float, float]
"""From and to, in Hz."""

_TAPS, _NARROW_TAPS = 1023, 8191
"""Of the band filter: linear phase, transitions of about 220 Hz (27 Hz for narrow bands) at 44.1 kHz, 80 dB outside."""

_NARROW = 250.0
"""Hz: below it, or of less width, a band is narrow."""

_REACH = 12
"""Samples on either side that reading between samples takes into account."""


@dataclass(frozen=True)
class Monitor:
    """Through what one listens: both sides, mid or side alone; a band in Hz (from, to); a gain in dB."""

    side: Side = "stereo"
    band: Band | None = None
    gain_db: float = 0.0


PLAIN = Monitor()


@dataclass(frozen=True)
class Program:
    """Tracks with linear gains (negative for a difference), and through what they are heard.

    Programs of different `turn` are switched through silence, even if they are the same otherwise.
    """

    parts: tuple[tuple[Track, float], ...]
    monitor: Monitor = PLAIN
    turn: int = 0

    @property
    def tracks(self) -> tuple[Track, ...]:
        return tuple(track for track, _ in self.parts)

    @property
    def rate(self) -> int:
        return self.parts[0][0].rate if self.parts else 0

    def is_there(self, first: int, stop: int) -> bool:
        """Whether all tracks have their samples in [first, stop), or never will."""
        return not any(track.missing(first, stop) for track in self.tracks if not track.trouble)

    def samples(self, first: int, count: int) -> Float32:
        """What is heard from a sample on, float32 [2, count]; silence where nothing is there."""
        taps = _band_taps(self.rate, self.monitor.band) if self.monitor.band and self.parts else None
        around = 0 if taps is None else len(taps) // 2
        out = np.zeros((2, count + 2 * around), np.float32)
        for track, gain in self.parts:
            track.add_to(out, first - around, gain)
        _seen_from(out, self.monitor.side)
        if taps is not None:
            out = scipy.signal.oaconvolve(out, taps[None], "valid", axes=1).astype(np.float32, copy=False)
        if self.monitor.gain_db:
            out *= np.float32(10 ** (self.monitor.gain_db / 20))
        return out

    def at(self, position: float, speed: float, count: int) -> Float32:
        """What is heard from a place on at a speed (1: the very samples), float32 [2, count]."""
        if speed == 1.0 and position == int(position):
            return self.samples(int(position), count)
        places = position + speed * np.arange(count)
        first = int(np.floor(places[0])) - _REACH
        samples = self.samples(first, int(np.floor(places[-1])) + _REACH + 1 - first)
        return between(samples, places - first)


def between(samples: Float32, places: np.ndarray) -> Float32:
    """Values of [channels, n] between its samples, by a windowed sinc over 24 of them; exact on a sample.

    Places lie at least 12 samples from both ends.
    """
    base = np.floor(places).astype(int)
    offsets = np.arange(1 - _REACH, _REACH + 1)
    distance = (places - base)[:, None] - offsets
    weights = np.sinc(distance) * np.cos(np.pi / 2 * np.clip(distance / _REACH, -1, 1)) ** 2
    picked = samples[:, base[:, None] + offsets]
    return np.asarray(np.einsum("cnt,nt->cn", picked, weights.astype(np.float32)), np.float32)


def _seen_from(out: Float32, side: Side) -> None:
    if side == "mid":
        out[:] = (out[0] + out[1]) / 2
    elif side == "side":
        half = (out[0] - out[1]) / 2
        out[0], out[1] = half, -half


@cache
def _band_taps(rate: int, band: Band) -> Float32:
    """A linear-phase filter that passes a band (Hz); ends at 0 Hz or half the rate are left open."""
    low, high = sorted(band)
    nyquist = rate / 2
    low, high = max(low, 0.0), min(high, nyquist)
    edges = [edge for edge in (low, high) if 0 < edge < nyquist]
    count = _NARROW_TAPS if edges and (edges[0] < _NARROW or high - low < _NARROW) else _TAPS
    if not edges:
        taps = np.zeros(count)
        taps[count // 2] = 1
    else:
        taps = scipy.signal.firwin(count, edges, pass_zero=low <= 0, fs=rate, window=("kaiser", 8.0))
    return np.asarray(taps, np.float32)
