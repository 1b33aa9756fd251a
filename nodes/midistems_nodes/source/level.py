"""What all test signals share: level, channel count, and how they fill their stretch of the song."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Range, Run
from midistems_nodes.signals import BLOCK

Level = Annotated[float, Range(-120, 0, "dB"), "Peak level, relative to full scale."]
Channels = Annotated[int, Range(1, 64), "How many equal channels to make."]


def fill(run: Run, level: float | None, channels: int, signal: Callable[[int, int], Float32]) -> Audio:
    """A signal of peak 1, given by (first absolute sample, count), over the run's span on equal channels.

    A level of None gives silence.
    """
    span = run.span
    samples = np.zeros((channels, span.frames), np.float32)
    if level is None:
        return Audio(samples, span)
    factor = np.float32(10 ** (level / 20))
    for first in range(0, span.frames, BLOCK):
        run.progress(first / span.frames)
        count = min(BLOCK, span.frames - first)
        samples[:, first : first + count] = factor * signal(span.start + first, count)
    return Audio(samples, span)
