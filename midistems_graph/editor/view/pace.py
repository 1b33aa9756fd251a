"""How often the window is drawn: at 60 frames a second while something moves, rarely otherwise."""

from __future__ import annotations

MOVING = 1 / 60
IDLE_FASTEST, IDLE_SLOWEST = 1 / 15, 1 / 4
SHARE = 0.06
"""The part of a processor core that an idle window may take."""
STAYS = 0.6
"""Seconds for which the window counts as moving after the last event."""


class Pace:
    """Says when the next frame is due. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._moving_until = 0.0
        self._cost = 0.01

    def moved(self, now: float) -> None:
        """Something happened: somebody touched the mouse, a job ran, playback goes on."""
        self._moving_until = now + STAYS

    def drawn(self, cpu_seconds: float) -> None:
        """A frame took so much of the processor."""
        self._cost += 0.2 * (min(cpu_seconds, 0.5) - self._cost)

    def interval(self, now: float) -> float:
        """Seconds from the beginning of one frame to that of the next."""
        if now < self._moving_until:
            return MOVING
        return min(max(self._cost / SHARE, IDLE_FASTEST), IDLE_SLOWEST)
