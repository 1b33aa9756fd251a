"""A sound made as loud and as bright as it is in another one."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import scipy

from midistems_graph.audio.stft import Stft
from midistems_graph.node import Audio, Context, Range, Run, node
from midistems_nodes.signals import require_match
from midistems_nodes.transform.spectrogram import FftSize, Hop, settings

Bins = npt.NDArray[Any]
Places = npt.NDArray[np.intp]

_FLOOR = 1e-10
"""Power, against the mean of its place, below which a bin tells nothing: -100 dB."""


def context(k: Any) -> Context:
    """Half the time that is averaged over, and the frames at its ends."""
    return Context(samples=2 * (k.n_fft + k.hop), seconds=Fraction(k.time) / 2)


@node(
    "filter.match",
    title="Match level and tone",
    tags=("eq", "equalise", "gain", "mastering", "instrumental", "subtract"),
    context=context,
    libraries=("numpy", "scipy"),
    scratch=16,
)
def match(
    audio: Audio,
    reference: Audio,
    *,
    time: Annotated[float, Range(0.2, 60, "s", "log")] = 8.0,
    width: Annotated[float, Range(0.02, 2, "octaves", "log")] = 0.2,
    most: Annotated[float, Range(0, 60, "dB")] = 12.0,
    n_fft: FftSize = 4096,
    hop: Hop = 1024,
    run: Run,
) -> Audio:
    """Filter a sound so that it has the level and tone that it has inside another one.

    Parameters
    ----------
    audio
        The sound to filter, exactly in time with the reference (see Align): an official instrumental.
    reference
        A sound that contains it: the song.
    time
        Over how many seconds level and tone are judged. Long is safe; short follows compressors, but takes what is only
        in the reference (the voice) for a part of the sound.
    width
        Over what part of an octave they are judged; never less than three bins.
    most
        The farthest that a level may be changed, either way.

    Notes
    -----
    Good before an official instrumental is subtracted from its song: the two were rarely mastered alike. Phase is
    matched along with level, so equalisers that turn it are undone too.

    References
    ----------
    The filter of least squares in every band and stretch, G = sum R X* / sum |X|^2 (Wiener), over frames with a raised
    cosine as weight and over neighbouring bins; each channel by itself.
    """
    require_match(audio, reference)
    stft = settings(n_fft, hop)
    transform = Stft(stft, audio.span, threads=run.threads)
    half = max(1, round(time * audio.rate / hop / 2))
    shape = np.hanning(2 * half + 3)[1:-1]
    edges = _edges(stft.n_bins, width)
    low, high = 10 ** (-most / 20), 10 ** (most / 20)
    result = np.empty_like(audio.samples)
    for channel in (slice(c, c + 1) for c in range(audio.channels)):
        run.check()
        given, wanted = (transform.forward(value.samples[channel])[0] for value in (audio, reference))
        run.check()
        power = _over_frames(_over_bins(np.square(np.abs(given)), edges), shape)
        run.check()
        cross = _over_frames(_over_bins(wanted * given.conj(), edges), shape)
        run.check()
        floor = _FLOOR * np.maximum(power.max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        gain = np.where(power > floor, cross / np.maximum(power, floor), 1)
        size = np.abs(gain)
        gain *= np.clip(size, low, high) / np.maximum(size, np.finfo(np.float32).tiny)
        transform.inverse((given * gain)[np.newaxis].astype(np.complex64), result[channel])
    return audio.with_samples(result)


def _edges(bins: int, width: float) -> tuple[Places, Places]:
    """The first bin and the one behind the last that are judged together with each bin."""
    centre = np.arange(bins)
    reach = np.maximum(1, np.rint(centre * (2 ** (width / 2) - 1))).astype(np.intp)
    return np.maximum(centre - reach, 0), np.minimum(centre + reach + 1, bins)


def _over_bins(values: Bins, edges: tuple[Places, Places]) -> Bins:
    """Sums over each bin's neighbours, in double precision."""
    sums = np.zeros((values.shape[0], values.shape[1] + 1), np.result_type(values.dtype, np.float64))
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums[:, edges[1]] - sums[:, edges[0]]


def _over_frames(values: Bins, shape: Bins) -> Bins:
    """Weighted sums over each frame's neighbours; beyond the ends there is nothing."""
    half = len(shape) // 2
    whole: Bins = scipy.signal.oaconvolve(values, shape[:, np.newaxis], axes=0)
    return whole[half : half + len(values)]
