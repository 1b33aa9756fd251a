"""The judgement by what is left: a good separation leaves noise behind, not music."""

from __future__ import annotations

import numpy as np

from midistems_graph.audio.stft import Stft
from midistems_graph.node import Number, Run, Stream, node
from midistems_nodes.measure.streams import chunks
from midistems_nodes.ports import Judged, Mixture
from midistems_nodes.score.spectra import settings_at
from midistems_nodes.signals import total

_FRAMES = 128
_NOTHING = 1e-9
"""A residual of less than this part of the mixture's energy is rounding, and flat."""


@node(
    "score.flatness",
    title="By flatness of the residual",
    tags=("scorer", "blind", "residual", "spectral flatness", "wiener entropy"),
    scorer=True,
    libraries=("numpy", "scipy"),
)
def flatness(mixture: Stream[Mixture], stems: Stream[Judged], *, run: Run) -> Number:
    """How much like noise the rest is that stems leave of the mixture: 1 for noise or nothing, 0 for pure tones.

    Returns
    -------
    Number
        From 0 to 1.

    Notes
    -----
    Good for stems that are made one by one and leave something over. Sets that add up to the mixture leave nothing, and
    of those it says nothing.

    References
    ----------
    Spectral flatness, the geometric over the arithmetic mean of a frame's powers (Johnston 1988), as the mean over
    frames weighted by their energy.
    """
    settings = settings_at(mixture.span.rate)
    flat = left = whole = 0.0
    for song, parts in chunks((mixture, stems), _FRAMES * settings.hop, run.progress):
        rest = song.samples - total(list(parts.audio.values()))
        power = np.square(np.abs(Stft(settings, song.span, threads=run.threads).forward(rest)), dtype=np.float64)
        means = power.mean(axis=2)
        geometric = np.exp(np.log(power + 1e-30).mean(axis=2))
        flat += float(np.minimum(geometric, means).sum())
        left += float(means.sum())
        whole += float(np.square(song.samples, dtype=np.float64).sum())
    return Number(flat / left if left > _NOTHING * whole else 1.0)
