"""A mask fitted to a song while it is separated, without training."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import numpy as np

from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Complex64, Float32
from midistems_graph.node import Audio, Range, Run, node, samples
from midistems_nodes.mask import objectives
from midistems_nodes.mask.objectives import Objective
from midistems_nodes.separate.blocks import Check, each
from midistems_nodes.signals import require_match, require_some, total
from midistems_nodes.transform.spectrogram import FftSize, Hop
from midistems_nodes.transform.spectrogram import settings as settings_of

_START = np.float32(3)
_MOMENTUM, _MEMORY, _EPSILON = np.float32(0.9), np.float32(0.999), np.float32(1e-8)
_FRAMES = 32

Goal = Literal["mel", "si_sar", "psychoacoustic"]


class Fitted(NamedTuple):
    stem: Audio
    rest: Audio


@node(
    "mask.fit",
    title="Fit mask",
    tags=("optimise", "test time", "refine", "dgmo", "adam", "reference", "generative"),
    sums_to="mixture",
    context=lambda k: samples(k.n_fft + k.hop),
    scratch=3.5,
    libraries=("numpy", "scipy"),
)
def fit(
    mixture: Audio,
    references: tuple[Audio, ...],
    *,
    objective: Goal = "mel",
    bands: Annotated[int, Range(8, 512)] = 256,
    artefacts: Annotated[float, Range(0.1, 100, "times", "log")] = 2.0,
    iterations: Annotated[int, Range(1, 2000)] = 40,
    step: Annotated[float, Range(0.001, 1, "", "log")] = 0.25,
    n_fft: FftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Fitted:
    """Find the mask that makes of the song what comes nearest to a reference, step by step.

    Parameters
    ----------
    mixture
        The song.
    references
        What the stem should be like, one or more: another model's stem, several models' ones, or what a generative
        network proposes. They need not add up with anything, nor be in phase for the objective `mel`.
    objective
        `mel`: levels in mel bands. `si_sar`: as near to the reference as can be without artefacts, which count
        `artefacts` times as much as bleed. `psychoacoustic`: only errors that the reference does not hide from the ear.
    bands
        Mel bands; few follow the reference loosely and keep the song's fine structure. Only for `mel`.
    artefacts
        What artefacts weigh against bleed. Only for `si_sar`.
    iterations
        Steps.
    step
        Learning rate. The farthest that a factor can fall is from 0.95 to 1 / (1 + exp(step * iterations - 3)).

    Returns
    -------
    Fitted
        stem, the song through the mask, and rest, the song without it.

    Notes
    -----
    Good for references that sound right but are not parts of the song, such as what a generative network makes: the
    result is a part of it. Behind a reference that is itself a mask of the song nothing is gained. The paper takes 64
    bands and 300 steps of 0.01, three times over.

    References
    ----------
    Lee, Han & Seo, "DGMO: training-free audio source separation through diffusion-guided mask optimization",
    Interspeech 2025 (arXiv 2506.02858): M = sigmoid(W), W = 3 at first, Adam, MSE in mel; with gradients of our own.
    """
    require_some("references", references)
    require_match(mixture, *references)
    transform = Stft(settings_of(n_fft, hop), mixture.span, threads=run.threads)
    bins = transform.forward(mixture.samples)
    wanted = transform.forward(total(references) / np.float32(len(references)))
    rows, others = bins.reshape(-1, bins.shape[2]), wanted.reshape(-1, bins.shape[2])

    def aim(song: Complex64, source: Complex64) -> Objective:
        match objective:
            case "mel":
                return objectives.mel(song, source, mixture.rate, bands)
            case "si_sar":
                return objectives.si_sar(song, source, artefacts)
            case "psychoacoustic":
                return objectives.psychoacoustic(song, source, mixture.rate)

    def one(first: int, check: Check) -> None:
        place = slice(first, first + _FRAMES)
        loudest = np.abs(rows[place]).max(axis=1, keepdims=True)
        scale: Float32 = np.where(loudest > 0, loudest, np.float32(1))
        song: Complex64 = rows[place] / scale
        source: Complex64 = others[place] / scale
        mask = fitted(aim(song, source), song.shape, iterations, step, check)
        if objective == "si_sar":
            mask = objectives.levelled(mask, song, source)
        rows[place] *= mask

    each(range(0, len(rows), _FRAMES), one, run)
    stem = mixture.with_samples(transform.inverse(bins))
    return Fitted(stem, mixture.with_samples(mixture.samples - stem.samples))


def fitted(objective: Objective, shape: tuple[int, ...], iterations: int, step: float, check: Check) -> Float32:
    """The mask [frames, bins] that Adam (Kingma & Ba 2015) comes to."""
    weights = np.full(shape, _START)
    mean, power = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for done in range(1, iterations + 1):
        check()
        mask = _sigmoid(weights)
        slope = objective(mask)[1] * mask * (1 - mask)
        mean += (1 - _MOMENTUM) * (slope - mean)
        power += (1 - _MEMORY) * (slope * slope - power)
        rate = np.float32(step * np.sqrt(1 - float(_MEMORY) ** done) / (1 - float(_MOMENTUM) ** done))
        weights -= rate * mean / (np.sqrt(power) + _EPSILON)
    return _sigmoid(weights)


def _sigmoid(weights: Float32) -> Float32:
    return np.asarray(1 / (1 + np.exp(-weights)), np.float32)
