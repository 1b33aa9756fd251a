"""What many nodes of this pack do with signals: check that they match, change them alike, add them up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from midistems_graph.audio.values import Bins, Float32
from midistems_graph.node import Audio, NodeError, Spectrogram, Stems

Signal = TypeVar("Signal", Audio, Stems)
"""A port that takes audio or a stem set, all such ports of one node the same."""

AnySignal = TypeVar("AnySignal", Audio, Stems, Spectrogram)
"""A port that takes audio, a stem set or a spectrogram."""

BLOCK = 1 << 16
"""Samples that are worked on at a time, so that temporary arrays stay in the cache."""


def require_match(first: Audio | Stems | Bins, *others: Audio | Stems | Bins, channels: bool = True) -> None:
    """Raise NodeError unless all values cover the same stretch at one rate with as many channels and one STFT."""
    for other in others:
        if other.rate != first.rate:
            raise NodeError(
                f"one input has {first.rate} Hz and another {other.rate} Hz; put a transform.resample node before one"
            )
        if other.span != first.span:
            raise NodeError(
                f"one input covers samples {first.span.start} to {first.span.stop} of {first.span.total}, another "
                f"{other.span.start} to {other.span.stop} of {other.span.total}; inputs must be equally long"
            )
        if channels and other.channels != first.channels:
            raise NodeError(
                f"one input has {first.channels} channels and another {other.channels}; they must have the same number"
            )
        if isinstance(first, Bins) and isinstance(other, Bins) and other.stft != first.stft:
            raise NodeError(
                f"one input was made with the STFT settings {_words(first)}, another with {_words(other)}; "
                "set both stft nodes alike"
            )


def require_names(first: Stems, *others: Stems) -> None:
    """Raise NodeError unless all sets have the same stem names."""
    for other in others:
        if set(other) != set(first):
            raise NodeError(
                f"one set has the stems {', '.join(first)}, another {', '.join(other)}; "
                "the names must be the same: put a stems.rename node before one"
            )


def require_some(what: str, inputs: Sequence[object]) -> None:
    """Raise NodeError if nothing is connected to a variadic port."""
    if not inputs:
        raise NodeError(f"nothing is connected to {what}; connect at least one signal")


def map_audio(signal: Signal, change: Callable[[Audio], Audio]) -> Signal:
    """The audio, or every stem of the set, changed alike."""
    if isinstance(signal, Stems):
        return signal.map({name: change(audio) for name, audio in signal.audio.items()})
    return change(signal)


def merge_audio(signals: Sequence[Signal], merge: Callable[[Sequence[Audio]], Audio]) -> Signal:
    """Matching signals merged to one; stem sets by name, in the order of the first set."""
    first = signals[0]
    require_match(first, *signals[1:])
    if isinstance(first, Stems):
        sets = [signal for signal in signals if isinstance(signal, Stems)]
        require_names(*sets)
        merged: Mapping[str, Audio] = {name: merge([stems[name] for stems in sets]) for name in first}
        return Stems(merged, complete=all(stems.complete for stems in sets))
    return merge([signal for signal in signals if isinstance(signal, Audio)])


def total(parts: Sequence[Audio]) -> Float32:
    """The sum of matching audio, added in order, in a new array [channels, samples]."""
    result = np.array(parts[0].samples)
    for part in parts[1:]:
        result += part.samples
    return result


def _words(bins: Bins) -> str:
    return f"{bins.stft.n_fft}/{bins.stft.hop} {bins.stft.window}"
