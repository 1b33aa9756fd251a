"""Phases of partials: what a sinusoid must look like around its peaks."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import Complex64, Float32
from midistems_graph.node import Range, Run, Stems, node, samples
from midistems_nodes.phase.impose import impose
from midistems_nodes.phase.inversion import Inversion
from midistems_nodes.phase.knobs import Power, Rounds, Start, Wanted
from midistems_nodes.ports import AllStems, Mixture
from midistems_nodes.signals import require_match
from midistems_nodes.transform.spectrogram import Hop, StemsFftSize, settings

Bool = npt.NDArray[np.bool_]


@node(
    "phase.partial",
    title="Partial phase",
    tags=("phase", "sinusoid", "peaks", "refine", "misi"),
    complete=True,
    sums_to="mixture",
    context=lambda k: samples((2 * k.iterations + 2) * k.n_fft),
    scratch=8.5,
    libraries=("numpy", "scipy"),
)
def partial(
    mixture: Mixture,
    stems: AllStems,
    *,
    iterations: Rounds = 5,
    depth: Annotated[float, Range(0, 120, "dB")] = 20.0,
    lock: bool = False,
    magnitudes: Wanted = "shares",
    power: Power = 1.0,
    start: Start = "mixture",
    n_fft: StemsFftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Stems:
    """Refine the phases of stems, and trust them where they have partials.

    A tone is a peak in the spectrum. What the stems lack of the mixture goes to those that have a peak at that place,
    since an error there is theirs and can be mended; elsewhere it is shared equally, as MISI does. Good after
    separators that judge magnitudes.

    Parameters
    ----------
    depth
        Peaks so far below the strongest one of their moment count no longer.
    lock
        Let the bins beside a peak take the phase that the peak determines, as for a tone that stands still. Only for
        steady instruments: it hurts voices and whatever else glides.

    Returns
    -------
    Stems
        The same names; they add up to the mixture.

    Notes
    -----
    The phase of a peak itself is that of the running estimate; the paper also predicts it from frame to frame.

    References
    ----------
    Watanabe & Mowlaee, "Iterative sinusoidal-based partial phase reconstruction in single-channel source separation",
    Interspeech 2013. A sinusoid's bins in the main lobe of a symmetric window have the phase of its peak, turned over
    from bin to bin: arg X[b] = arg X[p] - pi (b - p).
    """
    require_match(mixture, stems)
    if not stems.complete:
        run.warn("the stems are not known to make up the whole mixture; what is missing goes into all of them")
    chosen = settings(n_fft, hop)
    inversion = Inversion(mixture, stems, chosen, wanted=magnitudes, power=power, start=start, run=run)
    least = 10 ** (-depth / 20)
    confident = np.zeros(inversion.wanted.shape, np.bool_)
    for row, wanted in enumerate(inversion.wanted):
        run.check()
        found = peaks(wanted, least)
        confident[row] = found
        confident[row, :, 1:] |= found[:, :-1]
        confident[row, :, :-1] |= found[:, 1:]

    def change(row: int, place: slice, bins: Complex64) -> None:
        wanted = inversion.wanted[row, place]
        impose(wanted, bins)
        if lock:
            follow_peaks(bins, wanted, peaks(wanted, least))

    for done in range(iterations):
        run.progress(done / iterations)
        inversion.trusting_round(change, confident)
    return inversion.result()


def peaks(magnitude: Float32, least: float) -> Bool:
    """Where bins [frames, bins] rise above both neighbours and `least` times the frame's strongest bin."""
    found = np.zeros(magnitude.shape, np.bool_)
    inner = magnitude[:, 1:-1]
    floor = magnitude.max(axis=1, keepdims=True, initial=0) * np.float32(least)
    found[:, 1:-1] = (inner > magnitude[:, :-2]) & (inner > magnitude[:, 2:]) & (inner > floor)
    return found


def follow_peaks(bins: Complex64, magnitude: Float32, found: Bool) -> None:
    """Give the neighbours of peaks the phases that the peaks determine, in place; the stronger of two peaks wins."""
    peak_bins = np.where(found, bins, 0)
    size = np.where(found, magnitude, 0)
    below, above = size[:, :-2], size[:, 2:]
    stronger = np.where(above > below, peak_bins[:, 2:], peak_bins[:, :-2])
    arrow: Complex64 = -stronger
    impose(magnitude[:, 1:-1], arrow)
    np.copyto(bins[:, 1:-1], arrow, where=(below + above > 0) & ~found[:, 1:-1])
