"""What of an error is heard beside the sound that it spoils."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from midistems_graph.audio.stft import Stft
from midistems_graph.node import Number, Run, StftSettings, Stream, node
from midistems_nodes.measure.bands import Float64, bark
from midistems_nodes.measure.ratios import ratio_db
from midistems_nodes.measure.streams import chunks
from midistems_nodes.ports import Estimate, TrueSource

_FRAMES = 128


class Masking(NamedTuple):
    nmr: Number
    audible: Number


@node(
    "measure.masking",
    title="Noise to mask ratio",
    tags=("psychoacoustic", "perceptual", "nmr", "artefact", "mp3"),
    libraries=("numpy", "scipy"),
)
def masking(estimate: Stream[Estimate], reference: Stream[TrueSource], *, run: Run) -> Masking:
    """How far the error of an estimate stands above what the true source hides from the ear.

    A sound hides others near it in pitch that are some dB softer, as lossy codecs make use of. Error below that is
    not heard, however it counts in an SDR.


    Returns
    -------
    Masking
        nmr, the mean ratio of error to mask in dB, lower is better and below -10 is hardly heard; audible, the share
        of all moments and bands in which the error rises above the mask.

    Notes
    -----
    Good beside SI-SDR for judging artefacts. Only masking within a moment is modelled, at any loudness alike; moments
    in which the reference is silent do not count.

    References
    ----------
    Spreading over critical bands by Schroeder, Atal & Hall (JASA 66, 1979), offsets of the masker 3 dB up to 12 Bark
    and z / 4 dB above, as in ITU-R BS.1387 (PEAQ), whose total NMR is the mean ratio in dB.
    """
    rate = reference.span.rate
    settings = StftSettings(2048, 1024) if rate > 24000 else StftSettings(1024, 512)
    bands, spreading = masking_bands(rate, settings.n_fft)
    sums = np.zeros(3)
    for guess, true in chunks((estimate, reference), _FRAMES * settings.hop, run.progress):
        transform = Stft(settings, true.span, threads=run.threads)
        own, error = (
            np.square(np.abs(transform.forward(samples))).astype(np.float64) @ bands
            for samples in (true.samples, guess.samples - true.samples)
        )
        mask = own @ spreading
        sounding = mask > 0
        ratios = error[sounding] / mask[sounding]
        sums += np.array([ratios.sum(), np.count_nonzero(ratios > 1), ratios.size], np.float64)
    if not sums[2]:
        run.warn("the reference is silent, so there is no figure about the estimate")
        return Masking(Number(math.nan, "dB"), Number(math.nan))
    return Masking(Number(ratio_db(sums[0], sums[2]), "dB"), Number(float(sums[1] / sums[2])))


def masking_bands(rate: int, n_fft: int) -> tuple[Float64, Float64]:
    """Which bins belong to which half-Bark band [bins, bands], and how much of a band masks another [from, to]."""
    place = bark(np.arange(n_fft // 2 + 1) * rate / n_fft)
    number = (2 * place).astype(int)
    used = np.unique(number[1:])
    bands = (number[:, None] == used).astype(np.float64)
    bands[0] = 0
    centre = (used + 0.5) / 2
    apart = centre[None, :] - centre[:, None] + 0.474
    spread = 10 ** ((15.81 + 7.5 * apart - 17.5 * np.sqrt(1 + apart**2)) / 10)
    spread /= spread.sum(axis=0)
    offset = np.where(centre <= 12, 3, centre / 4)
    return bands, spread * 10 ** (-offset / 10)
