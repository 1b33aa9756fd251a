"""How well words can be understood, STOI, and how clean speech sounds, PESQ."""

from __future__ import annotations

import importlib
import math
import warnings
from types import ModuleType
from typing import Literal

import numpy as np

from midistems_graph.audio.resample import resample
from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, NodeError, Number, Run, Stream, node
from midistems_nodes.measure.streams import side_by_side

_TOO_SHORT = 0.6


@node(
    "measure.stoi",
    title="Intelligibility (STOI)",
    tags=("score", "speech", "words", "intelligibility"),
    holds=True,
    libraries=("pystoi",),
)
def stoi(estimate: Stream[Audio], reference: Stream[Audio], *, extended: bool = False, run: Run) -> Number:
    """How well the words of a voice can be understood, from 0 to 1.

    Parameters
    ----------
    estimate
        What a separation made of the voice.
    reference
        The true voice.
    extended
        The extended measure (ESTOI), for disturbances that come and go.

    Notes
    -----
    Good for speech and for singing whose words matter; says nothing about instruments. Channels are averaged, pauses of
    the reference do not count, and the song is held in memory. Needs the package pystoi
    (`pip install "midistems-graph[metrics]"`).

    References
    ----------
    Taal et al., "An algorithm for intelligibility prediction of time-frequency weighted noisy speech", IEEE TASLP
    19(7), 2011; Jensen & Taal, IEEE/ACM TASLP 24(11), 2016; the package pystoi.
    """
    library = _library("pystoi", "metrics")
    true, guess = _averaged(reference, estimate, run)
    if not true.any() or len(true) < _TOO_SHORT * reference.span.rate:
        run.warn("the reference is silent or shorter than 0.6 s, so there is no figure about the estimate")
        return Number(math.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Number(float(library.stoi(true, guess, reference.span.rate, extended=extended)))


@node(
    "measure.pesq",
    title="Quality of speech (PESQ)",
    tags=("score", "speech", "quality", "perceptual", "p.862"),
    holds=True,
    libraries=("pesq", "soxr"),
)
def pesq(
    estimate: Stream[Audio], reference: Stream[Audio], *, band: Literal["wide", "narrow"] = "wide", run: Run
) -> Number:
    """How good speech sounds to listeners, from 1 (bad) to 4.6.

    Parameters
    ----------
    estimate
        What a separation made of the voice.
    reference
        The true voice.
    band
        `wide` listens up to 8 kHz, `narrow` as a telephone does.

    Notes
    -----
    Made for speech over telephone lines; of singing it says little, of instruments nothing. Channels are averaged, the
    sound is brought to 16 or 8 kHz, and the song is held in memory. Needs the package pesq
    (`pip install "midistems-graph[pesq]"`), which is compiled while it is installed and so wants a C compiler. The
    package is under the MIT licence; the code of ITU-T in it has terms of its own, which are to be read before
    commercial use.

    References
    ----------
    ITU-T P.862 and P.862.2; Rix et al., "Perceptual evaluation of speech quality (PESQ)", ICASSP 2001; the package
    pesq.
    """
    library = _library("pesq", "pesq")
    rate = 16000 if band == "wide" else 8000
    true, guess = (
        resample(Audio.of(sound, reference.span.rate), rate).samples[0] for sound in _averaged(reference, estimate, run)
    )
    try:
        return Number(float(library.pesq(rate, true, guess, "wb" if band == "wide" else "nb")))
    except library.PesqError:
        run.warn("the reference is silent or too short to hold speech, so there is no figure about the estimate")
        return Number(math.nan)


def _library(name: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise NodeError(
            f'the package {name} is not installed; install it with pip install "midistems-graph[{extra}]"'
        ) from None


def _averaged(reference: Stream[Audio], estimate: Stream[Audio], run: Run) -> tuple[Float32, Float32]:
    """Both sounds as a whole, the mean of their channels, [samples]."""
    parts: tuple[list[Float32], list[Float32]] = ([], [])
    for pair in side_by_side(reference, estimate, run):
        for part, audio in zip(parts, pair, strict=True):
            part.append(audio.samples.mean(axis=0))
    true, guess = (np.concatenate(part) if part else np.zeros(0, np.float32) for part in parts)
    return true, guess
