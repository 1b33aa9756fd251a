"""Change of sample rate through libsoxr, quality HQ (20 bits), linear phase, without delay.

Sample n of the result is the signal at n / rate seconds of the song, so the result covers the
samples of the new rate that lie in the span, as `Span.of_seconds` counts them; a whole song of N
samples becomes ceil(N * new / old). Beyond the given samples the signal counts as silence: a stretch
from inside a song needs `resample_context` on each side to equal the same stretch of the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from math import gcd, inf

import numpy as np
import soxr

from midistems_graph.audio.values import Audio, Float32, Span, ceil_div

_BLOCK = 1 << 15
_REACH = 200
"""How many samples of the lower rate the filters of soxr HQ reach; measured: 100 leave -130 dB."""
_EXACT = 2048
"""Up to this old rate in lowest terms soxr keeps exact time (all usual rates); measured: 2100 does not."""


def resample(audio: Audio, rate: int) -> Audio:
    """The same sound at another rate, in samples per second; the very object if that is its rate already.

    Raises ValueError for a rate below 1.
    """
    if rate == audio.rate:
        return audio
    span = resampled_span(audio.span, rate)
    # soxr counts time from what it is fed, so begin where samples of both rates coincide.
    common = gcd(audio.rate, rate)
    lead = audio.span.start % (audio.rate // common)
    begin = (audio.span.start - lead) * rate // audio.rate
    pieces = (audio.samples[:, first : first + _BLOCK] for first in range(0, audio.span.frames, _BLOCK))
    blocks = chain([np.zeros((audio.channels, lead), np.float32)], pieces)

    out = np.empty((audio.channels, span.frames), np.float32)
    done = begin - span.start
    for block in _stream(blocks, audio.rate, rate, span.stop - begin):
        skip = min(max(0, -done), block.shape[1])
        out[:, done + skip : done + block.shape[1]] = block[:, skip:]
        done += block.shape[1]
    return Audio(out, span, audio.layout)


def resample_blocks(blocks: Iterable[Float32], old: int, new: int, total: int) -> Iterator[Float32]:
    """A song that comes in blocks [channels, samples], `total` samples in all, at another rate.

    The blocks that come out are of any length and have ceil(total * new / old) samples in all.
    Raises ValueError for a rate below 1.
    """
    _check_rate(new)
    return iter(blocks) if old == new else _stream(blocks, old, new, ceil_div(total * new, old))


def resampled_span(span: Span, rate: int) -> Span:
    """The samples at another rate that lie in a span. Raises ValueError for a rate below 1."""
    _check_rate(rate)
    start, stop, total = (Fraction(sample, span.rate) for sample in (span.start, span.stop, span.total))
    return Span.of_seconds(start, stop, total, rate)


def resample_context(old: int, new: int) -> float:
    """Seconds on each side of a stretch beyond which other samples change its result by less than -120 dB.

    Infinite for a ratio that soxr does not hold exactly: there its clock drifts by fractions of a sample per
    minute, so a stretch never equals the whole and the song has to be resampled in one piece.
    """
    if old == new:
        return 0.0
    return _REACH / min(old, new) if old // gcd(old, new) <= _EXACT else inf


def _stream(blocks: Iterable[Float32], old: int, new: int, wanted: int) -> Iterator[Float32]:
    """The first `wanted` samples at the new rate, as views [channels, samples]."""
    stream: soxr.ResampleStream | None = None
    for block in _then_silence(blocks):
        if wanted <= 0:
            return
        if stream is None:
            stream = soxr.ResampleStream(old, new, block.shape[0], dtype="float32", quality="HQ")
        result = stream.resample_chunk(np.ascontiguousarray(block.T))[:wanted]
        wanted -= len(result)
        yield result.T


def _then_silence(blocks: Iterable[Float32]) -> Iterator[Float32]:
    """The blocks, then zeros for ever, which push out what the filters hold back."""
    channels = 0
    for block in blocks:
        channels = block.shape[0]
        yield block
    while channels:
        yield np.zeros((channels, 1024), np.float32)


def _check_rate(rate: int) -> None:
    if rate < 1:
        raise ValueError(f"the sample rate must be a whole number of samples per second from 1 up, not {rate}")
