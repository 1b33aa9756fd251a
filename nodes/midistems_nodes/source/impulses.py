"""Single impulses and trains of them."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from midistems_graph.node import Audio, Range, Run, node
from midistems_nodes.source.level import Channels, Level


@node("source.impulses", tags=("click", "dirac", "test"), derived=True, keeps_gain=False)
def impulses(
    *,
    start: Annotated[float, Range(0, 36000, "s")] = 0.0,
    interval: Annotated[float, Range(0, 3600, "s")] = 1.0,
    level: Level = 0.0,
    channels: Channels = 2,
    run: Run,
) -> Audio:
    """Clicks one sample long, in even intervals, as long as the song.

    Parameters
    ----------
    start
        When the first click comes.
    interval
        Time from click to click; 0 makes a single one.
    level
        Level of every click, relative to full scale.

    Notes
    -----
    Good for hearing and seeing delays, pre-echo and the impulse response of a chain.

    References
    ----------
    x[n] = a where n = round((start + k * interval) * rate), k = 0, 1, ...; clicks closer than a sample merge.
    """
    run.check()
    span = run.span
    if interval:
        interval = max(interval, 0.5 / span.rate)  # merges alike, and never makes more than two clicks per sample
        first = max(0, int((span.start / span.rate - start) / interval) - 1)
        last = max(first, int((span.stop / span.rate - start) / interval) + 2)
        clicks = np.arange(first, last, dtype=np.float64)
    else:
        clicks = np.zeros(1)
    positions = np.rint((start + clicks * interval) * span.rate).astype(np.int64) - span.start
    samples = np.zeros((channels, span.frames), np.float32)
    samples[:, positions[(positions >= 0) & (positions < span.frames)]] = 10 ** (level / 20)
    return Audio(samples, span)
