"""Does it clip, is it silent where it must be, is it as loud as it should be?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Literal, TypeVar

import numpy as np

from midistems_graph.audio.loudness import LoudnessMeter
from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, NodeError, Number, Range, Run, Stems, Stream, node
from midistems_nodes.check.verdict import held, nothing
from midistems_nodes.measure.ratios import ratio_db
from midistems_nodes.signals import BLOCK

Sound = TypeVar("Sound", Audio, Stems)

Decibels = Annotated[float, Range(-300, 60, "dB")]
Seconds = Annotated[float, Range(0, 86400, "s")]


@node("check.clipping", title="Check for clipping", tags=("assert", "peak", "overload"), libraries=("numpy",))
def clipping(signal: Stream[Sound], *, at_most: Decibels = 0.0, run: Run) -> Number:
    """Fails the run if a sample is too loud.

    Parameters
    ----------
    signal
        Audio, or a stem set: then every stem is looked at.
    at_most
        How high the highest sample may be, against full scale. 0 is where fixed-point files clip.

    Notes
    -----
    Gives the highest sample in dBFS. Float files hold more than 0 dB without harm, everything else clips there.
    """
    peak, loudest = 0.0, ""
    for name, samples, _ in _blocks(signal, run):
        here = float(np.abs(samples).max(initial=0.0))
        if here > peak:
            peak, loudest = here, name
    what = f"the highest sample of {loudest}" if loudest else "the highest sample"
    return held(what, 20 * math.log10(peak) if peak else -math.inf, "dBFS", high=at_most)


@node("check.silent", title="Check for silence", tags=("assert", "bleed", "intro", "pause"), libraries=("numpy",))
def silent(
    signal: Stream[Sound], *, start: Seconds = 0.0, stop: Seconds = 8.0, at_most: Decibels = -60.0, run: Run
) -> Number:
    """Fails the run unless a stretch of the song is silent.

    Parameters
    ----------
    signal
        Audio, or a stem set: then every stem has to be silent.
    start
        Where the silence begins, in seconds of the song.
    stop
        Where it ends.
    at_most
        How loud it may be there (RMS over the stretch and all channels, against full scale).

    Notes
    -----
    Good for intros without a voice. Gives the level of the loudest stem there. In a window that does not touch the
    stretch nothing is checked, and the run says so.
    """
    if stop <= start:
        raise NodeError(f"start is {start:g} s and stop {stop:g} s; set stop later than start")
    span = signal.span
    first, last = round(start * span.rate), round(stop * span.rate)
    energy: dict[str, float] = {}
    counted = 0
    for name, samples, at in _blocks(signal, run):
        inside = samples[:, max(0, first - at) : max(0, last - at)]
        energy[name] = energy.get(name, 0.0) + float(np.sum(np.square(inside, dtype=np.float64)))
        counted += inside.size
    if not counted:
        return nothing(run, f"nothing of {start:g} to {stop:g} s was run")
    loudest = max(energy, key=energy.__getitem__)
    level = ratio_db(energy[loudest], counted / len(energy))
    what = f"the level of {loudest}" if loudest else "the level"
    return held(f"{what} from {start:g} to {stop:g} s", level, "dBFS", high=at_most)


@node("check.level", title="Check the level", tags=("assert", "loudness", "true peak"),
      libraries=("numpy", "scipy", "soxr"))  # fmt: skip
def level(
    audio: Stream[Audio],
    *,
    of: Literal["loudness", "true_peak", "peak"] = "loudness",
    at_least: Annotated[float, Range(-300, 60)] = -30.0,
    at_most: Annotated[float, Range(-300, 60)] = -6.0,
    run: Run,
) -> Number:
    """Fails the run unless a signal is as loud as it should be.

    Parameters
    ----------
    audio
        What to look at.
    of
        `loudness`: integrated, in LUFS; `true_peak`: between the samples, in dBTP; `peak`: the highest sample, in dBFS.
    at_least
        The lowest level allowed, in the unit of `of`. -300 lets everything pass that is not silent.
    at_most
        The highest level allowed.

    References
    ----------
    ITU-R BS.1770-4.
    """
    meter = LoudnessMeter(audio.span.rate, 1)
    for number, tile in enumerate(audio):
        if number == 0:
            meter = LoudnessMeter(tile.rate, tile.channels, tile.layout)
        for first in range(0, tile.span.frames, BLOCK):
            run.progress((tile.span.start + first - audio.span.start) / audio.span.frames)
            meter.add(tile.samples[:, first : first + BLOCK])
    words, value, unit = {
        "loudness": ("the loudness", meter.lufs, "LUFS"),
        "true_peak": ("the true peak", meter.true_peak_db, "dBTP"),
        "peak": ("the peak", meter.peak_db, "dBFS"),
    }[of]
    return held(words, value, unit, low=at_least, high=at_most)


def _blocks(signal: Stream[Sound], run: Run) -> Iterator[tuple[str, Float32, int]]:
    """Every stem's samples (audio has one, without a name), short pieces at a time, and where they begin."""
    span = signal.span
    for tile in signal:
        parts = tile.audio if isinstance(tile, Stems) else {"": tile}
        for at in range(tile.span.start, tile.span.stop, BLOCK):
            run.progress((at - span.start) / max(1, span.frames))
            lo = at - tile.span.start
            for name, audio in parts.items():
                yield name, audio.samples[:, lo : lo + BLOCK], at
