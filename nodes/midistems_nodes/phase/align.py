"""Sounds laid exactly over another one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from midistems_graph.node import Audio, Context, Features, Range, Run, Span, Stems, Stream, node
from midistems_nodes.phase.delay import HALF_TAPS, advance
from midistems_nodes.phase.track import Follow, Track, find_track, moved
from midistems_nodes.signals import Signal, map_audio, require_match, total

MaxDelay = Annotated[float, Range(0.0001, 10, "s", "log")]


def offset_model(
    audio: Stream[Audio | Stems],
    reference: Stream[Audio],
    *,
    max_delay: MaxDelay = 0.1,
    follow: Follow = "delay",
    polarity: bool = True,
    run: Run,
    **_: object,
) -> Features:
    """Delay in samples over the whole song, and the factor, of a sound against its reference."""
    most = math.ceil(max_delay * audio.span.rate)
    found = find_track(Summed(audio), reference, follow, most, polarity, run)
    if found.likeness and abs(found.likeness) < 0.1:
        run.warn(f"the two sounds hardly resemble each other (correlation {found.likeness:.2f}); is the delay longer?")
    notes = {"delay": float(found.delays[0]), "factor": found.factor, "drift": found.drift}
    return Features({"times": found.times, "delays": found.delays}, notes)


@node(
    "phase.align",
    version="1.1.0",
    title="Align",
    tags=("delay", "polarity", "latency", "time", "gain", "drift", "clock", "wow"),
    context=lambda k: Context(samples=2 * HALF_TAPS + 2, seconds=k.max_delay),
    reduce=offset_model,
    libraries=("numpy", "scipy"),
    scratch=2,
)
def align(
    audio: Signal,
    reference: Audio,
    learned: Features,
    *,
    max_delay: MaxDelay = 0.1,
    follow: Follow = "delay",
    polarity: bool = True,
    level: bool = False,
    run: Run,
) -> Signal:
    """Move a sound until it lies exactly over a reference: in time to a fraction of a sample, polarity, and level.

    Good before anything that adds or subtracts: an official instrumental that is to be taken from a song, results of
    tools with latency, two masterings, a digitised record.

    Parameters
    ----------
    audio
        The sound to move; of a stem set the sum is compared and all stems are moved alike.
    reference
        What it is to lie over; its level does not matter.
    learned
        Delay and factor over the whole song, from the first pass.
    max_delay
        The farthest that is looked for, either way.
    follow
        `delay`: one delay for the whole song. `drift`: one that grows evenly, as between two clocks; a few millionths
        make many samples within a song. `curve`: one that wanders (tape, vinyl) or jumps (edits), followed every 0.4 s
        (at 44.1 kHz); less exact than the others where they fit.
    polarity
        Also turn the sound over where it is the wrong way up.
    level
        Also make it as loud as it is in the reference.

    Returns
    -------
    Audio or Stems
        As long as before; where the sound was moved away from an end of the song, silence comes in.

    References
    ----------
    The largest cross-correlation over all channels, its band-limited summit found by golden section; a Kaiser-windowed
    sinc moves by the fraction (Laakso et al., "Splitting the unit delay", IEEE Signal Processing Magazine 13(1),
    1996). Drift: the line that most pieces of 3 s agree on (Fischler and Bolles, "Random sample consensus",
    Communications of the ACM 24(6), 1981), corrected by what is left after it is undone. Factor:
    <signal, reference> / |signal|^2 at that delay.
    """
    require_match(audio, reference)
    run.check()
    factor = learned.notes["factor"]
    gain = np.float32(factor if level else np.sign(factor) or 1)
    track = Track(learned.arrays["times"], learned.arrays["delays"])
    if track.steady:
        return map_audio(audio, lambda one: one.with_samples(advance(one.samples, learned.notes["delay"], run) * gain))
    return map_audio(audio, lambda one: one.with_samples(moved(one.samples, one.span, one.span, track, run) * gain))


@dataclass(frozen=True)
class Summed:
    """A stream of sounds, or of the sums of stem sets."""

    stream: Stream[Audio | Stems]

    @property
    def span(self) -> Span:
        return self.stream.span

    def __iter__(self) -> Iterator[Audio]:
        for tile in self.stream:
            parts = list(tile.audio.values()) if isinstance(tile, Stems) else [tile]
            yield parts[0] if len(parts) == 1 else parts[0].with_samples(total(parts))
