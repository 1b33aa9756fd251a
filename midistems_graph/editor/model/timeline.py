"""The stretch of the song that all views show: zoomed at a moment, moved, followed by the playhead; and its ruler."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, floor, log10

SHORTEST = 16
"""Samples that a view shows at least."""

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
"""Seconds between labels; below a second 1, 2 and 5 of every power of ten."""

_LABEL_PIXELS = 82.0


@dataclass(frozen=True)
class Tick:
    """A mark of the ruler: where, and what is written at it (nothing between labels)."""

    seconds: float
    label: str = ""


@dataclass(frozen=True)
class Timeline:
    """Seconds from `start` to `stop` of a song of `total` seconds at a sample rate; always within the song."""

    total: float = 1.0
    start: float = 0.0
    stop: float = 1.0
    rate: int = 44100

    @classmethod
    def of(cls, total: float, rate: int) -> Timeline:
        """All of a song."""
        total = max(total, SHORTEST / rate)
        return cls(total, 0.0, total, rate)

    @property
    def length(self) -> float:
        return self.stop - self.start

    @property
    def is_whole(self) -> bool:
        return self.length >= self.total

    def at(self, share: float) -> float:
        """The moment at a share of the width, 0 to 1."""
        return self.start + share * self.length

    def share(self, seconds: float) -> float:
        """Where a moment is on the width: 0 to 1, others are not seen."""
        return (seconds - self.start) / self.length

    def shows(self, seconds: float) -> bool:
        return self.start <= seconds <= self.stop

    def zoomed(self, at: float, factor: float) -> Timeline:
        """A stretch that is `factor` times as long; the moment `at` stays where it is."""
        length = min(max(self.length * factor, SHORTEST / self.rate), self.total)
        start = at - (at - self.start) * length / self.length
        return self._placed(start, length)

    def moved(self, seconds: float) -> Timeline:
        return self._placed(self.start + seconds, self.length)

    def whole(self) -> Timeline:
        return replace(self, start=0.0, stop=self.total)

    def around(self, start: float, stop: float) -> Timeline:
        """A stretch with a little room on both sides."""
        length = min(max((stop - start) * 1.1, SHORTEST / self.rate), self.total)
        return self._placed((start + stop - length) / 2, length)

    def following(self, before: float, now: float) -> Timeline:
        """Turned like a page when the playhead leaves; who looks elsewhere is left alone."""
        if self.shows(before) and not self.shows(now) and not self.is_whole:
            return self._placed(now - 0.02 * self.length, self.length)
        return self

    def ticks(self, width: float) -> list[Tick]:
        """Marks for a ruler of so many pixels: labels at round moments, and four or five steps between them."""
        step = _step(self.length * _LABEL_PIXELS / max(width, 1.0))
        parts = 5 if str(step).strip("0.").startswith("5") or step in (5, 10, 300, 600) else 4
        first, last = floor(self.start / step) * parts, ceil(self.stop / step) * parts
        ticks = []
        for number in range(first, last + 1):
            seconds = number * step / parts
            if self.shows(seconds):
                ticks.append(Tick(seconds, moment(seconds, step) if number % parts == 0 else ""))
        return ticks

    def _placed(self, start: float, length: float) -> Timeline:
        start = min(max(start, 0.0), self.total - length)
        return replace(self, start=start, stop=start + length)


def moment(seconds: float, step: float = 0.001) -> str:
    """A place in the song as it is written where neighbours are `step` seconds apart: 1:02, 1:02.350, 1:00:00."""
    digits = 0 if step >= 1 else min(6, max(1, ceil(-log10(step) - 1e-9)))
    whole, rest = divmod(round(max(seconds, 0.0), digits), 60)
    minutes = int(whole)
    width = 2 if digits == 0 else 3 + digits
    tail = f"{rest:0{width}.{digits}f}"
    return f"{minutes // 60}:{minutes % 60:02d}:{tail}" if minutes >= 60 else f"{minutes}:{tail}"


def _step(least: float) -> float:
    """The smallest round number of seconds that is not below another."""
    if least > _STEPS[-1]:
        return _STEPS[-1] * ceil(least / _STEPS[-1])
    if least > 0.5:
        return next(step for step in _STEPS if step >= least)
    power = 10.0 ** floor(log10(least))
    return next(round(power * digit, 9) for digit in (1, 2, 5, 10) if power * digit >= least * (1 - 1e-9))
