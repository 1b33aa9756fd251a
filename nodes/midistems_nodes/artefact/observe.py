"""Observation adding: artefacts hidden under a little of the mixture."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from midistems_graph.node import Audio, Context, NodeError, Range, Run, node
from midistems_nodes.envelope import Blocks, block_context, decibels
from midistems_nodes.filter.fir import Cutoff, complement, convolve, lowpass_taps, reach
from midistems_nodes.ports import Mixture
from midistems_nodes.signals import require_match

_WIDTH = 100.0
_BLOCK = 0.05


@node(
    "artefact.observe",
    title="Observation adding",
    tags=("mixture", "musical noise", "sar", "dry"),
    context=Context(
        block_context(_BLOCK).samples + reach(_WIDTH).samples, block_context(_BLOCK).seconds + reach(_WIDTH).seconds
    ),
    libraries=("numpy", "scipy"),
    scratch=1.5,
)
def observe(
    audio: Audio,
    mixture: Mixture,
    *,
    amount: Annotated[float, Range(-60, 0, "dB")] = -20.0,
    low: Cutoff = 5.0,
    high: Cutoff = 96000.0,
    gate: Annotated[float, Range(-80, 0, "dB")] = -30.0,
    run: Run,
) -> Audio:
    """Add a little of the mixture to a stem, so that holes and burbling are covered.

    What was torn out of a stem by mistake comes back, and so does some bleed: artefacts fall, interference rises. Good
    before speech or pitch recognition, which suffer more from artefacts, and for listeners who mind burbling more
    than bleed.

    Parameters
    ----------
    audio
        The stem.
    amount
        How loud the mixture is added, against itself.
    low
        Only what lies above this frequency is added; at 5 Hz all.
    high
        Only what lies below this frequency is added; at half the sample rate all.
    gate
        Nothing is added where the stem is so much quieter than the mixture: pauses stay quiet.

    Returns
    -------
    Audio
        As long as the stem.

    References
    ----------
    Ochiai et al., "Rethinking processing distortions: disentangling the impact of speech enhancement errors on speech
    recognition performance", IEEE/ACM TASLP 32, 2024: y = s + w x; SAR rises with w. The gate goes from 0 to 1 over
    6 dB in blocks of 50 ms with straight lines between.
    """
    require_match(audio, mixture)
    if high <= low:
        raise NodeError(f"high ({high:g} Hz) must lie above low ({low:g} Hz)")
    added = mixture.samples
    if high < mixture.rate / 2:
        added = convolve(added, lowpass_taps(high, _WIDTH, mixture.rate), run)
    if low > 5:
        added = convolve(added, complement(lowpass_taps(low, _WIDTH, mixture.rate)), run)
    blocks = Blocks(audio.span, _BLOCK)
    level = decibels(blocks.energies(audio.samples, run), blocks.energies(mixture.samples, run))
    gains = np.clip((level - gate) / 6 + 1, 0, 1)
    louder = audio.samples + np.float32(10 ** (amount / 20)) * added
    return audio.with_samples(blocks.crossfade(audio.samples, louder, gains, run))
