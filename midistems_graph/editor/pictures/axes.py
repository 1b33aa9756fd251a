"""The frequency axis of a spectrogram: where a frequency is, what is written beside it, and what a note is called."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log2
from typing import Literal

import numpy as np
import numpy.typing as npt

Scale = Literal["linear", "log", "mel"]
Floats = npt.NDArray[np.float64]

NARROWEST_HZ = 40.0

_LABEL_PIXELS = 26.0
_NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


@dataclass(frozen=True)
class FrequencyAxis:
    """From `low` to `high` Hz; places are 0 at the lowest and 1 at the highest.

    mel: 2595 log10(1 + f / 700) (O'Shaughnessy 1987). Raises ValueError for a range of nothing.
    """

    low: float
    high: float
    scale: Scale = "log"

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high or (self.scale == "log" and self.low <= 0):
            raise ValueError(f"a {self.scale} scale has nothing from {self.low:g} to {self.high:g} Hz; widen the range")

    def hz(self, place: float) -> float:
        return float(self.frequencies(np.asarray(place, np.float64)))

    def place(self, hz: float) -> float:
        low, high = self._warped(self.low), self._warped(self.high)
        return float((self._warped(hz) - low) / (high - low))

    def frequencies(self, places: Floats) -> Floats:
        """The frequencies at places."""
        low, high = self._warped(self.low), self._warped(self.high)
        return self._unwarped(low + (high - low) * places)

    def zoomed(self, place: float, factor: float, highest: float) -> FrequencyAxis:
        """A range `factor` times as wide on its own scale, the frequency at a place where it was; up to `highest`."""
        bottom = 20.0 if self.scale == "log" else 0.0
        least, most = self._warped(bottom), self._warped(highest)
        low, high = self._warped(self.low), self._warped(self.high)
        length = min((high - low) * factor, most - least)
        start = min(max(low + (high - low) * place - length * place, least), most - length)
        ends = self._unwarped(np.asarray([start, start + length]))
        zoomed = replace(self, low=max(float(ends[0]), bottom), high=min(float(ends[1]), highest))
        return zoomed if zoomed.high - zoomed.low >= NARROWEST_HZ else self

    def ticks(self, height: float) -> list[tuple[float, str]]:
        """Round frequencies with their labels, as many as fit beside so many pixels."""
        ticks: list[tuple[float, str]] = []
        room = _LABEL_PIXELS / max(height, 1.0)
        for hz in self._round():
            place = self.place(hz)
            near_end = place * height < 7 or (1 - place) * height < 7
            if not near_end and all(abs(place - self.place(other)) >= room for other, _ in ticks):
                ticks.append((hz, written(hz)))
        return sorted(ticks)

    def _round(self) -> list[float]:
        """Candidates, the roundest first."""
        powers = [10.0**k for k in range(1, 6)]
        found = [p * m for m in (1, 2, 5, 3, 7, 4, 6, 8, 9, 1.5, 2.5) for p in powers]
        step = 10.0 ** np.floor(np.log10(self.high - self.low))
        evenly = [k * part for part in (step, step / 2, step / 5) for k in range(1, int(self.high / part) + 1)]
        wide = self.scale == "linear" or self.high < 4 * self.low
        return [hz for hz in (evenly if wide else found) if self.low <= hz <= self.high]

    def _warped(self, hz: float) -> float:
        match self.scale:
            case "linear":
                return hz
            case "log":
                return float(np.log(max(hz, 1e-3)))
        return float(2595 * np.log10(1 + max(hz, 0.0) / 700))

    def _unwarped(self, places: Floats) -> Floats:
        match self.scale:
            case "linear":
                return places
            case "log":
                return np.asarray(np.exp(places))
        return np.asarray(700 * (10 ** (places / 2595) - 1))


def written(hz: float) -> str:
    """A round frequency, short: 500, 2k, 2.5k."""
    return f"{hz:g}" if hz < 1000 else f"{hz / 1000:g}k"


def note_of(hz: float) -> str:
    """The nearest note of equal temperament at A4 = 440 Hz: `A4`, or `A4 +12` with cents away from it."""
    if hz < 16:
        return ""
    exact = 69 + 12 * log2(hz / 440)
    note = round(exact)
    cents = round(100 * (exact - note))
    return f"{_NOTES[note % 12]}{note // 12 - 1}" + (f" {cents:+d}" if cents else "")
