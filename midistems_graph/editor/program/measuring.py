"""Figures of what was computed: how loud an edge is, whether a set of stems adds up to what it was made of, and
what a node that measures found.

Sound is read tile by tile, so that a song of any length takes little memory; for a thread of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from math import isfinite, log10, nan

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import Audio, Float32, Number, Scores, Stems, Text, Value
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.audible import NotAudible, audible
from midistems_graph.editor.pictures.traces import figure
from midistems_graph.engine.live.engine import LiveEngine
from midistems_graph.engine.plan import TILE, Interval

LOWEST = -200.0
"""dB of silence, and of a difference of nothing at all."""


def level_of(live: LiveEngine, address: Address, total: Fraction) -> float | None:
    """The level of an edge over the whole song in dB below full scale; None if it is not all there or no sound."""
    energy, count = 0.0, 0
    for stretch in tiles(total):
        sound = as_sound(live.read(address, stretch))
        if sound is None:
            return None
        energy += _energy(sound.samples)
        count += sound.samples.size
    return _ratio_db(energy, count)


def null_of(live: LiveEngine, whole: Address, parts: list[Address], total: Fraction) -> float | None:
    """How far below the loudest the difference of a sound and the sum of its parts lies, in dB; None if not all there.

    As in `measure.null_depth`: 10 lg(|x - sum s|^2 / max(|x|^2, max |s|^2)), energies over the whole song.
    """
    energies: dict[str, float] = defaultdict(float)
    difference = 0.0
    for stretch in tiles(total):
        mixture = live.read(whole, stretch)
        values = [live.read(part, stretch) for part in parts]
        if not isinstance(mixture, Audio):
            return None
        rest = mixture.samples.astype(np.float64)  # of one tile; rounding would show in what nulls well
        for name, samples in _sounds(values):
            if samples.shape != rest.shape:
                return None
            energies[name] += _energy(samples)
            rest -= samples
        if None in values:
            return None
        energies[""] += _energy(mixture.samples)
        difference += _energy(rest)
    return _ratio_db(difference, max(energies.values(), default=0.0))


def figure_of(live: LiveEngine, address: Address, total: Fraction) -> str:
    """What an edge of figures says, in a few words: of several rows the mean; empty if there is nothing."""
    match live.read(address, (Fraction(0), total)):
        case Number(value, unit):
            return f"{figure(value, 3)} {unit}".rstrip()
        case Text(text):
            return " ".join(text.split())
        case Scores() as scores if scores.rows:
            return ", ".join(_mean(scores, name) for name in next(iter(scores.rows.values())))
    return ""


def _mean(scores: Scores, name: str) -> str:
    values = [row[name] for row in scores.rows.values() if isfinite(row.get(name, nan))]
    if not values:
        return f"{name} -"
    told = f"{name} {figure(sum(values) / len(values), 3)} {scores.units.get(name, '')}".rstrip()
    return told if len(scores.rows) == 1 else f"{told} (mean of {len(values)})"


def tiles(total: Fraction) -> Iterator[Interval]:
    """The song in pieces of one tile."""
    at = Fraction(0)
    while at < total:
        yield at, min(at + TILE, total)
        at += TILE


def _sounds(values: list[Value | None]) -> Iterator[tuple[str, Float32]]:
    for place, value in enumerate(values):
        if isinstance(value, Stems):
            yield from ((name, audio.samples) for name, audio in value.audio.items())
        elif isinstance(value, Audio):
            yield f"part {place}", value.samples


def _energy(samples: npt.NDArray[np.floating]) -> float:
    return float(np.vdot(samples, samples))


def _ratio_db(a: float, b: float) -> float:
    return max(10 * log10(a / b), LOWEST) if a > 0 and b > 0 else LOWEST


def as_sound(value: Value | None) -> Audio | None:
    """A value as sound, if it is there and can be heard without a mixture."""
    if isinstance(value, Audio):
        return value
    if value is None or (isinstance(value, Stems) and not len(value)):
        return None
    try:
        return audible(value).audio
    except NotAudible:
        return None
