"""The blend loop: a separator is asked again about the mixture with more of its own last answer in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np

from midistems_graph.audio.stem_names import find
from midistems_graph.node import (
    WHOLE,
    Audio,
    NodeError,
    Range,
    Run,
    Scorer,
    Scores,
    Separator,
    Span,
    Stems,
    node,
)
from midistems_nodes.loop.regions import FADE, Judge, Place, best_of, joined, places, widened, worst_parts
from midistems_nodes.loop.trace import begun, extended, is_over, last_score
from midistems_nodes.ports import Asked, Song, TrueIfNeeded
from midistems_nodes.signals import require_match, total

_MARGIN = 1.0
"""Seconds to either side of a part of the song that a separator may listen to as well."""


class Blended(NamedTuple):
    stems: Stems
    trace: Scores


@node(
    "loop.blend",
    title="Blend loop",
    tags=("refine", "iterate", "training-free", "loop", "blending"),
    context=WHOLE,
    keeps_gain=False,  # the separator decides
    scratch=3,
)
def blend(
    separator: Asked,
    scorer: Scorer,
    mixture: Song,
    references: TrueIfNeeded | None = None,
    previous: Stems | None = None,
    trace: Scores | None = None,
    *,
    steps: Annotated[int, Range(1, 100)] = 3,
    candidates: Annotated[int, Range(1, 50)] = 5,
    fine: Annotated[int, Range(0, 20)] = 0,
    stem: str = "",
    chunk: Annotated[float, Range(0, 600, "s")] = 0.0,
    channels: bool = False,
    worst: Annotated[float, Range(0.01, 1)] = 1.0,
    least: Annotated[float, Range(0, 10)] = 0.001,
    run: Run,
) -> Blended:
    """Ask a separator again about a blend of the mixture and its own last answer, and keep what scores better.

    In the blend the wanted stem stands out more than in the mixture, so a separator may hear it more clearly. How much
    of the mixture is best is tried out, and what was there before stays if nothing is better: by the measure of the
    scorer, over the song, the result never gets worse. Takes any separator, or a whole group of nodes, without
    training.

    Parameters
    ----------
    scorer
        What decides, from the `scorer` output of a node. A loop is as good as its scorer: see the study of scorers.
    previous
        Stems to begin with; without them the separator is asked about the mixture.
    trace
        What a loop before this one has found out, to go on with; it then also knows when to stop.
    steps
        At most so many times a better blend is looked for.
    candidates
        So many blends are tried in each step, evenly spread: r = 0 is the last answer alone, near 1 nearly all mixture.
    fine
        So many further blends are tried around the best of them. Only over the whole song.
    stem
        The stem to refine; the others take up what it gives off. Without a name every stem in its turn, at as many
        times the cost.
    chunk
        The best blend is chosen anew for every chunk of this length; 0 chooses one for the whole song. The joined song
        is judged once more, and only counts if it is better as a whole.
    channels
        Choose for every channel by itself as well.
    worst
        Only this share of the chunks, those with the lowest scores, is worked on in each step: less work where the
        score is high already. Needs `chunk`.
    least
        A step that gains less than this (in the unit of the scorer) was the last one.

    Returns
    -------
    Blended
        stems, the best found; trace, a row per step: its score, its gain, the r that won (the mean over chunks; -1
        where nothing did), and for how many seconds of sound the separator was asked.

    Notes
    -----
    Holds the song in memory. To hear every step, put it into a repeat group with `steps` 1 that carries `stems` to
    `previous` and `trace` to `trace`, as the preset blend_loop does.

    References
    ----------
    Zang, Li & Kong, "Training-free multi-step audio source separation", arXiv 2505.19534, 2025: x_t = r x_0 + (1 - r)
    y_{t-1}, y_t the best of all f(x_t). Differs in that y_{t-1} is a candidate too, without which the score may fall.
    """
    if references is not None:
        require_match(mixture, references)
    judge = Judge(scorer, mixture, references, run)
    asked = 0.0
    if previous is None:
        previous, asked = run.separate(separator, mixture), mixture.span.seconds
    require_match(mixture, previous)
    trace = trace or begun(judge(previous), asked)
    grid = places(mixture.span, chunk, mixture.channels, apart=channels)
    search = _Search(separator, judge, grid, candidates, fine, worst)
    for done in range(steps):
        run.progress(done / steps)
        if is_over(trace, least):
            break
        found, asked = _Found(previous, last_score(trace)), 0.0
        for name in wanted_stems(stem, previous):
            found, more = search.better(found, name)
            asked += more
        trace = extended(trace, found.score, found.r, asked)
        previous = found.stems
    return Blended(previous, trace)


def wanted_stems(stem: str, stems: Stems) -> list[str]:
    """The stem of a name, or all; raises NodeError where there is none."""
    found = find(stem, stems) if stem else list(stems)
    if not found:
        raise NodeError(f"there is no stem called {stem!r}; the separator gives {', '.join(stems)}")
    return found


def with_stem(stems: Stems, name: str, audio: Audio) -> Stems:
    """The set with one stem replaced; what it gives off goes to the others in equal parts, so the sum stays."""
    others = len(stems) - 1
    given = stems[name].samples - audio.samples
    made = {
        one: audio if one == name else old.with_samples(old.samples + given / np.float32(others))
        for one, old in stems.audio.items()
    }
    return stems.map(made)


@dataclass(frozen=True)
class _Found:
    """A set, its score, and the share of the mixture in the blend that led to it (-1 for none)."""

    stems: Stems
    score: float
    r: float = -1.0


@dataclass(frozen=True)
class _Search:
    """One step for one stem: blends are tried, over the song and chunk by chunk."""

    separator: Separator
    judge: Judge
    grid: list[Place]
    candidates: int
    fine: int
    worst: float

    def better(self, start: _Found, name: str) -> tuple[_Found, float]:
        """The best that blends with the stem of that name lead to, or the start; for how many seconds was asked."""
        parts = self._parts(start.stems)
        tries = [self._tried(start.stems, name, number / self.candidates, parts) for number in range(self.candidates)]
        best = max([start, *tries], key=_score)
        if self.fine and best is not start and len(self.grid) == 1:
            tries += self._finer(start.stems, name, best.r, parts)
        asked = len(tries) * sum(widened(part, _MARGIN).seconds for part in parts)
        if len(self.grid) > 1:
            tries = [self._chunk_by_chunk([start, *tries]), *(tries if self.worst >= 1 else [])]
        return max([start, *tries], key=_score), asked

    def _tried(self, last: Stems, name: str, r: float, parts: list[Span]) -> _Found:
        """What a blend leads to, in the parts that the separator is asked about."""
        mixture = self.judge.mixture
        blended = mixture.with_samples(mixture.samples * np.float32(r) + last[name].samples * np.float32(1 - r))
        answer = last[name].samples.copy()
        for part in parts:
            made = self.judge.run.separate(self.separator, blended.crop(widened(part, _MARGIN)))
            near = widened(part, FADE)
            at = slice(near.start - mixture.span.start, near.stop - mixture.span.start)
            answer[:, at] = total([made[one].crop(near) for one in find(name, made)])
        stems = with_stem(last, name, mixture.with_samples(answer))
        return _Found(stems, self.judge(stems), r)

    def _finer(self, last: Stems, name: str, r: float, parts: list[Span]) -> list[_Found]:
        """What blends lead to that a search for the maximum around the best one tries."""
        from scipy.optimize import minimize_scalar

        tries: list[_Found] = []

        def lost(share: float) -> float:
            tries.append(self._tried(last, name, share, parts))
            return -tries[-1].score

        step = 1 / self.candidates
        around = (max(0.0, r - step), min(1.0, r + step))
        minimize_scalar(lost, bounds=around, method="bounded", options={"maxiter": self.fine})
        return tries

    def _parts(self, stems: Stems) -> list[Span]:
        """The stretches that the separator is asked about: all, or the chunks with the lowest scores."""
        if self.worst >= 1 or len(self.grid) == 1:
            return [self.judge.mixture.span]
        return worst_parts(self.grid, stems, self.worst, self.judge)

    def _chunk_by_chunk(self, tries: list[_Found]) -> _Found:
        """The best sets of all chunks joined, judged as a whole."""
        sets = [one.stems for one in tries]
        choice = [best_of(sets, place, self.judge) for place in self.grid]
        if len(set(choice)) == 1:
            return tries[choice[0]]
        stems = joined(sets, self.grid, choice)
        won = [tries[number].r for number in choice if number]
        return _Found(stems, self.judge(stems), sum(won) / len(won))


def _score(found: _Found) -> float:
    return found.score
