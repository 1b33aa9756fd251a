"""The quietest of several estimates, stretch by stretch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
import numpy.typing as npt

from midistems_graph.node import Audio, Context, Features, Range, Run, Stems, Stream, node
from midistems_nodes.measure.streams import chunks
from midistems_nodes.ports import Member
from midistems_nodes.signals import BLOCK, Signal, require_match, require_names, require_some

Parts = Annotated[int, Range(1, 10000)]
_MOST_FADE = 0.05


def loudness_of_parts(estimates: tuple[Stream[Signal], ...], *, parts: Parts = 240, run: Run, **_: object) -> Features:
    """The mean absolute sample of every part of the song: one array [estimates, parts] per stem."""
    require_some("estimates", estimates)
    sums: dict[str, npt.NDArray[np.float64]] = {}
    bounds = bounds_of(estimates[0].span.total, parts)
    for pieces in chunks(estimates, BLOCK, run.progress):
        require_match(*pieces)
        start = pieces[0].span.start
        for number, piece in enumerate(pieces):
            for name, audio in _audio(piece).items():
                mine = sums.setdefault(name, np.zeros((len(estimates), parts)))
                size = np.abs(audio.samples).sum(axis=0, dtype=np.float64)
                place = np.searchsorted(bounds, start + np.arange(len(size)), side="right") - 1
                mine[number] += np.bincount(place, size, minlength=parts)
    return Features({name: mine / np.maximum(1, np.diff(bounds)) for name, mine in sums.items()})


@node(
    "blend.quietest",
    title="Quietest part (ensemble_wav)",
    tags=("ensemble", "ensemble_wav", "uvr", "bleed", "min"),
    context=Context(seconds=_MOST_FADE),
    reduce=loudness_of_parts,
    libraries=("numpy",),
)
def quietest(
    estimates: tuple[Member[Signal], ...],
    learned: Features,
    *,
    parts: Parts = 240,
    fade: Annotated[float, Range(0, _MOST_FADE, "s")] = 0.005,
    run: Run,
) -> Signal:
    """Cut a song into parts and take each from the estimate that is quietest there.

    Good for instrumentals, where whatever is too much is bleed of the voice; with `fade` 0 it is what is known as
    ensemble_wav.

    Parameters
    ----------
    learned
        How loud every part is, from the first pass over the whole song.
    parts
        So many parts of nearly equal length does the song have.
    fade
        How long one estimate passes into the next, around a border. 0 cuts hard, which may click.

    Returns
    -------
    Signal
        As long as the estimates.

    References
    ----------
    Ultimate Vocal Remover, `ensemble_wav`: argmin over estimates of mean |x|, in 240 parts as numpy's array_split makes
    them. The earliest of equals wins. The fade is new.
    """
    require_some("estimates", estimates)
    require_match(*estimates)
    first = estimates[0]
    bounds = bounds_of(first.span.total, parts)
    made = {}
    if isinstance(first, Stems):
        require_names(*[one for one in estimates if isinstance(one, Stems)])
    for name in _audio(first):
        choice = np.argmin(learned.arrays[name], axis=0)
        made[name] = _joined([_audio(one)[name] for one in estimates], bounds, choice, fade, run)
    if isinstance(first, Stems):
        return Stems(made, complete=False)
    return made[_ONLY]


_ONLY = "audio"


def _audio(signal: Audio | Stems) -> Mapping[str, Audio]:
    return signal.audio if isinstance(signal, Stems) else {_ONLY: signal}


def bounds_of(total: int, parts: int) -> npt.NDArray[np.intp]:
    """Where parts begin and the last one ends: the first ones are a sample longer if it does not come out even."""
    short, longer = divmod(total, parts)
    return np.cumsum([0, *[short + 1] * longer, *[short] * (parts - longer)])


def _joined(
    parts: Sequence[Audio], bounds: npt.NDArray[np.intp], choice: npt.NDArray[np.intp], fade: float, run: Run
) -> Audio:
    """Each estimate weighted by where it is chosen, with straight fades centred on the borders."""
    span = parts[0].span
    half = round(fade * span.rate / 2)
    samples = np.zeros_like(parts[0].samples)
    for lo in range(0, span.frames, BLOCK):
        run.check()
        hi = min(lo + BLOCK, span.frames)
        place = np.arange(span.start + lo, span.start + hi)
        now = np.searchsorted(bounds, place, side="right") - 1
        after = np.searchsorted(bounds, np.minimum(place + half, span.total - 1), side="right") - 1
        before = np.searchsorted(bounds, np.maximum(place - half, 0), side="right") - 1
        # The next border is ahead or behind; only one of them is near, unless parts are shorter than the fade.
        border = np.where(after > now, bounds[np.minimum(now + 1, len(bounds) - 1)], bounds[now])
        rise = np.where((after > now) | (before < now), (place - border + half + 0.5) / max(1, 2 * half), 1)
        other = np.where(after > now, after, now)
        from_ = np.where(after > now, now, np.where(before < now, before, now))
        rise = np.clip(rise, 0, 1).astype(np.float32)
        for number, part in enumerate(parts):
            gain = np.where(choice[other] == number, rise, 0) + np.where(choice[from_] == number, 1 - rise, 0)
            samples[:, lo:hi] += gain.astype(np.float32) * part.samples[:, lo:hi]
    return parts[0].with_samples(samples)
