"""Clicks: found as what a resonant filter does not expect, and guessed anew."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import scipy

from midistems_graph.node import Range, Run, node
from midistems_nodes.repair.interpolate import CONTEXT, ORDER, Flags, Float64, repaired, whitening
from midistems_nodes.signals import Signal, map_audio


@node(
    "repair.declick",
    title="Remove clicks",
    tags=("click", "crackle", "vinyl", "scratch", "pops", "restoration"),
    context=CONTEXT,
    libraries=("numpy", "scipy"),
    scratch=2,
)
def declick(
    signal: Signal,
    *,
    threshold: Annotated[float, Range(3, 100)] = 12.0,
    longest: Annotated[float, Range(0.1, 5, "ms")] = 2.0,
    run: Run,
) -> Signal:
    """Find clicks and crackle and put in their place what the sound around them lets expect.

    Parameters
    ----------
    signal
        A digitised record, or a stem with clicks at its seams.
    threshold
        How many times the usual surprise a sample has to be. Low finds more, and takes sharp attacks for clicks.
    longest
        Disturbances that are longer are left alone: attacks are.

    Notes
    -----
    Good before a separation of old recordings: networks take crackle for drums. All samples that are no click stay as
    they are, to the bit.

    References
    ----------
    Godsill & Rayner, "Digital Audio Restoration", Springer 1998, chapter 5: the prediction error of an autoregressive
    model against its median. Interpolation by Janssen, Veldhuis & Vries (1986).
    """

    rate = signal.rate

    def lost_in(piece: Float64) -> Flags:
        surprise = np.abs(scipy.signal.lfilter(whitening(piece), [1.0], piece))
        surprise[:ORDER] = 0  # the filter has not seen enough
        found = surprise > threshold * np.median(surprise[ORDER:]) / 0.6745
        wide = scipy.ndimage.binary_closing(np.pad(found, 16), np.ones(17))[16:-16]
        wide = scipy.ndimage.binary_dilation(wide, np.ones(3))
        marks, count = scipy.ndimage.label(wide)
        sizes = np.bincount(marks, minlength=count + 1)
        return np.asarray(wide & (sizes[marks] <= longest * rate / 1000 + 2), np.bool_)

    return map_audio(
        signal,
        lambda audio: audio.with_samples(
            np.stack([repaired(channel, audio.span, lost_in, run) for channel in audio.samples])
        ),
    )
