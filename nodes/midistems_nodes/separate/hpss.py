"""Harmonic-percussive separation by median filtering."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import bottleneck
import numpy as np
import scipy

from midistems_graph.audio.values import Float32
from midistems_graph.node import Range, Run, Stems, StftSettings, node
from midistems_nodes.ports import Song
from midistems_nodes.separate.blocks import Block, Check, mask_context, mask_stems
from midistems_nodes.transform.spectrogram import FftSize, Hop
from midistems_nodes.transform.spectrogram import settings as settings_of

NAMES = ("harmonic", "percussive", "residual")
_ROW_SAMPLES = 1 << 18
"""So many samples go through a median at once, which takes some 15 ms; then the run is asked whether it goes on."""


@node(
    "separate.hpss",
    version="1.0.0",
    title="Harmonic / percussive (HPSS)",
    tags=("drums", "tonal", "median"),
    separator=True,
    stems=NAMES,
    complete=True,
    sums_to="mixture",
    context=lambda k: mask_context(StftSettings(k.n_fft, k.hop), k.harmonic_frames // 2),
    scratch=2.2,
    libraries=("numpy", "scipy"),
)
def hpss(
    mixture: Song,
    *,
    harmonic_frames: Annotated[int, Range(3, 201, "frames")] = 31,
    percussive_bins: Annotated[int, Range(3, 201, "bins")] = 31,
    harmonic_margin: Annotated[float, Range(1, 10)] = 1.0,
    percussive_margin: Annotated[float, Range(1, 10)] = 1.0,
    masks: Literal["soft", "hard"] = "soft",
    n_fft: FftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Stems:
    """Split sustained tones from drum hits and other clicks.

    In a spectrogram a tone is a horizontal line and a hit a vertical one. A running median along time
    keeps the lines and drops the hits, one along frequency does the reverse, and each bin goes to the
    side that is louder. Good for a quick drum stem, for cleaning drums out of a tonal stem, and as the first
    step before pitch or chords. A voice lands on both sides: vibrato and consonants are neither line.

    Parameters
    ----------
    harmonic_frames
        Length of the median along time, in STFT frames. Longer: only steadier tones count as harmonic.
    percussive_bins
        Length of the median along frequency, in bins. Longer: only broader hits count as percussive.
    harmonic_margin
        How many times louder the harmonic side must be to win a bin. Above 1, what neither side wins
        goes to the residual, and the harmonic stem gets cleaner.
    percussive_margin
        The same for the percussive side.
    masks
        `soft` shares each bin by the squares of both sides and sounds smoother; `hard` gives it to one
        side as a whole and separates further.
    n_fft
        FFT size in samples. Large sizes favour tones, small ones hits.

    Returns
    -------
    Stems
        harmonic, percussive, residual; they add up to the mixture. With soft masks and both margins at 1 the residual
        holds only rounding errors.

    References
    ----------
    Fitzgerald, "Harmonic/percussive separation using median filtering", DAFx 2010, eq. 3 to 8.
    Driedger, Müller & Disch, "Extending harmonic-percussive separation of audio signals", ISMIR 2014, eq. 5 to 8
    (margins and residual).
    """

    def make_masks(block: Block) -> Iterator[Float32]:
        magnitude = np.abs(block.bins[0])
        harmonic = running_median(magnitude.T, harmonic_frames, block.check).T[block.rows]
        percussive = running_median(magnitude[block.rows], percussive_bins, block.check)
        del magnitude
        mask = _share(harmonic, percussive, harmonic_margin, masks == "hard")
        yield mask[None]
        if harmonic_margin == percussive_margin == 1 and masks == "soft":
            mask = 1 - mask
        else:
            mask = _share(percussive, harmonic, percussive_margin, masks == "hard")
        yield mask[None]

    settings = settings_of(n_fft, hop)
    return mask_stems(mixture, settings, NAMES, make_masks, reach=harmonic_frames // 2, apart=True, run=run)


def running_median(rows: Float32, size: int, check: Check) -> Float32:
    """The running median along axis 1, mirrored at the ends.

    Bit for bit scipy's `median_filter` with size (1, size) on rows that are at least as long, and as fast as its
    filter for one dimension; but that one keeps Python's lock, so two threads would take as long as one. The middle of
    an even number of values is scipy's choice, so those go through it, laid end to end with their mirror images.
    """
    half = size // 2
    padded = np.pad(rows, ((0, 0), (half, half)), mode="symmetric")
    out = np.empty(rows.shape, np.float32)
    per_call = max(1, _ROW_SAMPLES // padded.shape[1])
    for first in range(0, len(rows), per_call):
        check()
        part = padded[first : first + per_call]
        if size % 2:
            found = bottleneck.move_median(part, size, axis=1)[:, 2 * half :]
        else:
            found = scipy.ndimage.median_filter(part.ravel(), size).reshape(part.shape)[:, half:-half]
        out[first : first + per_call] = found
    return out


def _share(own: Float32, other: Float32, margin: float, hard: bool) -> Float32:
    """The mask of one side: own^2 / (own^2 + (margin * other)^2), or whether own > margin * other."""
    other = other * np.float32(margin)
    if hard:
        return np.asarray(own > other, np.float32)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mask: Float32 = other / own
        mask *= mask
        mask += 1
        np.divide(1, mask, out=mask)
    mask[np.isnan(mask)] = 0.5 if margin == 1 else 0
    return mask
