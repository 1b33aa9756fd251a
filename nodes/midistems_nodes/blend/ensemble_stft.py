"""One estimate of several, bin by bin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np

from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Complex64, Float32
from midistems_graph.node import Audio, Range, Run, node, samples, stem_by_stem
from midistems_nodes.blend.ensemble import weight_factors
from midistems_nodes.blend.order import extreme, median
from midistems_nodes.ports import Member
from midistems_nodes.signals import Signal, merge_audio, require_some
from midistems_nodes.transform.spectrogram import FftSize, Hop, settings

_FRAMES = 16


@node(
    "blend.ensemble_stft",
    version="1.1.0",
    title="Ensemble (spectral)",
    tags=("average", "median", "min", "max", "spectrogram"),
    context=lambda k: samples(k.n_fft + k.hop),
    libraries=("numpy", "scipy"),
    scratch=2,
    apart=stem_by_stem,
)
def ensemble_stft(
    estimates: tuple[Member[Signal], ...],
    *,
    method: Literal["average", "median", "min", "max"] = "min",
    weights: Annotated[tuple[float, ...], Range(0, 1000)] = (),
    n_fft: FftSize = 4096,
    hop: Hop = 1024,
    run: Run,
) -> Signal:
    """Make one estimate of several models' estimates of the same thing, in the spectrum.

    Parameters
    ----------
    method
        `min` takes the weakest bin (least bleed), `max` the strongest (fullest), with its phase; `median` drops
        outliers; `average` is the same as in the waveform.
    weights
        For `average`: one number per estimate, how much it counts; none for equal weights.

    Notes
    -----
    Good for cleaning bleed that only some of the models have: `min` for an instrumental, `max` for vocals that some
    models lose. With `n_fft` 2048 and `hop` 1024, `min` and `max` are what Ultimate Vocal Remover calls min and max
    spec.

    References
    ----------
    Min and max by |X_k|, the earliest of equals; the median is taken of real and imaginary parts apart.
    """
    require_some("estimates", estimates)
    chosen, factors = settings(n_fft, hop), weight_factors(method, weights, len(estimates))

    def merge(parts: Sequence[Audio]) -> Audio:
        transform = Stft(chosen, parts[0].span, threads=run.threads)
        result = np.empty_like(parts[0].samples)
        for channel in range(len(result)):
            spectra = []
            for part in parts:
                run.check()
                spectra.append(transform.forward(part.samples[channel : channel + 1]))
            _combine(spectra, method, factors, run)
            transform.inverse(spectra[0], result[channel : channel + 1])
        return parts[0].with_samples(result)

    return merge_audio(estimates, merge)


def _combine(spectra: list[Complex64], method: str, factors: Float32, run: Run) -> None:
    """Combine all spectra into the first one."""
    for first in range(0, spectra[0].shape[1], _FRAMES):
        run.check()
        pieces = [bins[:, first : first + _FRAMES] for bins in spectra]
        match method:
            case "average":
                pieces[0] *= factors[0]
                for piece, factor in zip(pieces[1:], factors[1:], strict=True):
                    pieces[0] += piece * factor
            case "median":
                pieces[0].view(np.float32)[:] = median([piece.view(np.float32) for piece in pieces])
            case _:
                pieces[0][:] = extreme(pieces, largest=method == "max")
