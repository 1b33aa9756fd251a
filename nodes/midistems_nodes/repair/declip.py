"""Clipped peaks: guessed anew above the level where they were cut."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import scipy

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Features, Range, Run, Stems, Stream, node, samples
from midistems_nodes.repair.interpolate import Flags
from midistems_nodes.signals import Signal, map_audio

_RUN = 3
"""Samples in a row at the ceiling that make a clipped peak."""
_FEW = 5
"""Clipped peaks below which a song counts as not clipped: every loudest note has one."""

_FRAME = 2048
_HOP = 512
_BATCH = 128
"""Frames that are worked on together."""
_STEP = 16
"""Frequencies that a frame is allowed more in every round."""
_MOST_BINS = 400
_ENOUGH = 0.02
"""Share of a frame that may be left unexplained."""

Below = Annotated[float, Range(0.01, 12, "dB", "log")]


def ceiling(signal: Stream[Audio | Stems], *, below: Below = 0.1, run: Run, **_: object) -> Features:
    """The level at which every channel of a song was cut, 0 where it was not."""
    peaks: dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]] = {}
    for tile in signal:
        run.check()
        for name, audio in _named(tile).items():
            here = np.abs(audio.samples).max(axis=1, initial=0)
            peaks[name] = np.maximum(peaks.get(name, here), here)
    counts = {name: np.zeros(len(peak), int) for name, peak in peaks.items()}
    for tile in signal:
        run.check()
        for name, audio in _named(tile).items():
            for channel, signal_of in enumerate(audio.samples):
                at = np.abs(signal_of) >= peaks[name][channel] * 10 ** (-below / 20)
                marks, number = scipy.ndimage.label(at)
                counts[name][channel] += int(np.sum(np.bincount(marks.ravel(), minlength=number + 1)[1:] >= _RUN))
    factor = 10 ** (-below / 20)
    return Features({name: np.where(counts[name] >= _FEW, peak * factor, 0) for name, peak in peaks.items()})


@node(
    "repair.declip",
    title="Restore clipped peaks",
    tags=("clip", "distortion", "overload", "loudness war", "restoration"),
    context=samples(3 * _FRAME),
    reduce=ceiling,
    libraries=("numpy", "scipy"),
    scratch=2,
)
def declip(signal: Signal, learned: Features, *, below: Below = 0.1, run: Run) -> Signal:
    """Guess anew the peaks that a recording or a loud master cut off.

    Parameters
    ----------
    signal
        A sound of which peaks are flat: they lie at its loudest level, several samples in a row, again and again. One
        that has none comes out as it is.
    learned
        The ceiling of every channel, from the first pass.
    below
        How far below the loudest sample a peak counts as cut. More for ceilings that are not quite flat.

    Returns
    -------
    Audio or Stems
        Peaks go beyond the old ceiling, so lower the gain before writing whole numbers. What was not cut stays, to the
        bit.

    Notes
    -----
    Good before a separation: distortion is spread over all stems. Takes time only where something is clipped.

    References
    ----------
    Kitic, Bertin & Gribonval, "Sparsity and cosparsity for audio declipping: a flexible non-convex approach", LVA/ICA
    2015 (A-SPADE): of all signals that agree with the sure samples and lie beyond the ceiling elsewhere, in every frame
    the one with the fewest frequencies.
    """

    def restored(name: str, audio: Audio) -> Audio:
        run.check()
        channels = []
        for channel, level in zip(audio.samples, learned.arrays[name], strict=True):
            cut = _cut(channel, float(level)) if level else np.zeros(channel.shape, np.bool_)
            channels.append(_restored(channel, cut, audio.span.start, run) if cut.any() else channel)
        return audio.with_samples(np.stack(channels))

    if isinstance(signal, Stems):
        return signal.map({name: restored(name, audio) for name, audio in signal.audio.items()})
    return map_audio(signal, lambda audio: restored("", audio))


def _cut(channel: Float32, level: float) -> Flags:
    """The samples that lie at the ceiling, several in a row."""
    at = np.abs(channel) >= level
    marks, number = scipy.ndimage.label(at)
    return np.asarray(at & (np.bincount(marks, minlength=number + 1)[marks] >= _RUN), np.bool_)


def _restored(channel: Float32, cut: Flags, start: int, run: Run) -> Float32:
    """A channel [samples] that begins at a sample of the song, with its cut samples guessed, frame by frame."""
    lead = start % _HOP + _FRAME
    whole = np.pad(channel, (lead, 2 * _FRAME))
    flags = np.pad(cut, (lead, 2 * _FRAME))
    begins = np.arange(0, len(whole) - _FRAME, _HOP)
    begins = begins[[flags[first : first + _FRAME].any() for first in begins]]
    total, weight = np.zeros(len(whole)), np.zeros(len(whole))
    window = np.sqrt(scipy.signal.get_window("hann", _FRAME)).astype(np.float32)
    for first in range(0, len(begins), _BATCH):
        places = begins[first : first + _BATCH, np.newaxis] + np.arange(_FRAME)
        made = _sparse(whole[places] * window, flags[places], run)
        for place, frame in zip(places, made, strict=True):
            total[place] += frame * window
            weight[place] += window**2
    guess = (total / np.maximum(weight, 1e-9))[lead : lead + len(channel)]
    side = np.sign(channel)
    beyond = side * np.maximum(side * guess, np.abs(channel))
    return np.where(cut, beyond, channel).astype(np.float32)


def _sparse(frames: Float32, cut: Flags, run: Run) -> Float32:
    """Windowed frames [frames, samples] of few frequencies that agree where they are sure and lie beyond elsewhere."""
    side, size = np.sign(frames), np.abs(frames)
    result, left = frames.copy(), np.arange(len(frames))
    now, dual = frames.copy(), np.zeros((len(frames), _FRAME + 1), np.complex64)
    bins = scipy.fft.rfft(now, 2 * _FRAME, norm="ortho")
    enough = _ENOUGH * np.linalg.norm(bins, axis=1)
    for count in range(_STEP, _MOST_BINS, _STEP):
        run.check()
        wanted = bins + dual
        strength = np.abs(wanted)
        limit = np.partition(strength, -count, axis=1)[:, -count, np.newaxis]
        kept = np.where(strength >= limit, wanted, 0)
        back = scipy.fft.irfft(kept - dual, 2 * _FRAME, norm="ortho")[:, :_FRAME]
        now = np.where(cut[left], side[left] * np.maximum(side[left] * back, size[left]), frames[left])
        bins = scipy.fft.rfft(now, 2 * _FRAME, norm="ortho")
        result[left] = now
        going = np.linalg.norm(bins - kept, axis=1) > enough
        if not going.any():
            break
        dual = (dual + bins - kept)[going]
        bins, enough, left = bins[going], enough[going], left[going]
    return result


def _named(tile: Audio | Stems) -> dict[str, Audio]:
    return dict(tile.audio) if isinstance(tile, Stems) else {"": tile}
