"""Spectra of several matching signals, block by block: for streams, and for tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Complex64, Float32
from midistems_graph.node import Audio, Run, Stems, StftSettings, Stream
from midistems_nodes.measure.streams import chunks

_FRAMES = 256


def spectra(mixture: Audio, stems: Stems, settings: StftSettings, run: Run) -> tuple[Complex64, Complex64]:
    """The mixture's bins [channels, frames, bins] and the stems' [stems, channels, frames, bins]."""
    transform = Stft(settings, mixture.span, threads=run.threads)
    made = []
    for audio in stems.audio.values():
        run.check()
        made.append(transform.forward(audio.samples))
    return transform.forward(mixture.samples), np.stack(made)


def stream_spectra(
    mixture: Stream[Audio], stems: Stream[Stems], settings: StftSettings, run: Run, report: Callable[[float], None]
) -> Iterator[tuple[Complex64, Complex64]]:
    """The same over a whole song, in pieces on the song's own grid, each reflected at its ends."""
    for whole, parts in chunks((mixture, stems), _FRAMES * settings.hop, report):
        yield spectra(whole, parts, settings, run)


def covariance(bins: Complex64) -> Complex64:
    """sum_t y y^H of bins [channels, frames, bins]: [bins, channels, channels]."""
    vectors = np.ascontiguousarray(bins.transpose(2, 0, 1))
    made: Complex64 = vectors @ vectors.conj().transpose(0, 2, 1)
    return made


def power(bins: Complex64) -> Float32:
    """The mean over channels of |y|^2 [..., channels, frames, bins]."""
    made: Float32 = (bins.real**2 + bins.imag**2).mean(axis=-3)
    return made
