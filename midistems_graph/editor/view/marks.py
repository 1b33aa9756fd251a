"""What the canvas shows on a node beside its shape: how its computing stands, and a small picture of its output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from midistems_graph.document.graph import State

Phase = Literal["", "dirty", "waiting", "running", "cached", "failed", "bypassed", "muted", "locked", "left out"]


@dataclass(frozen=True, slots=True)
class Mark:
    """The standing of one node.

    `done` is 0 to 1 while it runs; `seconds` is what it took, or what it is thought to take while it is dirty (then
    `nbytes` is what it would store); `null` in dB tells how well its stems add up, `figure` what it measured;
    `sentence` says why it failed or is left out; `picture` is a texture, 0 for none.
    """

    phase: Phase = ""
    done: float = 0.0
    seconds: float | None = None
    nbytes: int | None = None
    null: float | None = None
    figure: str = ""
    sentence: str = ""
    picture: int = 0

    def standing(self, state: State, locked: bool) -> Phase:
        """What the sign on the card shows: a node that is switched off shows that first, then that it is locked."""
        if state != "on":
            return state
        return "locked" if locked and self.phase != "failed" else self.phase

    @property
    def look(self) -> Phase:
        """What makes the whole card look different, not its sign alone."""
        return self.phase if self.phase in ("failed", "left out") else ""

    @property
    def words(self) -> str:
        """The standing as the status strip says it."""
        match self.phase:
            case "failed":
                return self.sentence or "failed"
            case "running":
                return f"{self.done:.0%}" + (f" · {spoken(self.seconds)} left" if self.seconds else "")
            case "waiting":
                return "waiting"
            case "left out":
                return f"left out: {self.sentence}"
            case "dirty":
                size = f" · {spoken_bytes(self.nbytes)}" if self.nbytes else ""
                return (f"about {spoken(self.seconds)}" if self.seconds else "to be computed") + size
            case "cached":
                took = spoken(self.seconds) if self.seconds else "" if self.figure else "ready"
                null = "" if self.null is None else spoken_null(self.null)
                return " · ".join(words for words in (self.figure, took, null) if words)
        return ""


SILENCE = -150.0
"""dB below which a level is called silent."""

_LIGHT: tuple[Phase, ...] = ("", "left out", "muted", "bypassed", "locked")
WEIGHT: tuple[Phase, ...] = (*_LIGHT, "cached", "dirty", "waiting", "running", "failed")
"""Of several inner nodes a group shows the last of these."""


def summed(parts: Sequence[Mark]) -> Mark:
    """Several nodes as one: the weightiest standing, the mean of what is done, the sum of seconds and bytes."""
    if len(parts) == 1:
        return parts[0]
    worst = max(parts, key=lambda mark: WEIGHT.index(mark.phase))
    seconds = [mark.seconds for mark in parts if mark.seconds is not None]
    nbytes = [mark.nbytes for mark in parts if mark.nbytes is not None]
    done = sum(mark.done for mark in parts) / len(parts)
    return Mark(
        worst.phase, done, sum(seconds) if seconds else None, sum(nbytes) if nbytes else None, sentence=worst.sentence
    )


def spoken(seconds: float) -> str:
    """A duration as people read it: 80 ms, 3.2 s, 2:05 min."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d} h"


def spoken_bytes(nbytes: int) -> str:
    """A size as people read it: 320 kB, 45 MB, 1.2 GB."""
    size = float(nbytes)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def spoken_null(db: float) -> str:
    """How well stems add up."""
    return f"null {db:.0f} dB" if db > SILENCE else "adds up exactly"


def spoken_level(db: float) -> str:
    """A level as people read it."""
    return f"{db:.0f} dB" if db > SILENCE else "silent"


def clock(seconds: float) -> str:
    """A place in a song: 1:02.3."""
    minutes, rest = divmod(max(seconds, 0.0), 60)
    return f"{int(minutes)}:{rest:04.1f}"
