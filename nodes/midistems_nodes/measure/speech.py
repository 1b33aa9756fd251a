"""How well words can be understood: STOI."""

from __future__ import annotations

import importlib
import math
import warnings

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, NodeError, Number, Run, Stream, node
from midistems_nodes.measure.streams import side_by_side

_TOO_SHORT = 0.6


@node(
    "measure.stoi",
    title="Intelligibility (STOI)",
    tags=("score", "speech", "words", "intelligibility"),
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
    try:
        library = importlib.import_module("pystoi")
    except ImportError:
        raise NodeError(
            'the package pystoi is not installed; install it with pip install "midistems-graph[metrics]"'
        ) from None
    parts: tuple[list[Float32], list[Float32]] = ([], [])
    for pair in side_by_side(reference, estimate, run):
        for part, audio in zip(parts, pair, strict=True):
            part.append(audio.samples.mean(axis=0))
    true, guess = (np.concatenate(part) if part else np.zeros(0, np.float32) for part in parts)
    if not true.any() or len(true) < _TOO_SHORT * reference.span.rate:
        run.warn("the reference is silent or shorter than 0.6 s, so there is no figure about the estimate")
        return Number(math.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Number(float(library.stoi(true, guess, reference.span.rate, extended=extended)))
