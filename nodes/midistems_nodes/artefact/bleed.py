"""Bleed between stems: what of one is heard in another one."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Complex64, Float32
from midistems_graph.node import Features, Range, Run, Stems, Stream, node, samples
from midistems_nodes.measure.streams import chunks
from midistems_nodes.signals import require_match
from midistems_nodes.transform.spectrogram import FftSize, Hop, settings

_FRAMES = 256
_APART = 2.0
"""A stem counts as the louder one in a bin where it has so many times the magnitude of the other one."""


def leakage(stems: Stream[Stems], *, n_fft: FftSize = 4096, hop: Hop = 1024, run: Run, **_: object) -> Features:
    """How much of every stem is heard in every other one, by bin: `leakage`, float32 [into, from, bins].

    The geometric mean of |S_into| / |S_from| over the bins in which `from` is much louder; 0 where that never happens.
    """
    chosen = settings(n_fft, hop)
    sums: npt.NDArray[np.float64] | None = None
    counts: npt.NDArray[np.float64] | None = None
    for (part,) in chunks((stems,), _FRAMES * hop, run.progress):
        transform = Stft(chosen, part.span, threads=run.threads)
        sizes = []
        for audio in part.audio.values():
            run.check()
            sizes.append(np.abs(transform.forward(audio.samples)).mean(axis=0))
        if sums is None or counts is None:
            sums, counts = np.zeros((2, len(sizes), len(sizes), chosen.n_bins))
        for into, quiet in enumerate(sizes):
            for source, loud in enumerate(sizes):
                run.check()
                clear = (loud > _APART * quiet) & (quiet > 0)
                ratio = np.log(np.divide(quiet, loud, out=np.ones_like(quiet), where=clear))
                sums[into, source] += ratio.sum(axis=0)
                counts[into, source] += clear.sum(axis=0)
    if sums is None or counts is None:
        return Features({})
    found = np.where(counts > 0, np.exp(sums / np.maximum(counts, 1)), 0)
    return Features({"leakage": found.astype(np.float32)})


@node(
    "artefact.bleed",
    title="Reduce bleed",
    tags=("crosstalk", "leakage", "interference", "denoise"),
    context=lambda k: samples(k.n_fft + k.hop),
    reduce=leakage,
    libraries=("numpy", "scipy"),
    scratch=2.5,
)
def bleed(
    stems: Stems,
    learned: Features,
    *,
    amount: Annotated[float, Range(0, 4)] = 1.0,
    floor: Annotated[float, Range(-80, 0, "dB")] = -12.0,
    n_fft: FftSize = 4096,
    hop: Hop = 1024,
    run: Run,
) -> Stems:
    """Take out of each stem what the others have left in it, and give it back to them.

    How much of each stem is heard in each other one is learnt over the whole song, pitch by pitch, from the moments in
    which one is much louder. Good behind separators that leave a steady ghost of the drums in the vocals.

    Parameters
    ----------
    stems
        Two stems or more.
    learned
        The leakage, from the first pass over the whole song.
    amount
        How many times the expected bleed is taken away.
    floor
        Nothing is lowered further than this.

    Returns
    -------
    Stems
        The same names; their sum stays.

    References
    ----------
    Power subtraction as in Kokkinis, Reiss & Mourjopoulos, "A Wiener filter approach to microphone leakage reduction in
    close-microphone applications", IEEE TASLP 20(3), 2012: g_k = sqrt(max(1 - sum_j (c_kj A_j)^2 / A_k^2, floor^2));
    (1 - g_k) S_k goes to the others in proportion to (c_kj A_j)^2.
    """
    transform = Stft(settings(n_fft, hop), stems.span, threads=run.threads)
    parts = [audio.samples for audio in stems.audio.values()]
    require_match(*stems.audio.values())
    known = np.square(np.float32(amount) * learned.arrays["leakage"])
    made = [np.empty_like(part) for part in parts]
    for channel in (slice(c, c + 1) for c in range(stems.channels)):
        bins = []
        for part in parts:
            run.check()
            bins.append(transform.forward(part[channel]))
        for first in range(0, bins[0].shape[1], 32):
            run.check()
            _reduce([one[0, first : first + 32] for one in bins], known, np.float32(10 ** (floor / 10)))
        for one, out in zip(bins, made, strict=True):
            run.check()
            transform.inverse(one, out[channel])
    return stems.map({name: stems[name].with_samples(out) for name, out in zip(stems, made, strict=True)})


def _reduce(bins: list[Complex64], known: Float32, least: np.float32) -> None:
    """Move bleed from stem to stem, in place."""
    powers = [one.real**2 + one.imag**2 for one in bins]
    moved: list[Complex64] = [np.zeros_like(one) for one in bins]
    for into, own in enumerate(bins):
        shares = [known[into, source] * power if source != into else None for source, power in enumerate(powers)]
        expected = np.sum([share for share in shares if share is not None], axis=0, dtype=np.float32)
        ratio = np.divide(expected, powers[into], out=np.zeros_like(powers[into]), where=powers[into] > 0)
        taken = own * (1 - np.sqrt(np.maximum(1 - ratio, least)))
        moved[into] -= taken
        for source, share in enumerate(shares):
            if share is not None:
                moved[source] += taken * np.divide(share, expected, out=np.zeros_like(share), where=expected > 0)
    for one, change in zip(bins, moved, strict=True):
        one += change
