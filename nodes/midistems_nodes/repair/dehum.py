"""Hum of the mains: found over a whole song, and taken out by a comb of very narrow notches."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

import numpy as np
import scipy

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Context, Features, Range, Run, Stems, Stream, node
from midistems_nodes.filter.fir import convolve
from midistems_nodes.measure.streams import chunks
from midistems_nodes.phase.align import Summed
from midistems_nodes.signals import Signal, map_audio

_CHUNK = 1 << 19
_MAINS = (50.0, 60.0)
_OFF = 0.5
"""Hz by which the mains, or the speed of a tape, may be off."""
_LISTENED = 8
"""Overtones that tell the frequency."""

Frequency = Annotated[float, Range(0, 1000, "Hz")]


def hum(signal: Stream[Audio | Stems], *, frequency: Frequency = 0.0, run: Run, **_: object) -> Features:
    """The fundamental of the hum in Hz, as a note."""
    if frequency:
        return Features({}, {"frequency": frequency})
    rate = signal.span.rate
    size = 4 * _CHUNK
    step = rate / size
    grids = [np.arange(round((mains - _OFF) / step), round((mains + _OFF) / step) + 1) for mains in _MAINS]
    scores = [np.zeros(len(grid)) for grid in grids]
    for (tile,) in chunks((Summed(signal),), _CHUNK, run.progress):
        mono = tile.samples.mean(axis=0, dtype=np.float64)
        power = np.abs(scipy.fft.rfft(mono * np.hanning(len(mono)), size))
        for grid, score in zip(grids, scores, strict=True):
            for overtone in range(1, _LISTENED + 1):
                at = np.rint(grid * overtone).astype(int)
                at = at[at < len(power)]
                around = power[max(at[0] - 4 * len(grid), 0) : at[-1] + 4 * len(grid)] if len(at) == len(grid) else at
                if len(at) == len(grid) and (usual := float(np.median(around))) > 0:
                    score += np.log1p(power[at] / usual) * len(mono)
    found = int(np.argmax([score.max() for score in scores]))
    return Features({}, {"frequency": float(grids[found][np.argmax(scores[found])] * step)})


@node(
    "repair.dehum",
    title="Remove hum",
    tags=("hum", "mains", "buzz", "50 Hz", "60 Hz", "ground loop", "restoration"),
    context=lambda k: Context(samples=2, seconds=Fraction(k.time) / 2),
    reduce=hum,
    libraries=("numpy", "scipy"),
    scratch=3,
)
def dehum(
    signal: Signal,
    learned: Features,
    *,
    frequency: Frequency = 0.0,
    overtones: Annotated[int, Range(1, 60)] = 20,
    time: Annotated[float, Range(0.5, 20, "s", "log")] = 4.0,
    run: Run,
) -> Signal:
    """Take out the hum of the mains and its overtones, and nothing that is shorter than it.

    Parameters
    ----------
    signal
        A sound with a steady hum; of a stem set the sum tells its frequency.
    learned
        The fundamental, from the first pass.
    frequency
        The fundamental; 0 finds it near 50 or 60 Hz. Set it for a tape that runs at another speed.
    overtones
        How many multiples of it are taken out, the fundamental included.
    time
        Over how many seconds a tone must stay the same to be hum. Long is narrow, and spares long bass notes; short
        follows a hum that changes.

    Notes
    -----
    Good before a separation: bass stems take hum for bass. A steady tone of the music on a multiple is hum, too.

    References
    ----------
    A linear-phase comb of notches: x minus its mean turn at every multiple, under a Hann window of `time` seconds; a
    notch is 2 / time Hz wide.
    """
    taps = _taps(learned.notes["frequency"], overtones, time, signal.rate)
    return map_audio(signal, lambda audio: audio.with_samples(convolve(audio.samples, taps, run)))


def _taps(frequency: float, overtones: int, time: float, rate: int) -> Float32:
    half = int(time * rate / 2)
    offset = np.arange(-half, half + 1)
    shape = np.hanning(2 * half + 3)[1:-1]
    comb = np.zeros(len(offset))
    for overtone in range(1, overtones + 1):
        if overtone * frequency < rate / 2:
            comb += 2 * np.cos(2 * np.pi * overtone * frequency / rate * offset)
    taps = -shape / shape.sum() * comb
    taps[half] += 1
    return np.asarray(taps, np.float32)
