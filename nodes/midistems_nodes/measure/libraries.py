"""Measures that other packages define: BSS eval version 4, and log-WMSE."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from pathlib import Path
from types import ModuleType
from typing import Annotated

import numpy as np

from midistems_graph.audio.stem_names import find
from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, NodeError, Number, Range, Run, Scores, Stems, Stream, node
from midistems_nodes.measure.streams import chunks, side_by_side
from midistems_nodes.ports import Estimate, Mixture
from midistems_nodes.signals import BLOCK, total

FIGURES = ("sdr", "isr", "sir", "sar")


@node(
    "measure.bss_eval",
    title="BSS eval v4 (museval)",
    tags=("score", "sdr", "sir", "sar", "isr", "musdb", "sisec"),
    holds=True,
    libraries=("museval",),
)
def bss_eval(
    estimates: Stream[Stems],
    references: Stream[Stems],
    *,
    frame: Annotated[float, Range(0.1, 60, "s")] = 1.0,
    run: Run,
) -> Scores:
    """The figures that papers on MUSDB18 print: medians of SDR, ISR, SIR and SAR over frames of a second.

    Parameters
    ----------
    estimates
        What a separation made, with an estimate of every reference.
    references
        The true stems, all of the mixture.
    frame
        Length of a frame, and the step from frame to frame.

    Returns
    -------
    Scores
        A row per reference.

    Notes
    -----
    Needs the package museval (`pip install "midistems-graph[metrics]"`), takes long, and holds the song in memory. An
    estimate may be a filtered version of its source without losing SDR, so figures are higher than plain SDR. Frames in
    which a source is silent do not count.

    References
    ----------
    Stöter, Liutkus & Ito, "The 2018 signal separation evaluation campaign", LVA/ICA 2018; the package museval, with its
    usual settings.
    """
    museval = museval_metrics()
    names: list[str] = []
    true: list[list[Float32]] = []
    guess: list[list[Float32]] = []
    for ours, theirs in side_by_side(estimates, references, run):
        if not names:
            names = list(theirs)
            missing = [name for name in names if not find(name, ours)]
            if missing:
                raise NodeError(f"there is no estimate of {', '.join(missing)}; BSS eval needs one of every reference")
            true, guess = [[] for _ in names], [[] for _ in names]
        for row, name in enumerate(names):
            true[row].append(theirs[name].samples)
            guess[row].append(total([ours[one] for one in find(name, ours)]))
    rate = references.span.rate
    arrays = [np.stack([np.concatenate(part, axis=1).T for part in parts]) for parts in (true, guess)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = museval.bss_eval(*arrays, window=round(frame * rate), hop=round(frame * rate))
        medians = [np.nanmedian(np.asarray(values, float), axis=1) for values in found[:4]]
    rows = {
        name: {figure: float(values[row]) for figure, values in zip(FIGURES, medians, strict=True)}
        for row, name in enumerate(names)
    }
    return Scores(rows, dict.fromkeys(FIGURES, "dB"))


@node(
    "measure.log_wmse",
    title="log-WMSE",
    tags=("score", "quality", "perceptual", "silence"),
    holds=True,
    libraries=("log_wmse_audio_quality",),
)
def log_wmse(mixture: Stream[Mixture], estimate: Stream[Estimate], reference: Stream[Audio], *, run: Run) -> Number:
    """The error of an estimate, weighed as the ear hears it, against the loudness of the mixture.

    Parameters
    ----------
    reference
        The true source; it may be silent.

    Notes
    -----
    Good where a reference is silent, of which SDR says nothing. Higher is better; 73.7 is the most. Needs the package
    log-wmse-audio-quality (`pip install "midistems-graph[metrics]"`), and holds the song in memory.

    References
    ----------
    The package log-wmse-audio-quality by Nomono: -4 ln(mean of (h * (e - s))^2 + 1e-8), h the ear's sensitivity, all
    scaled so that h * x has an RMS of 1.
    """
    try:
        library = importlib.import_module("log_wmse_audio_quality")
    except ImportError:
        raise _missing("log-wmse-audio-quality") from None
    parts: list[list[Float32]] = [[], [], []]
    for pieces in chunks((mixture, estimate, reference), BLOCK, run.progress):
        for part, audio in zip(parts, pieces, strict=True):
            part.append(audio.samples)
    arrays = [np.concatenate(part, axis=1) if part else np.zeros((1, 0), np.float32) for part in parts]
    return Number(float(library.calculate_log_wmse(*arrays, mixture.span.rate)))


def museval_metrics() -> ModuleType:
    """The module museval.metrics alone: the package around it asks for ffmpeg, to read files that are not read here."""
    package = importlib.util.find_spec("museval")
    if package is None or not package.submodule_search_locations:
        raise _missing("museval")
    place = Path(package.submodule_search_locations[0]) / "metrics.py"
    found = importlib.util.spec_from_file_location("museval_metrics", place)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def _missing(package: str) -> NodeError:
    return NodeError(f'the package {package} is not installed; install it with pip install "midistems-graph[metrics]"')
