"""Another sample rate."""

from __future__ import annotations

import math
from typing import Annotated

from midistems_graph.audio.resample import resample as resampled
from midistems_graph.audio.resample import resample_context
from midistems_graph.node import Audio, Context, Range, Run, Span, node, stem_by_stem
from midistems_nodes.signals import Signal, map_audio

LOWEST_RATE = 4000
"""The context is declared for rates from here up."""


@node(
    "transform.resample",
    tags=("sample rate", "convert"),
    context=Context(seconds=resample_context(LOWEST_RATE, 2 * LOWEST_RATE)),
    rate=lambda k, rate: int(k.rate),
    libraries=("soxr",),
    apart=stem_by_stem,
)
def resample(
    signal: Signal, *, rate: Annotated[int, Range(LOWEST_RATE, 384000, "Hz", "log")] = 44100, run: Run
) -> Signal:
    """Change the sample rate; pitch and length in seconds stay.

    Parameters
    ----------
    signal
        Audio, or every stem of a set alike.
    rate
        Samples per second from here on. What lies above half of it is lost.

    Notes
    -----
    Good for models that were trained at one rate (most at 44100 Hz), and for blending results of different rates.

    References
    ----------
    SoX resampler library, quality HQ: linear phase, aliases below -120 dB.
    """
    if math.isinf(resample_context(signal.rate, rate)):
        run.warn(
            f"{signal.rate} Hz to {rate} Hz is an unusual ratio, which windows of a song hold to fractions of a sample "
            "only; use 44100 or 48000 Hz where that matters"
        )

    def convert(audio: Audio) -> Audio:
        run.check()
        converted = resampled(audio, rate)
        # Every change of rate rounds a length up; the song's own length decides, or a round trip would grow it.
        stop = min(converted.span.stop, run.span.total)
        span = Span(min(converted.span.start, stop), stop, run.span.total, rate)
        return Audio(converted.samples[:, : span.frames], span, audio.layout)

    return map_audio(signal, convert)
