"""Clicks: found as what a resonant filter does not expect, and guessed anew."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import scipy

from midistems_graph.node import Range, Run, node, stem_by_stem
from midistems_nodes.repair.interpolate import CONTEXT, MOST, ORDER, Flags, Float64, interpolated, repaired, whitening
from midistems_nodes.signals import Signal, map_audio

_ROUNDS = 2
"""The first filter has learned the clicks as well; the next one is made of what they are repaired to."""
_GAP = 16
"""Samples that may lie between two surprises of one click."""
_EDGE = 2
"""Samples to either side of a click, which begins and ends softly."""
_WITHIN = 3 / 8
"""Share of the threshold that makes a sample belong to a click beside one that reaches it."""


@node(
    "repair.declick",
    version="1.1.0",
    title="Remove clicks",
    tags=("click", "crackle", "vinyl", "scratch", "pops", "restoration"),
    context=CONTEXT,
    libraries=("numpy", "scipy"),
    scratch=2,
    apart=stem_by_stem,
)
def declick(
    signal: Signal,
    *,
    threshold: Annotated[float, Range(3, 100)] = 8.0,
    longest: Annotated[float, Range(0.1, 5, "ms")] = 2.0,
    run: Run,
) -> Signal:
    """Find clicks and crackle and put in their place what the sound around them lets expect.

    Parameters
    ----------
    signal
        A digitised record, or a stem with clicks at its seams.
    threshold
        How many times the usual surprise a sample has to be. Low finds more, and takes sharp attacks for clicks; drum
        machines want 12 or more.
    longest
        Disturbances that are longer are left alone: attacks are.

    Notes
    -----
    Good before a separation of old recordings: networks take crackle for drums. All samples that are no click stay as
    they are, to the bit. Clicks up to a millisecond come back well; of longer ones in loud, noisy music a part stays,
    since the sound around them no longer tells what was there.

    References
    ----------
    Godsill & Rayner, "Digital Audio Restoration", Springer 1998, chapter 5: the prediction error of an autoregressive
    model, forward and backward, against its median. Interpolation by Janssen, Veldhuis & Vries (1986).
    """
    most = longest * signal.rate / 1000 + _GAP / 4

    def lost_in(piece: Float64) -> Flags:
        clean, found = piece, np.zeros(piece.shape, np.bool_)
        for _ in range(_ROUNDS):
            taps = whitening(clean)
            usual = float(np.median(np.abs(scipy.signal.lfilter(taps, [1.0], clean))[ORDER:])) / 0.6745
            found = _clicks(_surprise(piece, taps), threshold * usual, most)
            if not found.any() or found.mean() > MOST:
                break
            clean = interpolated(piece, found)
        return found

    return map_audio(
        signal,
        lambda audio: audio.with_samples(
            np.stack([repaired(channel, audio.span, lost_in, run) for channel in audio.samples])
        ),
    )


def _surprise(piece: Float64, taps: Float64) -> Float64:
    """What neither the samples before one nor those after it let expect; at the ends one side has to do."""
    forward = np.abs(scipy.signal.lfilter(taps, [1.0], piece))
    backward = np.abs(scipy.signal.lfilter(taps, [1.0], piece[::-1]))[::-1]
    surprise = np.minimum(forward, backward)
    surprise[:ORDER], surprise[-ORDER:] = backward[:ORDER], forward[-ORDER:]
    return np.asarray(surprise, np.float64)


def _clicks(surprise: Float64, threshold: float, most: float) -> Flags:
    """Runs of surprising samples that reach the threshold somewhere and are no longer than so many samples."""
    near = np.pad(surprise > _WITHIN * threshold, _GAP)
    joined = scipy.ndimage.binary_closing(near, np.ones(_GAP + 1))[_GAP:-_GAP]
    marks, count = scipy.ndimage.label(joined)
    if not count:
        return np.zeros(surprise.shape, np.bool_)
    peaks = scipy.ndimage.maximum(surprise, marks, np.arange(count + 1))
    sizes = np.bincount(marks, minlength=count + 1)
    is_click = (peaks > threshold) & (sizes <= most)
    is_click[0] = False
    return np.asarray(scipy.ndimage.binary_dilation(is_click[marks], np.ones(2 * _EDGE + 1)), np.bool_)
