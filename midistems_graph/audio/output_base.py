"""What a way to the loudspeakers is, whichever library lies behind it.

An output calls `take` of a feed from a thread of its own, again and again, with float32 [frames, channels] to be filled
at once, full scale 1. It knows nothing of songs; `player.py` puts prepared blocks into the feed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from midistems_graph.audio.feed import Feed


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
    elsewhere  another process serves the device, so a feed has to lie in memory that both share
    """

    name: str
    rate: int
    channels: int
    period: int
    note: str
    elsewhere: bool

    def start(self, feed: Feed) -> None:
        """Begin to take sound from a feed. Raises OutputProblem."""
        ...

    def stop(self) -> None:
        """Nothing is taken after this returns; may be started again."""
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
        """How often the device itself reports that it ran dry; a feed elsewhere counts that itself."""
        ...
