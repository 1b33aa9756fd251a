"""Bass and treble by one gentle step, which can be undone exactly."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Annotated

import numpy as np
import scipy

from midistems_graph.node import Audio, Context, Range, Run, node, stem_by_stem
from midistems_nodes.ports import Alike
from midistems_nodes.signals import BLOCK, Signal, map_audio

_FORGOTTEN = math.log(1e7)
"""After so many time constants what came before is 140 dB down."""

Gain = Annotated[float, Range(-24, 24, "dB")]


def _context(knobs: SimpleNamespace) -> Context:
    slope = _slope(knobs.low, knobs.high)
    lowest = knobs.frequency * min(slope, 1 / slope)
    return Context(512, _FORGOTTEN / (2 * math.pi * lowest))


@node(
    "filter.shelf",
    title="Bass and treble",
    tags=("eq", "tone", "shelf", "tilt", "equaliser"),
    context=_context,
    libraries=("numpy", "scipy"),
    apart=stem_by_stem,
)
def shelf(
    signal: Alike[Signal],
    *,
    low: Gain = 0.0,
    high: Gain = 0.0,
    frequency: Annotated[float, Range(50, 10000, "Hz", "log")] = 1000.0,
    undo: bool = False,
    run: Run,
) -> Signal:
    """Make bass and treble louder or softer, as the tone controls of an amplifier do.

    Parameters
    ----------
    low
        How much louder far below `frequency`.
    high
        How much louder far above it.
    frequency
        Where the gain is half way between both, in dB. At most a quarter of the sample rate counts.
    undo
        Take back what another node with the same settings did, exactly.

    Notes
    -----
    Good around a network: it hears the song with more treble, and its stems are brought back by a second node with
    `undo`. Turns phases a little, as analogue tone controls do.

    References
    ----------
    First-order shelf by the bilinear transform (Zölzer, "DAFX", second edition, section 2.3): with w = tan(pi f /
    rate), g the geometric mean of both gains and k = sqrt(high / low): g (k + w + (w - k) / z) / (1 + k w + (k w - 1) /
    z), which has its inverse by exchanging numerator and denominator.
    """
    if undo:
        low, high = -low, -high
    slope, gain = _slope(low, high), 10 ** ((low + high) / 40)
    width = math.tan(math.pi * min(frequency / signal.rate, 0.25))
    ahead = np.array([slope + width, width - slope]) * gain
    back = np.array([1 + slope * width, slope * width - 1])

    def changed(audio: Audio) -> Audio:
        made = np.empty_like(audio.samples)
        state = np.zeros((audio.channels, 1))
        for first in range(0, made.shape[1], BLOCK):
            run.check()
            piece = audio.samples[:, first : first + BLOCK].astype(np.float64)
            made[:, first : first + BLOCK], state = scipy.signal.lfilter(ahead, back, piece, axis=1, zi=state)
        return audio.with_samples(made)

    return map_audio(signal, changed)


def _slope(low: float, high: float) -> float:
    """The root of the ratio of both gains."""
    return float(10 ** ((high - low) / 40))
