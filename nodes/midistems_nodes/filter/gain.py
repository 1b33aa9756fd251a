"""Louder, softer, upside down."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from midistems_graph.node import Range, Spectrogram, node, stem_by_stem
from midistems_nodes.signals import AnySignal, map_audio


@node("filter.gain", tags=("volume", "level", "polarity", "invert"), derived=True, scratch=0.5, apart=stem_by_stem)
def gain(
    signal: AnySignal,
    *,
    gain: Annotated[float, Range(-120, 60, "dB")] = 0.0,
    invert: bool = False,
) -> AnySignal:
    """Make a signal louder or softer, or turn its polarity over.

    Parameters
    ----------
    signal
        Audio, every stem of a set alike, or a spectrogram.
    gain
        How much louder; 6 dB is about twice the amplitude. Nothing is clipped.
    invert
        Turn the waveform upside down, so that adding it elsewhere subtracts.

    Notes
    -----
    Good for matching levels before a blend, and with `invert` for listening to what two signals do not share.

    References
    ----------
    y = +-10^(gain / 20) x.
    """
    factor = np.float32((-1 if invert else 1) * 10 ** (gain / 20))
    if isinstance(signal, Spectrogram):
        return signal.with_bins(signal.bins * factor)
    return map_audio(signal, lambda audio: audio.with_samples(audio.samples * factor))
