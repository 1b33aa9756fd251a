"""Calling a separator that arrives on an edge."""

from __future__ import annotations

from midistems_graph.node import Audio, Run, Separator, Stems, node


@node("separate.apply", version="1.0.0", title="Apply a separator", tags=("separator",), context=lambda k: k.separator)
def apply(separator: Separator, mixture: Audio, *, run: Run) -> Stems:
    """Separate sound with whatever separator is wired in.

    A separator edge carries a separator itself, not sound: a node such as HPSS, a network or a whole group. So
    one choice at the start of a graph can serve many places.

    Parameters
    ----------
    separator
        The separator to call, from the `separator` output of a node or group.
    mixture
        The sound to split.

    Returns
    -------
    Stems
        What the separator makes.
    """
    return run.separate(separator, mixture)
