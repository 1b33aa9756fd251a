"""Streams read side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from midistems_graph.audio.values import Span, join
from midistems_graph.node import Audio, Run, Stems, Stream
from midistems_nodes.signals import BLOCK, require_match

First = TypeVar("First", Audio, Stems)
Second = TypeVar("Second", Audio, Stems)


def side_by_side(first: Stream[First], second: Stream[Second], run: Run) -> Iterator[tuple[First, Second]]:
    """Matching pieces of two streams, short enough for a float64 copy; raises NodeError where they do not match."""
    total = max(1, first.span.frames)
    for one, other in zip(first, second, strict=True):
        require_match(one, other)
        for start in range(one.span.start, one.span.stop, BLOCK):
            run.progress((start - first.span.start) / total)
            span = type(one.span)(start, min(start + BLOCK, one.span.stop), one.span.total, one.span.rate)
            yield one.crop(span), other.crop(span)


def chunks(streams: Sequence[Stream[Any]], length: int, report: Callable[[float], None]) -> Iterator[tuple[Any, ...]]:
    """Matching pieces of several streams, `length` samples each on the song's own grid, however they are tiled.

    `report` is told how much of the song is done (0 to 1) before each piece.
    """
    span = streams[0].span
    held: list[tuple[Any, ...]] = []
    for tiles in zip(*streams, strict=True):
        require_match(*tiles)
        held.append(tiles)
        stop = tiles[0].span.stop
        edge = stop if stop == span.stop else stop // length * length
        start = held[0][0].span.start
        if edge <= start:
            continue
        joined = [join(list(parts)) for parts in zip(*held, strict=True)]
        while start < edge:
            report((start - span.start) / max(1, span.frames))
            end = min((start // length + 1) * length, edge)
            yield tuple(value.crop(Span(start, end, span.total, span.rate)) for value in joined)
            start = end
        rest = Span(edge, stop, span.total, span.rate)
        held = [tuple(value.crop(rest) for value in joined)] if edge < stop else []
