"""A sound laid exactly over another one."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from midistems_graph.node import Audio, Context, Features, Range, Run, Stream, node
from midistems_nodes.phase.delay import HALF_TAPS, advance, find_offset
from midistems_nodes.signals import require_match

MaxDelay = Annotated[float, Range(0.0001, 2, "s", "log")]


def offset_model(
    audio: Stream[Audio],
    reference: Stream[Audio],
    *,
    max_delay: MaxDelay = 0.1,
    polarity: bool = True,
    run: Run,
    **_: object,
) -> Features:
    """Delay in samples and factor of a whole song against its reference, as notes."""
    found = find_offset(audio, reference, math.ceil(max_delay * audio.span.rate), polarity, run)
    if found.likeness and abs(found.likeness) < 0.1:
        run.warn(f"the two sounds hardly resemble each other (correlation {found.likeness:.2f}); is the delay longer?")
    return Features({}, {"delay": found.delay, "factor": found.factor})


@node(
    "phase.align",
    title="Align",
    tags=("delay", "polarity", "latency", "time", "gain"),
    context=lambda k: Context(samples=2 * HALF_TAPS + 2, seconds=k.max_delay),
    reduce=offset_model,
    libraries=("numpy", "scipy"),
    scratch=3,
)
def align(
    audio: Audio,
    reference: Audio,
    learned: Features,
    *,
    max_delay: MaxDelay = 0.1,
    polarity: bool = True,
    level: bool = False,
    run: Run,
) -> Audio:
    """Move a sound until it lies exactly over a reference: in time to a fraction of a sample, polarity, and level.

    Good before anything that adds or subtracts: an official instrumental that is to be taken from a song, results of
    tools with latency, two masterings.

    Parameters
    ----------
    audio
        The sound to move.
    reference
        What it is to lie over; its level does not matter.
    learned
        Delay and factor over the whole song, from the first pass.
    max_delay
        The farthest that is looked for, either way. One delay holds for the whole song: drifting recordings (tape,
        vinyl) are not followed.
    polarity
        Also turn the sound over where it is the wrong way up.
    level
        Also make it as loud as it is in the reference.

    Returns
    -------
    Audio
        As long as before; where the sound was moved away from an end of the song, silence comes in.

    References
    ----------
    The largest cross-correlation over all channels, its band-limited summit found by golden section; a Kaiser-windowed
    sinc moves by the fraction (Laakso et al., "Splitting the unit delay", IEEE Signal Processing Magazine 13(1),
    1996). Factor: <signal, reference> / |signal|^2 at that delay.
    """
    require_match(audio, reference)
    delay, factor = learned.notes["delay"], learned.notes["factor"]
    gain = np.float32(factor if level else np.sign(factor) or 1)
    return audio.with_samples(advance(audio.samples, delay, run) * gain)
