"""REPET-SIM: like REPET, with frames that resemble each other in place of a fixed period."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import numpy.typing as npt
import scipy

from midistems_graph.audio.values import Float32
from midistems_graph.node import Context, Range, Run, Stems, StftSettings, node
from midistems_nodes.ports import Song
from midistems_nodes.separate.blocks import Block, mask_context, mask_stems
from midistems_nodes.separate.repet import NAMES, Cutoff, voice_mask
from midistems_nodes.transform.spectrogram import FftSize, Hop
from midistems_nodes.transform.spectrogram import settings as settings_of

_ROWS = 64
_GRID = 3900
"""Unit vectors are rounded to multiples of 1 / _GRID: their products then are whole numbers below 2^24, which a
matrix product in float32 adds up exactly, in whatever order and on however many threads."""


@node(
    "separate.repet_sim",
    version="1.0.0",
    title="REPET-SIM (similar moments)",
    tags=("vocals", "repetition", "similarity"),
    separator=True,
    stems=NAMES,
    complete=True,
    sums_to="mixture",
    context=lambda k: Context(mask_context(StftSettings(k.n_fft, k.hop)).samples, k.search),
    scratch=3,
    libraries=("numpy", "scipy"),
)
def repet_sim(
    mixture: Song,
    *,
    search: Annotated[float, Range(1, 60, "s")] = 10.0,
    moments: Annotated[int, Range(2, 100)] = 20,
    apart: Annotated[float, Range(0, 10, "s")] = 1.0,
    similarity: Annotated[float, Range(0, 1)] = 0.0,
    cutoff: Cutoff = 100.0,
    n_fft: FftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Stems:
    """Split a voice from a band whose moments come back, though not at a steady period.

    For every moment the most similar moments around it are looked up; the median of their spectra is the band, and
    what rises above it the voice. Good where tempo or order change and a plain period fails.

    Parameters
    ----------
    search
        How far before and after a moment similar ones are looked for. The original looks through the whole
        song; a bounded search follows a song that changes, and works for hours of sound.
    moments
        At most so many similar moments are taken.
    apart
        Two of them are at least so far apart, so that they are not one and the same note.
    similarity
        Moments less alike than this (cosine of their spectra, 0 to 1) are not taken.

    Returns
    -------
    Stems
        vocals (what does not come back), accompaniment; they add up to the mixture.

    References
    ----------
    Rafii & Pardo, "Music/voice separation using the similarity matrix", ISMIR 2012, eq. 1 to 4. Differs in the
    bounded search.
    """
    settings = settings_of(n_fft, hop)
    reach = int(search * mixture.rate / hop)
    gap = int(apart * mixture.rate / hop)
    low_bins = int(np.ceil(cutoff * n_fft / mixture.rate))

    def make_masks(block: Block) -> list[Float32]:
        magnitude = np.abs(block.bins)
        directions = _directions(magnitude.mean(axis=0))
        voice = np.empty_like(magnitude)
        for first in range(block.rows.start, block.rows.stop, _ROWS):
            block.check()
            rows = slice(first, min(first + _ROWS, block.rows.stop))
            likeness = _likeness(directions, rows, reach)
            found, valid = _alike(likeness, gap, moments, similarity)
            places = np.where(valid, found + np.arange(rows.start, rows.stop)[:, None] - reach, 0)
            for channel, spectrum in enumerate(magnitude):
                block.check()
                voice[channel, rows] = voice_mask(spectrum[rows], _median(spectrum[places], valid), low_bins)
        return [voice[:, block.rows]]

    return mask_stems(mixture, settings, NAMES, make_masks, reach=reach, run=run)


def _directions(magnitude: Float32) -> Float32:
    """Frames [frames, bins] scaled to length _GRID, in whole numbers."""
    length = np.sqrt(np.einsum("fb,fb->f", magnitude, magnitude))
    scale = np.divide(_GRID, length, out=np.zeros_like(length), where=length > 0)
    scaled: Float32 = np.rint(magnitude * scale[:, None])
    return scaled


def _likeness(directions: Float32, rows: slice, reach: int) -> Float32:
    """Cosines [rows, 2 reach + 1] of each row with the frames from `reach` before it to `reach` after; -1 for none."""
    count = rows.stop - rows.start
    low, high = rows.start - reach, rows.stop + reach
    inside = slice(max(0, low), min(len(directions), high))
    wide = np.full((count, high - low), -1, np.float32)
    cosines = directions[rows] @ directions[inside].T
    wide[:, inside.start - low : inside.stop - low] = cosines / np.float32(_GRID**2)
    step, item = wide.strides
    return np.lib.stride_tricks.as_strided(wide, (count, 2 * reach + 1), (step + item, item)).copy()


def _alike(likeness: Float32, gap: int, most: int, least: float) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """The places [rows, n] of the highest peaks that are `gap` apart, and which of them count."""
    highest = scipy.ndimage.maximum_filter1d(likeness, 2 * gap + 1, axis=1, mode="nearest")
    peaks = np.where((likeness == highest) & (likeness >= least), likeness, -1)
    count = min(most, peaks.shape[1])
    found = np.argpartition(peaks, peaks.shape[1] - count, axis=1)[:, -count:]
    return found, np.take_along_axis(peaks, found, axis=1) >= 0


def _median(spectra: Float32, valid: npt.NDArray[np.bool_]) -> Float32:
    """The median over axis 1 [rows, n, bins] of those that count."""
    spectra[~valid] = np.inf
    spectra.sort(axis=1)
    count = valid.sum(axis=1)
    row = np.arange(len(spectra))
    median: Float32 = (spectra[row, (count - 1) // 2] + spectra[row, count // 2]) / 2
    return median
