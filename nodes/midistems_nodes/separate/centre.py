"""Centre extraction: what sounds alike in the left and the right channel."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from midistems_graph.audio.values import Complex64, Float32
from midistems_graph.node import Audio, Range, Run, Stems, StftSettings, node
from midistems_nodes.separate.blocks import Block, mask_context, mask_stems
from midistems_nodes.transform.spectrogram import FftSize, Hop
from midistems_nodes.transform.spectrogram import settings as settings_of

NAMES = ("centre", "sides")


@node(
    "separate.centre",
    version="1.0.0",
    title="Centre / sides",
    tags=("stereo", "panning", "vocals"),
    separator=True,
    stems=NAMES,
    complete=True,
    sums_to="mixture",
    context=lambda k: mask_context(StftSettings(k.n_fft, k.hop)),
    scratch=6.0,
    libraries=("numpy", "scipy"),
)
def centre(
    mixture: Audio,
    *,
    focus: Annotated[float, Range(0.25, 16, scale="log")] = 2.0,
    low: Annotated[float, Range(0, 2000, "Hz")] = 0.0,
    n_fft: FftSize = 4096,
    hop: Hop = 1024,
    run: Run,
) -> Stems:
    """Split what stands in the middle of the stereo image from what stands at its sides.

    Lead vocal, bass, kick and snare are mostly panned to the middle: there the left and the right
    channel are equal in level and phase, bin by bin of the spectrogram. Good as a quick karaoke,
    and in front of a network that is to hear less of the band. Reverb of the voice is wide and stays in the sides.

    Parameters
    ----------
    mixture
        Stereo. Mono is all centre. Of more than two channels the first two are split, front left and
        right in the usual layouts; the others go to the sides unchanged.
    focus
        How strictly the middle is meant. 1 lets a sound fade out evenly as it is panned away; higher is narrower.
    low
        Below this frequency all stays in the sides, so that bass and kick stay with the band.
    n_fft
        FFT size in samples. Larger sizes tell more sounds apart, smaller ones follow faster changes.

    Returns
    -------
    Stems
        centre, sides; they add up to the mixture.

    References
    ----------
    Avendano & Jot, "Ambience extraction and synthesis from stereo signals for multi-channel audio up-mix", ICASSP 2002
    (similarity of the channels). The similarity here is the real one, 2 Re(L R*) / (abs(L)^2 + abs(R)^2),
    which also falls with the phase difference (Vickers, "Frequency-domain two- to three-channel upmix for center
    channel derivation and speech enhancement", AES 127, 2009, for the family).
    """
    settings = settings_of(n_fft, hop)
    first_bin = int(np.ceil(low * n_fft / mixture.rate))

    def make_masks(block: Block) -> list[Float32]:
        bins = block.bins
        mask = np.zeros(bins.shape, np.float32)
        if mixture.channels == 1:
            mask[:, :, first_bin:] = 1
        else:
            mask[:2, :, first_bin:] = _likeness(bins[0, :, first_bin:], bins[1, :, first_bin:]) ** np.float32(focus)
        return [mask]

    return mask_stems(mixture, settings, NAMES, make_masks, run=run)


def _likeness(left: Complex64, right: Complex64) -> Float32:
    """1 where both channels are equal, 0 where one is silent or they are a quarter turn or more apart."""
    power = left.real**2 + left.imag**2 + right.real**2 + right.imag**2
    likeness = 2 * (left.real * right.real + left.imag * right.imag)
    np.divide(likeness, power, out=likeness, where=power > 0)
    return np.clip(likeness, 0, 1, out=likeness)
