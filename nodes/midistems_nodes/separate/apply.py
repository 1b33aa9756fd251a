"""Calling a separator that arrives on an edge."""

from __future__ import annotations

from midistems_graph.node import Run, Stems, node
from midistems_nodes.ports import Asked, Song


@node("separate.apply", version="1.0.0", title="Apply a separator", tags=("separator",), context=lambda k: k.separator)
def apply(separator: Asked, mixture: Song, *, run: Run) -> Stems:
    """Separate sound with whatever separator is wired in.

    A separator edge carries a separator itself, not sound: a node such as HPSS, a network or a whole group. So
    one choice at the start of a graph can serve many places.


    Returns
    -------
    Stems
        What the separator makes.
    """
    return run.separate(separator, mixture)
