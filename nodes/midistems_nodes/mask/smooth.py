"""Masks without flicker."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.node import Context, Mask, Range, Run, node
from midistems_nodes.separate.hpss import running_median

_LONGEST = 0.5


@node(
    "mask.smooth",
    title="Smooth mask",
    tags=("median", "musical noise", "artefact"),
    context=Context(samples=32768, seconds=_LONGEST),
    libraries=("numpy", "scipy"),
    scratch=3,
)
def smooth(
    mask: Mask,
    *,
    time: Annotated[float, Range(0, _LONGEST, "s")] = 0.06,
    bins: Annotated[int, Range(1, 99, "bins")] = 1,
    run: Run,
) -> Mask:
    """Take the flicker out of a mask, which is heard as musical noise.

    Parameters
    ----------
    mask
        The mask to smooth.
    time
        Over which time the median is taken.
    bins
        Over how many neighbouring bins another median is taken, an odd number; 1 leaves them alone.

    Returns
    -------
    Mask
        Of the same size.

    Notes
    -----
    Good before a mask is applied: single bins that open for a moment are shut, single holes are filled, edges stay.

    References
    ----------
    Running medians, mirrored at the ends of the song.
    """
    frames = 2 * round(time * mask.rate / mask.stft.hop / 2) + 1
    made = np.empty_like(mask.bins)
    for channel, factors in enumerate(mask.bins):
        run.check()
        made[channel] = smoothed(factors, frames, bins | 1, run)
    return mask.with_bins(made)


def smoothed(factors: Float32, frames: int, bins: int, run: Run) -> Float32:
    """The median of factors [frames, bins] over so many frames, then over so many bins."""
    if 1 < frames <= 2 * len(factors) - 1:
        factors = np.ascontiguousarray(running_median(np.ascontiguousarray(factors.T), frames, run.check).T)
    if bins > 1:
        factors = running_median(np.ascontiguousarray(factors), bins, run.check)
    return factors
