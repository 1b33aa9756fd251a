"""Streams read side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

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
