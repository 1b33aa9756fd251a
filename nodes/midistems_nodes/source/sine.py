"""A steady tone."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Range, Run, node
from midistems_nodes.source.level import Channels, Level, fill


@node("source.sine", title="Sine tone", tags=("tone", "test"), derived=True, keeps_gain=False, libraries=("numpy",))
def sine(
    *,
    frequency: Annotated[float, Range(0.1, 96000, "Hz", "log")] = 1000.0,
    level: Level = -20.0,
    phase: Annotated[float, Range(-360, 360, "degrees")] = 0.0,
    channels: Channels = 2,
    run: Run,
) -> Audio:
    """A sine tone as long as the song.

    Parameters
    ----------
    frequency
        Pitch of the tone. Above half the sample rate no tone can be represented, and the output is silent.
    phase
        Where in its cycle the tone stands when the song begins; 90 begins at the peak.

    Notes
    -----
    Good for checking levels, filters and the wiring of a graph, and as a reference for phase.

    References
    ----------
    x[n] = a sin(2 pi (f n / rate + phase / 360)), with n counted from the start of the song.
    """
    span = run.span

    def tone(first: int, count: int) -> Float32:
        cycles = frequency * np.arange(first, first + count, dtype=np.float64) / span.rate + phase / 360
        return np.sin(2 * np.pi * (cycles % 1.0)).astype(np.float32)

    return fill(run, level if frequency < span.rate / 2 else None, channels, tone)
