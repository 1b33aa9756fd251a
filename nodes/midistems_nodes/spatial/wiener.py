"""Multichannel Wiener filter: stems by how strong they are and where they stand."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Complex64, Float32
from midistems_graph.node import Audio, Features, Range, Run, Stems, Stream, node, samples
from midistems_nodes.ports import Mixture
from midistems_nodes.signals import require_match, total
from midistems_nodes.spatial.blocks import covariance, power, spectra, stream_spectra
from midistems_nodes.transform.spectrogram import FftSize, Hop, settings

Iterations = Annotated[int, Range(1, 10)]

_FRAMES = 32
_REGULAR = np.float32(1e-5)
"""Added to the diagonal, relative to the mean power of the bin's channels."""


def spatial_model(
    mixture: Stream[Audio],
    stems: Stream[Stems],
    *,
    iterations: Iterations = 1,
    n_fft: FftSize = 4096,
    hop: Hop = 1024,
    run: Run,
) -> Features:
    """Spatial covariances of every stem after every round: complex64 [rounds, stems, bins, channels, channels]."""
    chosen = settings(n_fft, hop)
    found: list[Complex64] = []
    for done in range(iterations):

        def report(part: float, done: int = done) -> None:
            run.progress((done + part) / iterations)

        above: Complex64 | None = None
        below = np.zeros(0)
        for whole, parts in stream_spectra(mixture, stems, chosen, run, report):
            for known in found:
                filter_stems(whole, parts, known, run)
            if above is None:
                channels = len(whole)
                above = np.zeros((len(parts), chosen.n_bins, channels, channels), np.complex64)
                below = np.zeros((len(parts), chosen.n_bins))
            for number, part in enumerate(parts):
                run.check()
                above[number] += covariance(part)
                below[number] += power(part).sum(axis=0)
        if above is not None:
            silent = below <= 0
            above /= np.where(silent, 1, below)[..., None, None].astype(np.float32)
            above[silent] = np.eye(above.shape[-1], dtype=np.complex64)
            found.append(above)
    return Features({"covariance": np.stack(found)} if found else {})


@node(
    "spatial.wiener",
    title="Multichannel Wiener",
    tags=("em", "covariance", "panning", "stereo", "norbert", "refine"),
    context=lambda k: samples(k.n_fft + k.hop),
    reduce=spatial_model,
    complete=True,
    sums_to="mixture",
    libraries=("numpy", "scipy"),
    scratch=4,
)
def wiener(
    mixture: Mixture,
    stems: Stems,
    learned: Features,
    *,
    iterations: Iterations = 1,
    n_fft: FftSize = 4096,
    hop: Hop = 1024,
    run: Run,
) -> Stems:
    """Separate again by what a first separation has learnt: how strong each stem is, and where it stands in stereo.

    Good after separators that work channel by channel: what stands elsewhere than the stem does is taken out of it. In
    mono, or where all stems stand in the same place, it is a plain Wiener filter.

    Parameters
    ----------
    stems
        All stems of the mixture, from any separator.
    learned
        Where every stem stands, frequency by frequency, from the first pass over the whole song.
    iterations
        Rounds of expectation and maximisation. More separate further and tear more holes.

    Returns
    -------
    Stems
        The same names; they add up to the mixture.

    References
    ----------
    Nugraha, Liutkus & Vincent, "Multichannel audio source separation with deep neural networks", IEEE/ACM TASLP 24(9),
    2016, equations 5 to 11; the figures of the package norbert: v_j = mean over channels of |y_j|^2,
    R_j = sum_t y_j y_j^H / sum_t v_j, y_j = v_j R_j (sum_k v_k R_k + e I)^-1 x. Here e follows the bin's own power, so
    that level does not matter. The last stem is the mixture minus the others.
    """
    require_match(mixture, stems)
    if not stems.complete:
        run.warn("the stems are not known to make up the whole mixture; what is missing goes into all of them")
    chosen = settings(n_fft, hop)
    whole, parts = spectra(mixture, stems, chosen, run)
    for done, known in enumerate(learned.arrays["covariance"]):
        run.progress(done / iterations)
        filter_stems(whole, parts, known, run)
    inverse = Stft(chosen, mixture.span, threads=run.threads).inverse
    *names, last = stems
    made = {name: mixture.with_samples(inverse(part)) for name, part in zip(names, parts, strict=False)}
    rest = mixture.samples - total(list(made.values())) if made else mixture.samples
    return Stems({**made, last: mixture.with_samples(rest)}, complete=True)


def filter_stems(mixture: Complex64, stems: Complex64, known: Complex64, run: Run) -> None:
    """Put v_j R_j (sum_k v_k R_k + e I)^-1 x in the place of the stems [stems, channels, frames, bins].

    `known` are the R_j, [stems, bins, channels, channels].
    """
    channels = len(mixture)
    places = known.transpose(0, 2, 3, 1)[:, :, :, None]
    for first in range(0, mixture.shape[1], _FRAMES):
        run.check()
        frames = np.s_[first : first + _FRAMES]
        strengths = power(stems[:, :, frames])
        whole: Complex64 = np.einsum("jtf,jabf->abtf", strengths, places[:, :, :, 0])
        size: Float32 = whole[range(channels), range(channels)].real.sum(axis=0) / np.float32(channels)
        for of_power in (whole, strengths):  # or determinants of quiet bins underflow
            np.divide(of_power, size, out=of_power, where=size > 0)
        for channel in range(channels):
            whole[channel, channel] += _REGULAR
        explained = _solve(whole, mixture[:, frames])
        explained[:, size <= 0] = 0
        for number, place in enumerate(places):
            stems[number, :, frames] = np.sum(place * explained, axis=1) * strengths[number]


def _solve(matrix: Complex64, vector: Complex64) -> Complex64:
    """matrix^-1 vector, [a, b, frames, bins] and [b, frames, bins]; in closed form for one and two channels."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if len(vector) == 1:
            return np.asarray(vector / matrix[0], np.complex64)
        if len(vector) == 2:
            (a, b), (c, d) = matrix
            x, y = vector
            over = a * d - b * c
            return np.stack([(d * x - b * y) / over, (a * y - c * x) / over])
    arranged = matrix.transpose(2, 3, 0, 1).copy()
    arranged[~arranged.any(axis=(2, 3))] = np.eye(len(vector))
    solved = np.linalg.solve(arranged, vector.transpose(1, 2, 0)[..., None])
    return np.asarray(solved[..., 0].transpose(2, 0, 1), np.complex64)
