"""The contextual snowball: a separator hears ever longer stretches, each time with its last answer in its ear."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np

from midistems_graph.audio.stem_names import find
from midistems_graph.audio.values import Float32
from midistems_graph.node import WHOLE, Audio, Range, Run, Separator, Span, Stems, node
from midistems_nodes.loop.blend import Blended, wanted_stems, with_stem
from midistems_nodes.loop.regions import Judge, pieces
from midistems_nodes.loop.trace import begun, extended, last_score
from midistems_nodes.ports import Asked, Deciding, Song, TrueIfNeeded
from midistems_nodes.signals import require_match, total


@node(
    "loop.snowball",
    title="Contextual snowball",
    tags=("context", "segment", "widen", "iterate", "loop"),
    context=WHOLE,
    keeps_gain=False,  # the separator decides
    scratch=3,
)
def snowball(
    separator: Asked,
    scorer: Deciding,
    mixture: Song,
    references: TrueIfNeeded | None = None,
    *,
    shortest: Annotated[float, Range(0.5, 600, "s")] = 5.0,
    growth: Annotated[float, Range(1.1, 10)] = 2.0,
    stages: Annotated[int, Range(1, 20)] = 4,
    overlap: Annotated[float, Range(0, 0.5)] = 0.25,
    r: Annotated[float, Range(0, 1)] = 1.0,
    stem: str = "",
    run: Run,
) -> Blended:
    """Separate a song in short segments, then in longer and longer ones, and keep a stage where it scores better.

    Some separators do better with much around them, some with little; and what a short look has found may help the
    longer one, when its answer is blended into what is heard next.

    Parameters
    ----------
    shortest
        Length of the segments of the first stage.
    growth
        How many times longer they are in every further stage.
    stages
        How many stages there are. A stage whose segments hold the whole song is the last.
    overlap
        How much neighbouring segments overlap and pass into each other, as a part of their length.
    r
        How much of the mixture is in the sound of the further stages; the rest is the stem's last answer. 1 leaves the
        mixture alone.
    stem
        The stem that is blended in; without a name the first. Only matters for `r` below 1.

    Returns
    -------
    Blended
        stems, the best found; trace, a row per stage with its score; r is -1 where a stage was not kept, and `asked`
        are the seconds of sound that the separator heard.

    Notes
    -----
    Good for REPET and others that learn from what they hear, and for finding out how long the segments of a network
    should be. Over the song, the score never falls from stage to stage. Holds the song in memory.

    References
    ----------
    Segments on the song's own grid, with straight fades over their overlap; the blend as in the Blend loop.
    """
    if references is not None:
        require_match(mixture, references)
    judge = Judge(scorer, mixture, references, run)
    best: Stems | None = None
    trace = None
    seconds = shortest
    for stage in range(stages):
        run.progress(stage / stages)
        heard, name = mixture, ""
        if best is not None and r < 1:
            name = wanted_stems(stem, best)[0]
            heard = mixture.with_samples(
                mixture.samples * np.float32(r) + best[name].samples * np.float32(1 - r),
            )
        made, asked = in_segments(separator, heard, seconds, overlap, run)
        if best is not None and name:
            made = with_stem(best, name, mixture.with_samples(total([made[one] for one in find(name, made)])))
        score = judge(made)
        if best is None or trace is None:
            best, trace = made, begun(score, asked)
        elif score > last_score(trace):
            best, trace = made, extended(trace, score, r, asked)
        else:
            trace = extended(trace, last_score(trace), -1.0, asked)
        if seconds >= mixture.span.seconds:
            break
        seconds *= growth
    assert best is not None and trace is not None
    return Blended(best, trace)


def in_segments(separator: Separator, mixture: Audio, seconds: float, overlap: float, run: Run) -> tuple[Stems, float]:
    """The stems that a separator gives when it hears segments alone, and how much it heard."""
    span, length = mixture.span, max(1, round(seconds * mixture.rate))
    if length >= span.total:
        return run.separate(separator, mixture), span.seconds
    fade = round(overlap * length / 2)
    sums: dict[str, Float32] = {}
    complete, asked = True, 0.0
    for piece in pieces(span, length):
        wide = replace(piece, start=max(span.start, piece.start - fade), stop=min(span.stop, piece.stop + fade))
        answer = run.separate(separator, mixture.crop(wide))
        complete, asked = complete and answer.complete, asked + wide.seconds
        gain = _slopes(wide, piece, fade)
        for name, audio in answer.audio.items():
            made = sums.setdefault(name, np.zeros_like(mixture.samples))
            made[:, wide.start - span.start : wide.stop - span.start] += gain * audio.samples
    return Stems({name: mixture.with_samples(samples) for name, samples in sums.items()}, complete), asked


def _slopes(wide: Span, piece: Span, fade: int) -> Float32:
    """1 within a piece, falling to nothing over its overlap with each neighbour, half of it to either side."""
    at = np.arange(wide.start, wide.stop)
    gain = np.ones(len(at))
    if wide.start < piece.start:
        gain = np.minimum(gain, (at - piece.start + fade + 0.5) / (2 * fade))
    if wide.stop > piece.stop:
        gain = np.minimum(gain, (piece.stop + fade - at - 0.5) / (2 * fade))
    return np.clip(gain, 0, 1).astype(np.float32)
