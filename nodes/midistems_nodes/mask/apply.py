"""A mask on a spectrogram."""

from __future__ import annotations

from typing import TypeVar

from midistems_graph.node import Magnitude, Mask, NodeError, Spectrogram, node
from midistems_nodes.signals import require_match

Masked = TypeVar("Masked", Spectrogram, Magnitude)


@node("mask.apply", title="Apply mask", tags=("multiply", "spectrogram"), scratch=0.5)
def apply(spectrogram: Masked, mask: Mask) -> Masked:
    """Let through as much of every bin as the mask says.

    Parameters
    ----------
    spectrogram
        A spectrogram or a magnitude.
    mask
        Factors, 1 passes and 0 removes; of one channel, or of as many as the spectrogram has.

    Notes
    -----
    Good for turning what a model or another estimate says about a source into the source itself.

    References
    ----------
    Y = M X, bin by bin.
    """
    require_match(spectrogram, mask, channels=False)
    if mask.channels not in (1, spectrogram.channels):
        raise NodeError(
            f"a mask of {mask.channels} channels does not fit a spectrogram of {spectrogram.channels}; "
            f"it needs 1 or {spectrogram.channels}"
        )
    return spectrogram.with_bins(spectrogram.bins * mask.bins)
