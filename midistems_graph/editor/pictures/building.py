"""Filling a pyramid: a sparse overview first, then the stretch that is looked at, then the rest.

    for share in build(pyramid, source, focus=(60.0, 70.0)):
        if nobody_looks_any_more: break          # that is all it takes to cancel
        show(pyramid.query(...))

Each step takes about 0.2 s at most. What is not computed yet is left out; build again when it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from midistems_graph.audio.values import Span
from midistems_graph.editor.pictures.coverage import Coverage

PROBES = 1200
"""Places of the overview: one per pixel of a wide picture."""

_BATCH = 50
_LEAST_STEP = 4
"""Shorter songs are filled as soon."""

_LEAST_PART = 8
"""Where a block is not computed as a whole, halves of it are tried, down to an eighth."""


V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)
V_contra = TypeVar("V_contra", contravariant=True)


class Readable(Protocol[V_co]):
    """A source: gives what a pyramid takes."""

    def read(self, span: Span) -> V_co | None: ...


class Pyramid(Protocol[V_contra]):
    """What pyramids of waveforms, spectrograms and stem levels have in common; units are samples, frames or steps.

    block     units to read at a time
    probe     units that make one place of the overview
    """

    block: int
    probe: int
    units: int
    span: Span
    coverage: Coverage

    def span_of(self, first: int, stop: int) -> Span: ...
    def add(self, value: V_contra) -> None: ...
    def add_probes(self, values: Sequence[V_contra]) -> None: ...


def build(pyramid: Pyramid[V], source: Readable[V], *, focus: tuple[float, float] | None = None) -> Iterator[float]:
    """Add what a pyramid lacks, `focus` (seconds) first; after every step yields the share that is there, 0 to 1."""
    for _ in _overview(pyramid, source):
        yield done(pyramid)
    whole = (0, pyramid.units)
    for first, stop in (whole,) if focus is None else (_units(pyramid, focus), whole):
        for low in range(first, stop, pyramid.block):
            gaps = pyramid.coverage.missing(low, min(low + pyramid.block, stop))
            # In one piece: probes between the gaps cost less once more than reading around them.
            if gaps and _fill(pyramid, source, gaps[0][0], gaps[-1][1]):
                yield done(pyramid)


def done(pyramid: Pyramid[V]) -> float:
    """The share of a pyramid that is there, 0 to 1."""
    return pyramid.coverage.count / max(pyramid.units, 1)


def _overview(pyramid: Pyramid[V], source: Readable[V]) -> Iterator[None]:
    """Probes all over the song: every fourth place first, then those between."""
    if pyramid.units < _LEAST_STEP * PROBES * pyramid.probe or pyramid.coverage.count * 2 > pyramid.units:
        return
    places = [(2 * number + 1) * pyramid.units // (2 * PROBES) for number in range(PROBES)]
    for part in ((*places[::4], places[-1]), places[2::4], places[1::4], places[3::4]):
        for low in range(0, len(part), _BATCH):
            lacking = [p for p in part[low : low + _BATCH] if pyramid.coverage.missing(p, p + pyramid.probe)]
            read = [source.read(pyramid.span_of(place, place + pyramid.probe)) for place in lacking]
            values = [value for value in read if value is not None]
            if values:
                pyramid.add_probes(values)
                yield


def _fill(pyramid: Pyramid[V], source: Readable[V], first: int, stop: int) -> bool:
    """Read and add the units [first, stop), or those parts of them that are computed; whether there was one."""
    value = source.read(pyramid.span_of(first, stop))
    if value is not None:
        pyramid.add(value)
        return True
    if stop - first <= max(1, pyramid.block // _LEAST_PART):
        return False
    middle = (first + stop) // 2
    left = _fill(pyramid, source, first, middle)
    return _fill(pyramid, source, middle, stop) or left


def _units(pyramid: Pyramid[V], seconds: tuple[float, float]) -> tuple[int, int]:
    per_second = pyramid.units * pyramid.span.rate / max(pyramid.span.total, 1)
    low, high = (min(max(round(second * per_second), 0), pyramid.units) for second in seconds)
    return low, high
