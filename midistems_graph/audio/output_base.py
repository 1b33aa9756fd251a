"""What a way to the loudspeakers is, whichever library lies behind it.

An output calls `fill` from a thread of its own, again and again, with an array to be filled at once. It knows nothing
of songs; `player.py` puts prepared blocks behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from midistems_graph.audio.values import Float32

Fill = Callable[[Float32], None]
"""Fills float32 [frames, channels], full scale 1; called by the device's thread, so it must neither wait nor raise."""


class OutputProblem(Exception):
    """A sound device cannot be used; one sentence with the remedy."""


@dataclass(frozen=True)
class Device:
    """A choice for the user: the library that reaches it, its name there, and its own rate (0: unknown)."""

    backend: str
    name: str
    rate: int = 0

    @classmethod
    def of(cls, text: str) -> Device | None:
        """The choice that settings keep as `backend/name`; None for nothing, which is the system's own."""
        backend, _, name = text.partition("/")
        return cls(backend, name) if name else None

    @property
    def text(self) -> str:
        return f"{self.backend}/{self.name}"


class AudioOut(Protocol):
    """An opened sound device.

    name       shown to the user
    rate       samples per second
    channels   2, always: mono and surround are brought to two speakers before
    period     frames that the device asks for at a time, as far as it keeps to it
    note       a sentence for the user, or nothing
    """

    name: str
    rate: int
    channels: int
    period: int
    note: str

    def start(self, fill: Fill) -> None:
        """Begin to ask for sound. Raises OutputProblem."""
        ...

    def stop(self) -> None:
        """No call of `fill` begins after this returns; may be started again."""
        ...

    def close(self) -> None:
        """Stop and let the device go."""
        ...

    @property
    def lost(self) -> str:
        """Why the device is gone, as a sentence; nothing while it is there."""
        ...

    @property
    def underflows(self) -> int:
        """How often the device itself reports that it ran dry."""
        ...
