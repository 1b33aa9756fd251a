"""Which of Ctrl, Shift and Alt count for a key: a frame tells what happened in it, but not in what order.

A quick Ctrl+S on a slow machine is one frame with `S went down` and `Ctrl went up`: Ctrl counts, since it was
pressed for something. After Ctrl+A another key that goes down in the frame in which Ctrl goes up is a key
alone: Ctrl had its key already.
"""

from __future__ import annotations

from collections.abc import Collection


class HeldKeys:
    """Told of modifiers that go down and up, in every frame those that go down first."""

    def __init__(self) -> None:
        self._held: set[str] = set()
        self._used: set[str] = set()

    def pressed(self, modifier: str) -> None:
        """A modifier went down, or is still down (keys repeat)."""
        if modifier not in self._held:
            self._held.add(modifier)
            self._used.discard(modifier)

    def released(self, modifier: str) -> None:
        self._held.discard(modifier)

    def counting(self, down: Collection[str]) -> frozenset[str]:
        """The modifiers that count for a key that went down; `down` are those that are down at the frame's end."""
        for modifier in down:
            self.pressed(modifier)
        found = frozenset(down) | (self._held - self._used)
        self._used |= found
        return found
