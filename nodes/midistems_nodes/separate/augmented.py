"""Test-time augmentation: a separator asked several times about the same sound in disguise."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Annotated, Any

import numpy as np

from midistems_graph.audio.resample import resample, resample_context
from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Context, NodeError, Range, Run, Span, Stems, node
from midistems_nodes.ports import Asked, Song

Ask = Callable[[Audio], Stems]
Disguise = Callable[[Ask, Audio], Stems]
Speeds = Annotated[tuple[float, ...], Range(50, 200, "%")]

_LOWEST_RATE = 4000


def _context(k: Any) -> Context:
    own: Context = k.separator
    stretch = Fraction(100) / Fraction(min((100.0, *k.speeds)))
    seconds = Fraction(own.seconds) * stretch
    if k.speeds:
        seconds += 4 * Fraction(resample_context(_LOWEST_RATE, 2 * _LOWEST_RATE))
    return Context(math.ceil(own.samples * stretch), seconds, own.whole)


@node(
    "separate.augmented",
    title="Test-time augmentation",
    tags=("tta", "ensemble", "shift", "swap", "polarity", "separator"),
    context=_context,
    libraries=("numpy", "soxr"),
    scratch=8,
)
def augmented(
    separator: Asked,
    mixture: Song,
    *,
    swap: bool = True,
    polarity: bool = True,
    shifts: Annotated[int, Range(0, 10)] = 0,
    farthest: Annotated[float, Range(0.001, 1, "s", "log")] = 0.5,
    speeds: Speeds = (),
    run: Run,
) -> Stems:
    """Ask a separator several times about the same sound, each time disguised, and average what it says.

    A separator ought to say the same of a sound whose channels are exchanged, that is upside down, later, or a little
    slower. Where it does not, the average of its answers is usually nearer to the truth. Good for squeezing the last
    tenth of a dB out of a network, at the price of so many passes.

    Parameters
    ----------
    swap
        Ask also with left and right exchanged; mono is left alone.
    polarity
        Ask also with the waveform upside down. Masks do not care; networks on waveforms do.
    shifts
        Ask also so many times with the sound moved to later.
    farthest
        The farthest of these moves; the others are spread evenly below it.
    speeds
        Ask also at these speeds, in whole percent of the original's samples: 105 is a little slower and lower. Below
        100 the highest pitches are lost in that answer.

    Returns
    -------
    Stems
        The average of all answers, the plain one among them.

    References
    ----------
    y = mean over g of g^-1 f(g x). Swap and polarity as in the MVSEP-MDX23 code, shifts as in Demucs
    (Défossez et al. 2019, section 5.2), there at random.
    """
    if any(speed != round(speed) for speed in speeds):
        raise NodeError(f"speeds are whole percents, such as 95 105, not {', '.join(f'{s:g}' for s in speeds)}")
    disguises: list[Disguise] = [lambda ask, audio: ask(audio)]
    if swap and mixture.channels == 2:
        disguises.append(_swapped)
    if polarity:
        disguises.append(_inverted)
    moves = [round(farthest * mixture.rate * (i + 1) / shifts) for i in range(shifts)]
    disguises += [partial(_moved, delay=move) for move in moves]
    disguises += [partial(_slowed, percent=int(speed)) for speed in speeds if speed != 100]

    names: dict[str, Float32] = {}
    complete = True
    for number, disguise in enumerate(disguises):
        run.progress(number / len(disguises))
        answer = disguise(lambda audio: run.separate(separator, audio), mixture)
        complete = complete and answer.complete
        for name, audio in answer.audio.items():
            part = audio.samples / np.float32(len(disguises))
            names[name] = names[name] + part if name in names else part
    return Stems({name: mixture.with_samples(samples) for name, samples in names.items()}, complete)


def _each(stems: Stems, change: Callable[[Audio], Audio]) -> Stems:
    return stems.map({name: change(audio) for name, audio in stems.audio.items()})


def _with(audio: Audio, samples: Float32) -> Audio:
    return audio.with_samples(np.ascontiguousarray(samples))


def _swapped(ask: Ask, mixture: Audio) -> Stems:
    return _each(ask(_with(mixture, mixture.samples[::-1])), lambda stem: _with(stem, stem.samples[::-1]))


def _inverted(ask: Ask, mixture: Audio) -> Stems:
    return _each(ask(_with(mixture, -mixture.samples)), lambda stem: _with(stem, -stem.samples))


def _moved(ask: Ask, mixture: Audio, delay: int) -> Stems:
    """Ask about a song that begins with so many samples of silence."""
    span = mixture.span
    lead = delay if span.at_start else 0
    later = Span(span.start + delay - lead, span.stop + delay, span.total + delay, span.rate)
    samples = np.concatenate([np.zeros((mixture.channels, lead), np.float32), mixture.samples], axis=1)
    answer = ask(Audio(samples, later, mixture.layout))
    return _each(answer, lambda audio: mixture.with_samples(audio.samples[:, lead:]))


def _slowed(ask: Ask, mixture: Audio, percent: int) -> Stems:
    """Ask about a song of so many percent of the samples, said to be of the same rate."""
    rate = mixture.rate
    slow = resample(mixture, rate * percent // 100)
    answer = ask(_said_to_be(slow, rate))

    def back(audio: Audio) -> Audio:
        full = resample(_said_to_be(audio, slow.rate), rate)
        samples = np.zeros_like(mixture.samples)
        low = max(full.span.start, mixture.span.start)
        high = min(full.span.stop, mixture.span.stop)
        there, here = low - full.span.start, low - mixture.span.start
        samples[:, here : here + high - low] = full.samples[:, there : there + high - low]
        return mixture.with_samples(samples)

    return _each(answer, back)


def _said_to_be(audio: Audio, rate: int) -> Audio:
    span = audio.span
    return Audio(audio.samples, Span(span.start, span.stop, span.total, rate), audio.layout)
