"""A gate for every pitch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import numpy.typing as npt
import scipy

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Features, Range, Run, StftSettings, Stream, node
from midistems_nodes.separate.blocks import Block, frame_blocks, mask_context, mask_stems
from midistems_nodes.transform.spectrogram import FftSize, Hop, settings

_SKIRT_BINS = 3
"""An open bin opens its neighbours: a partial has skirts."""


def noise_floor(audio: Stream[Audio], *, n_fft: FftSize = 2048, hop: Hop = 512, run: Run, **_: object) -> Features:
    """How strong each bin is in its quiet moments: `floor`, float32 [channels, bins].

    The geometric mean of what lies below the geometric mean; moments of silence are left out.
    """
    chosen = settings(n_fft, hop)
    middle = _mean_log(audio, chosen, None, run)
    return Features({"floor": np.exp(_mean_log(audio, chosen, middle, run)).astype(np.float32)})


@node(
    "artefact.gate",
    title="Spectral gate",
    tags=("denoise", "noise", "bleed", "expander"),
    context=lambda k: mask_context(StftSettings(k.n_fft, k.hop), k.smoothing // 2),
    reduce=noise_floor,
    libraries=("numpy", "scipy"),
    scratch=6,
)
def gate(
    audio: Audio,
    learned: Features,
    *,
    threshold: Annotated[float, Range(0, 80, "dB")] = 12.0,
    reduction: Annotated[float, Range(0, 120, "dB")] = 24.0,
    smoothing: Annotated[int, Range(1, 99, "frames")] = 9,
    n_fft: FftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Audio:
    """Lower every pitch at moments when it holds no more than its own noise floor.

    Good for quiet bleed and hiss in the pauses of a stem. The floor is found by itself, pitch by pitch.

    Parameters
    ----------
    audio
        The stem.
    learned
        The noise floor, from the first pass over the whole song.
    threshold
        How far above the floor a sound must be to pass.
    reduction
        How much what does not pass is lowered.
    smoothing
        Over so many frames the gate opens and shuts. Shorter burbles, longer lets the noise after a note through.

    Returns
    -------
    Audio
        As long as the stem.

    References
    ----------
    Gain of 1 where |X| > threshold * floor in the bin or beside it, else -reduction, averaged over time; in the manner
    of Sainburg's noisereduce (stationary), whose floor is mean and deviation of a noise recording.
    """
    least = np.float32(10 ** (-reduction / 20))
    limit = np.float32(10 ** (threshold / 20)) * learned.arrays["floor"]

    def make_masks(block: Block) -> list[Float32]:
        mask = np.empty(block.bins[:, block.rows].shape, np.float32)
        for channel, bins in enumerate(block.bins):
            block.check()
            gains = np.where(np.abs(bins) > limit[channel % len(limit)], np.float32(1), least)
            gains = scipy.ndimage.maximum_filter1d(gains, _SKIRT_BINS, axis=1, mode="nearest")
            mask[channel] = scipy.ndimage.uniform_filter1d(gains, smoothing, axis=0, mode="nearest")[block.rows]
        return [mask]

    chosen = settings(n_fft, hop)
    made = mask_stems(audio, chosen, ("kept", "lowered"), make_masks, reach=smoothing // 2, run=run)
    return made["kept"]


def _mean_log(stream: Stream[Audio], chosen: StftSettings, below: Float32 | None, run: Run) -> Float32:
    """The mean log magnitude per channel and bin, of those below `below`."""
    sums = np.zeros((1, chosen.n_bins))
    counts = np.zeros((1, chosen.n_bins))
    for logs, valid in _logs(stream, chosen, run, second=below is not None):
        counted = valid if below is None else valid & (logs <= below[:, None])
        sums = sums + np.where(counted, logs, 0).sum(axis=1, dtype=np.float64)
        counts = counts + counted.sum(axis=1)
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), _SILENT), np.float32)


_SILENT = -80.0


def _logs(
    stream: Stream[Audio], chosen: StftSettings, run: Run, *, second: bool
) -> Iterator[tuple[Float32, npt.NDArray[np.bool_]]]:
    total = max(1, len(stream.span.stft_frames(chosen.hop)))
    for frames, magnitude in frame_blocks(stream, chosen, 256, run):
        run.progress((frames.start / total + second) / 2)
        valid = magnitude > 0
        yield np.asarray(np.log(np.where(valid, magnitude, 1)), np.float32), valid
