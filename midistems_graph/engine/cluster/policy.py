"""In which order songs go to a cluster and how many at a time: what a run does, and what its simulation repeats.

The largest go first, so that at the end no worker is left alone with a long one. Each place for a task has one at
work and one on its way, so that it never waits for the network; the rest stay here, where they can be taken back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")

AHEAD = 2
"""Songs that are handed out for each task that the workers carry out at a time."""

STRETCH = 120
"""Seconds of a long song that are worth a task of their own."""

GRID = 10
"""Seconds between places where a song may be cut, so that no tile is computed twice."""

AT_LEAST = 4
"""So many are handed out while hardly a worker has joined yet."""


def largest_first(tasks: Iterable[T], size: Callable[[T], float]) -> list[T]:
    """Tasks in the order in which they are handed out; equal ones stay in theirs."""
    return sorted(tasks, key=size, reverse=True)


def wanted_in_flight(places: int) -> int:
    """How many songs are to be with the cluster while its workers carry out so many tasks at a time."""
    return max(AT_LEAST, AHEAD * places)


def stretches(seconds: float, idle: int) -> list[tuple[int, int]]:
    """Into which parts a long song is cut for workers that would be idle beside its own; none if that gains nothing.

    The parts are only computed into the shared store; then the song is run as a whole, and finds them there.
    """
    count = min(idle + 1, int(seconds // STRETCH))
    if count < 2:
        return []
    tiles = math.ceil(seconds / GRID)
    cuts = [GRID * (tiles * i // count) for i in range(count + 1)]
    return list(pairwise(cuts))
