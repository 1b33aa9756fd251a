"""Attacks of one estimate, the rest of another one."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from midistems_graph.node import Audio, Context, Range, Run, node
from midistems_nodes.envelope import Blocks, Float64, decibels
from midistems_nodes.signals import require_match

_BLOCK = 0.005
_BEFORE = 8
"""So many blocks before an instant are what a rise is measured against."""


@node(
    "artefact.transients",
    title="Transient crossfade",
    tags=("attack", "onset", "drums", "pre-echo"),
    context=lambda k: Context(samples=2, seconds=(_BEFORE + 4) * _BLOCK + k.hold),
    libraries=("numpy",),
)
def transients(
    smooth: Audio,
    sharp: Audio,
    mixture: Audio,
    *,
    rise: Annotated[float, Range(1, 40, "dB")] = 6.0,
    hold: Annotated[float, Range(0.005, 0.5, "s", "log")] = 0.05,
    run: Run,
) -> Audio:
    """Take attacks from one estimate of a stem and everything else from another one.

    Long STFT frames tell tones apart but smear hits and put an echo before them; short frames keep hits and blur
    tones. Good for joining both, and for letting the attacks of the mixture itself through.

    Parameters
    ----------
    smooth
        What is heard between attacks.
    sharp
        What is heard at attacks.
    mixture
        Where attacks are looked for.
    rise
        How suddenly the mixture must get louder, against the 40 ms before.
    hold
        How long an attack is heard, fading out over this time.

    Returns
    -------
    Audio
        As long as the others.

    References
    ----------
    y = (1 - g) a + g b; g is the strongest attack of the last `hold` seconds, falling in a straight line; an attack is
    clip((R - rise) / 6 dB, 0, 1) with R the rise of energy in blocks of 5 ms over the mean of the eight before, taken
    of the signal's difference, which weighs high frequencies.
    """
    require_match(smooth, sharp, mixture)
    blocks = Blocks(mixture.span, _BLOCK)
    steps = np.diff(mixture.samples, axis=1, prepend=mixture.samples[:, :1])
    energies = blocks.energies(steps, run)
    padded = np.concatenate([np.full(_BEFORE, energies[0]), energies])
    sums = np.concatenate([[0], np.cumsum(padded)])
    before = (sums[_BEFORE:-1] - sums[: -_BEFORE - 1]) / _BEFORE
    attacks = np.clip((decibels(energies, np.maximum(before, 1e-9 * energies)) - rise) / 6, 0, 1)
    gains = _held(attacks, max(1, round(hold / _BLOCK)))
    return smooth.with_samples(blocks.crossfade(smooth.samples, sharp.samples, gains, run))


def _held(attacks: Float64, count: int) -> Float64:
    """The most that recent attacks have left, each falling to 0 over `count` blocks; each begins a block early."""
    made = np.zeros_like(attacks)
    for age in range(-1, count):
        left = attacks * (1 - max(0, age) / count)
        shifted = np.zeros_like(attacks)
        if age < 0:
            shifted[:-1] = left[1:]
        else:
            shifted[age:] = left[: len(left) - age]
        np.maximum(made, shifted, out=made)
    return made
