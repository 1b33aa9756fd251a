"""What a separator has cut off at the top, taken from the mixture."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Complex64
from midistems_graph.node import Audio, NodeError, Range, Run, node, samples
from midistems_nodes.ports import Mixture
from midistems_nodes.signals import require_match
from midistems_nodes.transform.spectrogram import FftSize, Hop, settings


@node(
    "artefact.high_band",
    title="High-band extension",
    tags=("bandwidth", "cutoff", "treble", "16 khz", "air"),
    context=lambda k: samples(k.n_fft + k.hop),
    libraries=("numpy", "scipy"),
    scratch=4,
)
def high_band(
    audio: Audio,
    mixture: Mixture,
    *,
    cutoff: Annotated[float, Range(500, 96000, "Hz", "log")] = 15000.0,
    judged: Annotated[float, Range(100, 20000, "Hz", "log")] = 3000.0,
    n_fft: FftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Audio:
    """Give a stem the treble back that a separator does not make.

    Many networks stop at 11 or 16 kHz. Above that, the stem gets as much of the mixture as it has of it just below,
    moment by moment. Good for cymbals, sibilants and air.

    Parameters
    ----------
    audio
        The stem, empty above the cutoff.
    cutoff
        From here up the stem is made anew.
    judged
        The stem's share of the mixture is judged by a band so wide below the cutoff.

    Returns
    -------
    Audio
        As long as the stem.

    References
    ----------
    Y[b] = M X[b] above, M^2 = min(sum |S|^2 / sum |X|^2, 1) over the bins of the judged band and the frame.
    """
    require_match(audio, mixture)
    if cutoff >= audio.rate / 2:
        return audio
    edge = round(cutoff * n_fft / audio.rate)
    below = slice(max(1, round((cutoff - judged) * n_fft / audio.rate)), edge)
    if below.stop - below.start < 1:
        raise NodeError(f"the judged band ({judged:g} Hz) holds no bin at this FFT size; take a wider one")
    transform = Stft(settings(n_fft, hop), audio.span, threads=run.threads)
    whole = transform.forward(mixture.samples)

    def change(channel: int, first: int, bins: Complex64) -> None:
        run.check()
        there = whole[channel, first : first + len(bins)]
        own, all_ = (np.square(np.abs(part[:, below])).sum(axis=1) for part in (bins, there))
        share = np.sqrt(np.minimum(np.divide(own, all_, out=np.zeros_like(own), where=all_ > 0), 1))
        bins[:, edge:] = share[:, None] * there[:, edge:]

    return audio.with_samples(transform.rebuild(audio.samples, change, np.empty_like(audio.samples)))
