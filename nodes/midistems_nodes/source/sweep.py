"""An exponential sine sweep."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, NodeError, Range, Run, node
from midistems_nodes.source.level import Channels, Level, fill


@node("source.sweep", title="Sine sweep", tags=("chirp", "test"), derived=True, keeps_gain=False, libraries=("numpy",))
def sweep(
    *,
    low: Annotated[float, Range(1, 96000, "Hz", "log")] = 20.0,
    high: Annotated[float, Range(1, 96000, "Hz", "log")] = 20000.0,
    duration: Annotated[float, Range(0, 3600, "s")] = 0.0,
    level: Level = -20.0,
    channels: Channels = 2,
    run: Run,
) -> Audio:
    """A sine tone that rises through all octaves in equal time each.

    Parameters
    ----------
    low
        Where the sweep begins.
    high
        Where it ends: above `low`, and at most half the sample rate.
    duration
        How long it takes, from the start of the song; silence follows. 0 takes the whole song.

    Notes
    -----
    Good for seeing in one picture what a filter, a resampler or a separation model does to every pitch.

    References
    ----------
    Farina, "Simultaneous measurement of impulse response and distortion with a swept-sine technique", AES 2000:
    x(t) = sin(2 pi f1 L (exp(t / L) - 1)) with L = T / ln(f2 / f1).
    """
    span = run.span
    if not low < high <= span.rate / 2:
        raise NodeError(
            f"a sweep from {low:g} to {high:g} Hz is not possible at {span.rate} Hz; "
            f"the end must lie above the beginning and at most at {span.rate / 2:g} Hz"
        )
    length = duration or span.total / span.rate
    octave = length / np.log(high / low)

    def chirp(first: int, count: int) -> Float32:
        time = np.arange(first, first + count, dtype=np.float64) / span.rate
        cycles = low * octave * np.expm1(np.minimum(time, length) / octave)
        return np.where(time < length, np.sin(2 * np.pi * (cycles % 1.0)), 0.0).astype(np.float32)

    return fill(run, level, channels, chirp)
