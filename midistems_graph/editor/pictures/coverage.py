"""Which whole numbers were seen already: samples of a song, frames of a spectrogram."""

from __future__ import annotations

from bisect import bisect_left, bisect_right


class Coverage:
    """A set of whole numbers, kept as stretches that neither overlap nor touch.

    One thread adds; others may ask meanwhile, and see the set before or after.
    """

    def __init__(self) -> None:
        self._edges: list[int] = []
        """start, stop, start, stop, ... ascending; replaced as a whole, never changed."""

    def add(self, start: int, stop: int) -> None:
        """Take in [start, stop)."""
        if start >= stop:
            return
        edges = self._edges
        lo, hi = bisect_left(edges, start), bisect_right(edges, stop)
        ends = ([] if lo % 2 else [start]) + ([] if hi % 2 else [stop])
        self._edges = edges[:lo] + ends + edges[hi:]

    def missing(self, start: int, stop: int) -> list[tuple[int, int]]:
        """The stretches of [start, stop) that were not seen, in order."""
        if start >= stop:
            return []
        edges = self._edges
        lo, hi = bisect_right(edges, start), bisect_left(edges, stop)
        bounds = ([] if lo % 2 else [start]) + edges[lo:hi] + ([] if hi % 2 else [stop])
        return list(zip(bounds[::2], bounds[1::2], strict=True))

    @property
    def count(self) -> int:
        """How many were seen."""
        edges = self._edges
        return sum(edges[1::2]) - sum(edges[::2])
