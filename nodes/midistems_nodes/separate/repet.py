"""REPET: what repeats is the accompaniment, what does not is the voice.

A first pass over the whole song finds the period and the repeating segment, in bounded memory; the
separation itself then compares each frame with the segment's frame of the same place in the period.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import scipy

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Features, Range, Run, Stems, StftSettings, Stream, node
from midistems_nodes.ports import Song
from midistems_nodes.separate.blocks import Block, frame_blocks, mask_context, mask_stems
from midistems_nodes.transform.spectrogram import FftSize, Hop
from midistems_nodes.transform.spectrogram import settings as settings_of

NAMES = ("vocals", "accompaniment")
_BLOCK = 512
_DEVIATION = 2
"""So many frames may a repetition be early or late."""
_SEGMENT_BYTES = 100_000_000
"""Memory for the repetitions that the median is taken of; of a longer song, evenly spread ones are taken."""

Cutoff = Annotated[
    float,
    Range(0, 1000, "Hz"),
    "Below this frequency all goes to the accompaniment: voices do not reach there, kick and bass do.",
]
Period = Annotated[float, Range(0.2, 20, "s")]


def repeating_segment(
    mixture: Stream[Audio],
    *,
    shortest: Period = 0.5,
    longest: Period = 4.0,
    cutoff: Cutoff = 100.0,
    n_fft: FftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Features:
    """The period and the repeating segment of a whole song.

    `segment` is float32 [channels, period in frames, bins]; the note `period` is in seconds.
    """
    settings = settings_of(n_fft, hop)
    rate, total = mixture.span.rate, len(mixture.span.stft_frames(hop))
    periods = range(max(1, round(shortest * rate / hop)), min(round(longest * rate / hop), total // 3) + 1)
    if periods:
        # The paper uses lags up to 3/4 of the song; twice the longest period is as telling, and bounded.
        period = _period(_beat_spectrum(mixture, settings, min(2 * periods.stop, 3 * total // 4), run), periods)
    else:
        run.warn(f"too short for three repetitions of {shortest:g} s or more: all goes to the accompaniment")
        period = total
    segment = _segment(mixture, settings, period, run)
    return Features({"segment": segment}, {"period": period * hop / rate})


@node(
    "separate.repet",
    version="1.0.1",
    title="REPET (repetition)",
    tags=("vocals", "loop", "repetition"),
    separator=True,
    stems=NAMES,
    complete=True,
    sums_to="mixture",
    context=lambda k: mask_context(StftSettings(k.n_fft, k.hop)),
    reduce=repeating_segment,
    scratch=2.2,
    libraries=("numpy", "scipy"),
)
def repet(
    mixture: Song,
    learned: Features,
    *,
    shortest: Period = 0.5,
    longest: Period = 4.0,
    cutoff: Cutoff = 100.0,
    n_fft: FftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Stems:
    """Split a voice from a band that repeats itself.

    Loops, riffs and bars come back; a melody above them rarely does. The song's strongest period is found,
    the repetitions are laid on top of each other, and their median is what repeats. Good for loop-based
    music and short excerpts with a steady beat; a song whose chords change through the verse suits REPET-SIM better.

    Parameters
    ----------
    learned
        Period and repeating segment, from the first pass over the whole song.
    shortest
        Shortest period that is looked for: about a beat.
    longest
        Longest period that is looked for: two bars of most songs. At most a third of the song is used.

    Returns
    -------
    Stems
        vocals (what does not repeat), accompaniment; they add up to the mixture.

    References
    ----------
    Rafii & Pardo, "REpeating Pattern Extraction Technique (REPET): a simple method for music/voice separation",
    IEEE TASLP 21(1), 2013, eq. 1 to 4 and algorithm 1.
    """
    settings = settings_of(n_fft, hop)
    segment = learned.arrays["segment"]
    low_bins = int(np.ceil(cutoff * n_fft / mixture.rate))

    def make_masks(block: Block) -> list[Float32]:
        magnitude = np.abs(block.bins[0])
        places = (block.first + np.arange(len(magnitude))) % segment.shape[1]
        return [voice_mask(magnitude, segment[block.channel, places], low_bins)[None]]

    return mask_stems(mixture, settings, NAMES, make_masks, apart=True, run=run)


def voice_mask(magnitude: Float32, repeating: Float32, low_bins: int) -> Float32:
    """The share of each bin that rises above what repeats, 0 below `low_bins`."""
    mask = np.zeros_like(magnitude)
    np.divide(magnitude - np.minimum(magnitude, repeating), magnitude, out=mask, where=magnitude > 0)
    mask[:, :low_bins] = 0
    return mask


def _beat_spectrum(stream: Stream[Audio], settings: StftSettings, lags: int, run: Run) -> Float32:
    """How alike the song is to itself, by lag in frames: the autocorrelation of its power, averaged over bins."""
    size = scipy.fft.next_fast_len(_BLOCK + lags, real=True)
    products = np.zeros(size // 2 + 1, np.complex128)
    first, total = stream.span.stft_frames(settings.hop).start, len(stream.span.stft_frames(settings.hop))
    history = np.zeros((lags - 1, settings.n_bins), np.float32)
    for frames, magnitude in frame_blocks(stream, settings, _BLOCK, run):
        power = magnitude.mean(axis=0)
        power *= power
        recent = np.concatenate([history, power])
        for low in range(0, settings.n_bins, 128):
            run.progress(0.5 * (frames.start - first + len(frames) * low / settings.n_bins) / total)
            now = scipy.fft.rfft(power[:, low : low + 128], size, axis=0, workers=run.threads)
            before = scipy.fft.rfft(recent[:, low : low + 128], size, axis=0, workers=run.threads)
            products += np.sum(now * before.conj(), axis=1)
        history = recent[len(recent) - (lags - 1) :]
    # Frame i of the block is frame i + lags - 1 of `recent`: lag l stands at i - (i + lags - 1 - l).
    sums = np.fft.irfft(products, size)
    wanted = (np.arange(lags) - (lags - 1)) % size
    beats: Float32 = (sums[wanted] / (total - np.arange(lags))).astype(np.float32)
    return beats


def _period(beats: Float32, periods: range) -> int:
    """The period in frames whose multiples stand highest above their surroundings in the beat spectrum."""
    merits = []
    for period in periods:
        merit = 0.0
        for lag in range(period, len(beats), period):
            near, around = max(0, lag - _DEVIATION), max(0, lag - 3 * period // 4)
            peak = near + int(np.argmax(beats[near : lag + _DEVIATION + 1]))
            surroundings = beats[around : lag + 3 * period // 4 + 1]
            if peak == around + int(np.argmax(surroundings)):
                merit += float(beats[peak] - surroundings.mean())
        merits.append(merit / max(1, (len(beats) - 1) // period))
    return periods[int(np.argmax(merits))]


def _segment(stream: Stream[Audio], settings: StftSettings, period: int, run: Run) -> Float32:
    """The median of the repetitions, float32 [channels, period, bins]; at p what frames p + k period share."""
    first, total = stream.span.stft_frames(settings.hop).start, len(stream.span.stft_frames(settings.hop))
    repetitions = -(-total // period)
    taken: Float32 | None = None
    rows: dict[int, int] = {}
    for frames, magnitude in frame_blocks(stream, settings, _BLOCK, run):
        if taken is None:
            channels = magnitude.shape[0]
            most = max(3, _SEGMENT_BYTES // (channels * period * settings.n_bins * 4))
            rows = _spread(repetitions, most)
            taken = np.empty((len(rows), channels, period, settings.n_bins), np.float32)
        low, high = frames.start - first, frames.stop - first  # a stretch of a song has repetitions of its own
        run.progress(0.5 + 0.4 * low / total)
        for repetition in range(low // period, (high - 1) // period + 1):
            if repetition in rows:
                start, stop = max(low, repetition * period), min(high, (repetition + 1) * period)
                place = slice(start - repetition * period, stop - repetition * period)
                taken[rows[repetition], :, place] = magnitude[:, start - low : stop - low]
    if taken is None:
        return np.zeros((1, period, settings.n_bins), np.float32)
    median = _median(taken, total - (repetitions - 1) * period if repetitions - 1 in rows else period, run)
    return np.roll(median, first % period, axis=1)


def _spread(count: int, most: int) -> dict[int, int]:
    """At most `most` of `count` repetitions, evenly spread, with their rows."""
    kept = min(count, most)
    return {row * count // kept: row for row in range(kept)}


def _median(taken: Float32, last: int, run: Run) -> Float32:
    """The median over axis 0 [repetitions, channels, period, bins]; the last repetition has only `last` frames."""
    _, channels, period, bins = taken.shape
    out = np.empty((channels, period, bins), np.float32)
    for frame in range(period):
        if frame % 16 == 0:
            run.progress(0.9 + 0.1 * frame / period)
        present = taken if frame < last else taken[:-1]
        out[:, frame] = np.median(present[:, :, frame], axis=0)
    return out
