"""A folder that is watched: songs that come into it, once they have stopped growing.

A song counts as new when its size or time of change is another than before. Both are only compared, never held against
a clock, which may be another machine's. It has stopped growing when they are the same on two looks in a row.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

from midistems_graph.cli.batch.fingerprint import looks
from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.cli.songs import Song, listed, part_of

STILL = 2.0
"""Seconds between two looks."""


class Watched:
    """A watched folder, or a pattern. `known` are songs that are in the queue already; see `part_of` for `shard`."""

    def __init__(
        self, word: str, output: Path, known: Collection[Song] = (), shard: tuple[int, int] | None = None
    ) -> None:
        """Raises Refused if it is no folder."""
        if not Path(word).is_dir() and "*" not in word:
            raise Refused(Exit.INPUT, f"--watch {word}: there is no such folder")
        if Path(word).is_dir() and Path(word).resolve() == output.resolve():
            raise Refused(Exit.OUTPUT, f"--watch {word} is the output folder too: stems would be taken for songs")
        self._word, self._output, self._shard = word, output, shard
        self._taken: dict[Path, object] = {song.path: looks(song.path) for song in known}
        self._seen: dict[Path, object] = {}
        self._next = 0.0

    def __call__(self) -> list[Song]:
        """The songs that are new and still, if it is time to look."""
        if time.monotonic() < self._next:
            return []
        self._next = time.monotonic() + STILL
        try:
            songs = part_of(listed(self._word, self._output), self._shard)
            there = {song: looks(song.path) for song in songs}
        except OSError:  # a share that is away for the moment
            return []
        new = [song for song, look in there.items() if look and look != self._taken.get(song.path)]
        ready = [song for song in new if self._seen.get(song.path) == there[song]]
        self._seen = {song.path: there[song] for song in new}
        self._taken |= {song.path: there[song] for song in ready}
        return ready
