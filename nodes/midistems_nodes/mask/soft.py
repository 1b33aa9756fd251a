"""Masks from the magnitudes of all sources."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.node import Magnitude, Mask, NodeError, Range, Run, node
from midistems_nodes.signals import require_match


@node("mask.soft", title="Soft mask", tags=("ratio", "wiener", "binary", "irm", "ibm"), libraries=("numpy",), scratch=1)
def soft(
    target: Magnitude,
    others: tuple[Magnitude, ...],
    *,
    power: Annotated[float, Range(0.1, 10)] = 2.0,
    binary: bool = False,
    run: Run,
) -> Mask:
    """The share of every bin that belongs to one source, judged by estimates of all sources.

    Parameters
    ----------
    target
        Magnitude of the source that the mask is for.
    others
        Magnitudes of all other sources.
    power
        1 shares by amplitude (ratio mask), 2 by power (Wiener mask); more decides more sharply.
    binary
        The strongest source gets the bin whole, whatever the power; equally strong ones share it.

    Notes
    -----
    Good for making rough estimates sum to the mixture: apply the masks of all sources to the mixture's spectrogram.
    The masks of all sources sum to 1 in every bin; where all are silent, all get equal shares.

    References
    ----------
    M = A_t^p / sum_k A_k^p (Liutkus & Badeau 2015); p = 1 ideal ratio mask, p = 2 Wiener filter; binary: Wang 2005.
    """
    if not others:
        raise NodeError("nothing is connected to others; connect the magnitude of at least one other source")
    require_match(target, *others)
    result = np.empty_like(target.bins)
    for channel, frame in np.ndindex(result.shape[0], -(-result.shape[1] // _FRAMES)):
        run.check()
        part = np.s_[channel, frame * _FRAMES : (frame + 1) * _FRAMES]
        result[part] = _share([m.bins[part] for m in (target, *others)], power, binary)
    return Mask(result, target.span, target.stft)


_FRAMES = 32


def _share(magnitudes: list[Float32], power: float, binary: bool) -> Float32:
    """The first one's share."""
    if binary:
        largest = np.maximum.reduce(magnitudes)
        winners = np.sum([m == largest for m in magnitudes], axis=0, dtype=np.float32)
        return np.asarray((magnitudes[0] == largest) / winners, np.float32)
    return shares(magnitudes, power)[0]


def shares(magnitudes: list[Float32], power: float) -> list[Float32]:
    """All shares a_k^p / sum a^p; related to the largest, so that no power over- or underflows; equal in silence."""
    largest = np.maximum.reduce(magnitudes)
    silent = largest == 0
    scale = np.where(silent, 1, largest)
    raised = [np.where(silent, 1, m / scale) ** np.float32(power) for m in magnitudes]
    whole = np.sum(raised, axis=0)
    return [np.asarray(one / whole, np.float32) for one in raised]
