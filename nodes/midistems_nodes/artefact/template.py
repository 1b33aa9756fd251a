"""Artefacts that sound the same all the time, taken away by their spectrum."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Complex64
from midistems_graph.node import Audio, Features, Range, Run, Stream, node, samples
from midistems_nodes.separate.blocks import frame_blocks
from midistems_nodes.signals import require_match
from midistems_nodes.transform.spectrogram import FftSize, Hop, settings


def artefact_spectrum(
    audio: Stream[Audio], artefact: Stream[Audio], *, n_fft: FftSize = 4096, hop: Hop = 1024, run: Run, **_: object
) -> Features:
    """The mean power of the artefact per bin, as an amplitude: `spectrum`, float32 [channels, bins].

    Frames in which the artefact is silent are left out.
    """
    chosen = settings(n_fft, hop)
    power = np.zeros((1, chosen.n_bins))
    count = 0
    total = max(1, len(artefact.span.stft_frames(hop)))
    for frames, magnitude in frame_blocks(artefact, chosen, 512, run):
        run.progress(frames.start / total)
        sounding = magnitude.any(axis=(0, 2))
        power = power + np.square(magnitude[:, sounding], dtype=np.float64).sum(axis=1)
        count += int(sounding.sum())
    return Features({"spectrum": np.sqrt(power / max(1, count)).astype(np.float32)})


@node(
    "artefact.template",
    title="Subtract artefact template",
    tags=("spectral subtraction", "noise print", "hum", "checkerboard", "denoise"),
    context=lambda k: samples(k.n_fft + k.hop),
    reduce=artefact_spectrum,
    libraries=("numpy", "scipy"),
    scratch=3,
)
def template(
    audio: Audio,
    artefact: Audio,
    learned: Features,
    *,
    amount: Annotated[float, Range(0, 4)] = 1.0,
    floor: Annotated[float, Range(-80, 0, "dB")] = -20.0,
    n_fft: FftSize = 4096,
    hop: Hop = 1024,
    run: Run,
) -> Audio:
    """Take away what an artefact has of a stem, judged by a recording of the artefact.

    Good for whistles and grids that a network prints on everything: let it work on silence or on a song without the
    stem, and connect what it makes of that as the artefact. Also for hum and hiss.

    Parameters
    ----------
    audio
        The stem to clean.
    artefact
        The artefact alone, as long as the song; silent stretches of it do not count.
    learned
        The artefact's spectrum, from the first pass over the whole song.
    amount
        How many times its mean strength is taken away. More takes its peaks as well, and more of the stem.
    floor
        Nothing is lowered further than this.
    n_fft
        FFT size in samples: long frames tell whistles from music.

    Returns
    -------
    Audio
        As long as the stem.

    References
    ----------
    Boll, "Suppression of acoustic noise in speech using spectral subtraction", IEEE TASSP 27(2), 1979; in the power
    domain (Berouti et al. 1979): |Y|^2 = max(|S|^2 - (amount T)^2, floor^2 |S|^2).
    """
    require_match(audio, artefact)
    transform = Stft(settings(n_fft, hop), audio.span, threads=run.threads)
    taken = np.square(np.float32(amount) * learned.arrays["spectrum"])
    least = np.float32(10 ** (floor / 10))

    def change(channel: int, first: int, bins: Complex64) -> None:
        run.check()
        power = bins.real**2 + bins.imag**2
        share = np.divide(taken[channel % len(taken)], power, out=np.ones_like(power), where=power > 0)
        bins *= np.sqrt(np.maximum(1 - share, least))

    return audio.with_samples(transform.rebuild(audio.samples, change, np.empty_like(audio.samples)))
