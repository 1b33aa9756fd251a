"""The delay between two sounds."""

from __future__ import annotations

import math
from typing import NamedTuple

from midistems_graph.node import Audio, Number, Run, Stream, node
from midistems_nodes.phase.align import MaxDelay
from midistems_nodes.phase.delay import find_offset


class OffsetFigures(NamedTuple):
    delay: Number
    level: Number
    likeness: Number


@node(
    "measure.offset",
    title="Delay between two sounds",
    tags=("delay", "polarity", "latency"),
    libraries=("numpy", "scipy"),
)
def offset(
    audio: Stream[Audio], reference: Stream[Audio], *, max_delay: MaxDelay = 0.1, polarity: bool = True, run: Run
) -> OffsetFigures:
    """How much later a sound comes than its reference, how much louder it is, and how alike both are.

    Parameters
    ----------
    audio
        The sound that may be late.
    reference
        What it is compared with.
    max_delay
        The farthest that is looked for, either way.
    polarity
        Also look for it upside down; `likeness` is negative there.

    Returns
    -------
    OffsetFigures
        delay in milliseconds; level in dB, of the part that both share; likeness, the correlation coefficient.

    Notes
    -----
    Good for finding the latency of another tool. The node Align undoes what is found here.

    References
    ----------
    As the node Align.
    """
    found = find_offset(audio, reference, math.ceil(max_delay * audio.span.rate), polarity, run)
    level = -20 * math.log10(abs(found.factor)) if found.factor else math.nan
    return OffsetFigures(
        Number(1000 * found.delay / audio.span.rate, "ms"), Number(level, "dB"), Number(found.likeness)
    )
