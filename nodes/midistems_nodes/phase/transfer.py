"""The phases of one sound on the magnitudes of another."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Complex64, Float32
from midistems_graph.node import Audio, NodeError, Range, Run, node, samples
from midistems_nodes.phase.impose import impose
from midistems_nodes.signals import require_match
from midistems_nodes.transform.spectrogram import FftSize, Hop, settings

Edge = Annotated[float, Range(0, 96000, "Hz")]


@node(
    "phase.transfer",
    title="Phase transfer",
    tags=("phase", "phasor", "borrow", "phase fixer"),
    context=lambda k: samples(k.n_fft + k.hop),
    libraries=("numpy", "scipy"),
    scratch=4,
)
def transfer(
    audio: Audio,
    donor: Audio,
    *,
    amount: Annotated[float, Range(0, 1)] = 1.0,
    low: Edge = 500.0,
    high: Edge = 5000.0,
    n_fft: FftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Audio:
    """Give a sound the phases of another estimate of it, and leave it its own magnitudes.

    Good where one separator tells better how strong a stem is and another one, or the mixture itself, has
    its phases less torn: a buzzing or metallic stem becomes smoother.

    Parameters
    ----------
    audio
        The sound whose magnitudes stay.
    donor
        Another estimate of the same sound, whose phases it gets.
    amount
        How far the phases go over to the donor's above `high`.
    low
        Up to here all phases stay.
    high
        From here up `amount` holds in full; in between it rises evenly.

    Returns
    -------
    Audio
        As long as the first.

    Notes
    -----
    Phases are blended as arrows of length 1, never as angles, which would jump where they wrap. Where the donor is
    silent, or both arrows cancel, the phase stays.

    References
    ----------
    arg((1 - b) exp(i p1) + b exp(i p2)), b = amount * clip((f - low) / (high - low), 0, 1).
    """
    require_match(audio, donor)
    if high < low:
        raise NodeError(f"high ({high:g} Hz) must not lie below low ({low:g} Hz)")
    chosen = settings(n_fft, hop)
    transform = Stft(chosen, audio.span, threads=run.threads)
    phases = transform.forward(donor.samples)
    frequency = np.arange(chosen.n_bins) * audio.rate / n_fft
    rise = np.clip((frequency - low) / (high - low), 0, 1) if high > low else frequency >= high
    share = (amount * rise).astype(np.float32)

    def change(channel: int, first: int, bins: Complex64) -> None:
        run.check()
        borrow(bins, phases[channel, first : first + len(bins)], share)

    return audio.with_samples(transform.rebuild(audio.samples, change, np.empty_like(audio.samples)))


def borrow(bins: Complex64, donor: Complex64, share: Float32) -> None:
    """Turn bins towards the phases of the donor by a share per bin, in place."""
    size, other = np.abs(bins), np.abs(donor)
    with np.errstate(divide="ignore", invalid="ignore"):
        arrow = np.asarray(bins / size * (1 - share) + donor / other * share, np.complex64)
    turned = (size > 0) & (other > 0) & (np.abs(arrow) > _CANCELLED)
    impose(size, arrow)
    np.copyto(bins, arrow, where=turned)


_CANCELLED = 1e-4
