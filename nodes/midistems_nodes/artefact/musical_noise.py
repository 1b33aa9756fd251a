"""Musical noise: a stem's mask made anew, smoothed, and applied to the mixture."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Range, Run, node, samples
from midistems_nodes.mask.smooth import smoothed
from midistems_nodes.ports import Mixture
from midistems_nodes.signals import require_match
from midistems_nodes.transform.spectrogram import Hop, StemsFftSize, settings


@node(
    "artefact.musical_noise",
    title="Smooth musical noise",
    tags=("median", "burble", "warble", "mask", "smooth"),
    context=lambda k: samples(k.n_fft + (k.frames + 2) * k.hop),
    libraries=("numpy", "scipy"),
    scratch=4,
)
def musical_noise(
    audio: Audio,
    mixture: Mixture,
    *,
    frames: Annotated[int, Range(1, 99, "frames")] = 5,
    bins: Annotated[int, Range(1, 99, "bins")] = 1,
    n_fft: StemsFftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Audio:
    """Take the burbling out of a stem: single bins that come and go from frame to frame.

    What the stem takes of the mixture is looked at as a mask; the running median of that mask has no specks and no
    holes, and is applied to the mixture. Good behind separators with hard or nervous masks.

    Parameters
    ----------
    audio
        The stem.
    frames
        Over how many frames the median goes, an odd number.
    bins
        Over how many neighbouring bins another median goes; 1 leaves them alone.

    Returns
    -------
    Audio
        As long as the stem.

    References
    ----------
    M = min(|S| / |X|, 1), its running medians, Y = M X.
    """
    require_match(audio, mixture)
    transform = Stft(settings(n_fft, hop), audio.span, threads=run.threads)
    result = np.empty_like(audio.samples)
    for channel in (slice(c, c + 1) for c in range(audio.channels)):
        run.check()
        whole = transform.forward(mixture.samples[channel])
        size = np.abs(whole[0])
        mask: Float32 = np.abs(transform.forward(audio.samples[channel])[0])
        np.divide(mask, size, out=mask, where=size > 0)
        mask[size == 0] = 0
        whole[0] *= smoothed(np.minimum(mask, 1), frames | 1, bins | 1, run)
        transform.inverse(whole, result[channel])
    return audio.with_samples(result)
