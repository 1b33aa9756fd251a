"""Where in the song one is and how one moves: playing, loop, speed, jumps; in samples of the song.

A transport is a wish, set by the user's thread; the mixer follows it at its next block.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

SPEEDS = (0.25, 0.5, 1.0)
"""Samples of the song per sample played: half speed sounds an octave lower."""


@dataclass(frozen=True)
class Transport:
    """A wish: `jump` counts jumps, so that two to one place are two; `target` is where the last one went."""

    rate: int
    total: int
    playing: bool = False
    speed: float = 1.0
    loop: tuple[int, int] | None = None
    target: int = 0
    jump: int = 0

    def play(self, playing: bool = True) -> Transport:
        return replace(self, playing=playing)

    def seek(self, sample: int) -> Transport:
        """Jump to a sample of the song, the nearest one there is."""
        return replace(self, target=min(max(sample, 0), self.total), jump=self.jump + 1)

    def looped(self, start: int, stop: int) -> Transport:
        """Repeat the samples [start, stop); in any order. Raises ValueError for a loop shorter than 10 ms."""
        start, stop = sorted((min(max(start, 0), self.total), min(max(stop, 0), self.total)))
        if (stop - start) * 100 < self.rate:
            raise ValueError(
                f"a loop lasts 10 ms at least, not {1000 * (stop - start) / self.rate:.1f} ms; drag further"
            )
        return replace(self, loop=(start, stop))

    def unlooped(self) -> Transport:
        return replace(self, loop=None)

    def at_speed(self, speed: float) -> Transport:
        """Raises ValueError for a speed that there is not."""
        if speed not in SPEEDS:
            raise ValueError(f"the speed can be {', '.join(f'{s:g}' for s in SPEEDS)}, not {speed:g}")
        return replace(self, speed=speed)

    def seconds(self, sample: int) -> Fraction:
        return Fraction(sample, self.rate)
