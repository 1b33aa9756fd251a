"""Another sample rate."""

from __future__ import annotations

import math
from typing import Annotated

from midistems_graph.audio.resample import resample as resampled
from midistems_graph.audio.resample import resample_context
from midistems_graph.node import Audio, Context, Range, Run, Span, node, stem_by_stem
from midistems_nodes.ports import Alike
from midistems_nodes.signals import Signal, map_audio

LOWEST_RATE = 4000
"""The context is declared for rates from here up."""

_CONTEXT = Context(seconds=resample_context(LOWEST_RATE, 2 * LOWEST_RATE))


@node(
    "transform.resample",
    tags=("sample rate", "convert"),
    context=_CONTEXT,
    rate=lambda k, rate: int(k.rate),
    libraries=("soxr",),
    apart=stem_by_stem,
)
def resample(
    signal: Alike[Signal], *, rate: Annotated[int, Range(LOWEST_RATE, 384000, "Hz", "log")] = 44100, run: Run
) -> Signal:
    """Change the sample rate; pitch and length in seconds stay.

    Parameters
    ----------
    rate
        Samples per second from here on. What lies above half of it is lost.

    Notes
    -----
    Good for models that were trained at one rate (most at 44100 Hz), and for blending results of different rates.

    References
    ----------
    SoX resampler library, quality HQ: linear phase, aliases below -120 dB.
    """
    return _resampled(signal, rate, run)


@node(
    "transform.resample_like",
    title="Resample like",
    tags=("sample rate", "convert", "back", "match"),
    context=_CONTEXT,
    rate=lambda _, rate: rate,
    libraries=("soxr",),
    apart=stem_by_stem,
    scratch=4,
)
def resample_like(like: Audio, signal: Alike[Signal], *, run: Run) -> Signal:
    """Bring a sound to the sample rate of another one, whatever that is.

    Parameters
    ----------
    like
        The sound whose rate is taken, such as the song itself.

    Returns
    -------
    Signal
        As long as `like`.

    Notes
    -----
    Good for the way back from a chain that works at one rate, so that it takes songs of every rate.

    References
    ----------
    As the node Resample.
    """
    return _resampled(signal, like.rate, run)


def _resampled(signal: Signal, rate: int, run: Run) -> Signal:
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
