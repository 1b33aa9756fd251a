"""A song in chunks on its own grid: their scores, and several versions of it joined chunk by chunk."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Run, Scorer, Span, Stems

FADE = 0.02
"""Seconds in which one version passes into the next, around the border of two chunks."""


@dataclass(frozen=True)
class Judge:
    """A scorer with all that it is to know besides the stems. What it cannot judge counts less than anything."""

    scorer: Scorer
    mixture: Audio
    references: Stems | None
    run: Run

    def __call__(self, stems: Stems) -> float:
        return self._score(self.mixture, stems, self.references)

    def on(self, stems: Stems, place: Place) -> float:
        """The score of one chunk, of one channel or all."""
        true = None if self.references is None else place.of_stems(self.references)
        return self._score(place.of(self.mixture), place.of_stems(stems), true)

    def _score(self, mixture: Audio, stems: Stems, references: Stems | None) -> float:
        self.run.check()
        score = self.run.score(self.scorer, mixture, stems, references)
        return -math.inf if math.isnan(score) else score


@dataclass(frozen=True)
class Place:
    """A chunk of a song, of some of its channels."""

    span: Span
    channels: slice

    def of(self, audio: Audio) -> Audio:
        part = audio.crop(self.span)
        return Audio(part.samples[self.channels], part.span)

    def of_stems(self, stems: Stems) -> Stems:
        return stems.map({name: self.of(audio) for name, audio in stems.audio.items()})


def places(span: Span, chunk: float, channels: int, *, apart: bool) -> list[Place]:
    """Chunks of so many seconds on the song's own grid, or all of it (0), of every channel apart or of all at once."""
    parts = [slice(number, number + 1) for number in range(channels)] if apart else [slice(0, channels)]
    length = max(1, round(chunk * span.rate)) if chunk else max(1, span.total)
    return [Place(piece, part) for piece in pieces(span, length) for part in parts]


def pieces(span: Span, length: int) -> Iterator[Span]:
    """The pieces of a span on the song's grid of so many samples."""
    for start in range(span.start - span.start % length, span.stop, length):
        yield Span(max(start, span.start), min(start + length, span.stop), span.total, span.rate)


def worst_parts(grid: Sequence[Place], stems: Stems, share: float, judge: Judge) -> list[Span]:
    """The share of the chunks that has the lowest scores, neighbours joined; those without a score are left out."""
    scores: dict[Span, float] = {}
    for place in grid:
        scores[place.span] = min(scores.get(place.span, math.inf), judge.on(stems, place))
    judged = sorted((span for span in scores if scores[span] > -math.inf), key=lambda span: scores[span])
    merged: list[Span] = []
    for span in sorted(judged[: math.ceil(share * len(scores))], key=lambda span: span.start):
        if merged and merged[-1].stop == span.start:
            span = replace(merged.pop(), stop=span.stop)
        merged.append(span)
    return merged


def widened(part: Span, seconds: float) -> Span:
    """A part of the song and so much to either side of it."""
    margin = round(seconds * part.rate)
    return replace(part, start=max(0, part.start - margin), stop=min(part.total, part.stop + margin))


def best_of(versions: Sequence[Stems], place: Place, judge: Judge) -> int:
    """The number of the version that scores best in a place; of equals the first."""
    scores = [judge.on(stems, place) for stems in versions]
    return max(range(len(scores)), key=lambda number: scores[number])


def joined(versions: Sequence[Stems], grid: Sequence[Place], choice: Sequence[int]) -> Stems:
    """One set, each place from the version that is chosen for it, with straight fades around the borders."""
    first = versions[0]
    made: dict[str, Float32] = {name: np.zeros_like(audio.samples) for name, audio in first.audio.items()}
    for number, version in enumerate(versions):
        if number not in choice:
            continue
        gain = np.zeros((first.channels, first.span.frames), np.float32)
        for place, chosen in zip(grid, choice, strict=True):
            if chosen == number:
                gain[place.channels, place.span.start - first.span.start : place.span.stop - first.span.start] = 1
        if len(set(choice)) > 1:
            gain = _smooth(gain, round(FADE * first.rate))
        for name, audio in version.audio.items():
            made[name] += gain * audio.samples
    return Stems({name: first[name].with_samples(samples) for name, samples in made.items()}, first.complete)


def _smooth(gain: Float32, width: int) -> Float32:
    """A running mean of odd width along time, edges held: steps become ramps, and gains of 1 in all stay so."""
    half = width // 2
    padded = np.pad(gain.astype(np.float64), ((0, 0), (half + 1, half)), mode="edge")
    sums: npt.NDArray[np.float64] = padded.cumsum(axis=1)
    return ((sums[:, 2 * half + 1 :] - sums[:, : -2 * half - 1]) / (2 * half + 1)).astype(np.float32)
