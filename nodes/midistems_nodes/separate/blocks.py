"""Work on a long signal block by block: bounded memory, all threads, quick to cancel.

A block's result must depend on its own place alone, so neither the number of threads nor the way
a song is cut into tiles changes a bit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from midistems_graph.audio.stft import Padding, Stft
from midistems_graph.audio.values import Complex64, Float32
from midistems_graph.node import Audio, Cancelled, Context, Run, Span, Stems, StftSettings, Stream, samples

Item = TypeVar("Item")
Check = Callable[[], None]
"""To be called every 200 ms of work or oftener; raises Cancelled."""


@dataclass(frozen=True)
class Block:
    """What masks are made from: bins [channels, frames, bins], of which the frames `rows` are to be masked.

    They are the STFT of `span`, of the channels from `channel` on. Frame rows.start has the number `first` in the
    song. The other frames are there to be compared with.
    """

    bins: Complex64
    span: Span
    channel: int
    rows: slice
    first: int
    check: Check


Masks = Callable[[Block], Iterable[Float32]]
"""Masks [channels or 1, rows, bins] of a block, one after the other."""


def each(items: Sequence[Item], work: Callable[[Item, Check], None], run: Run) -> None:
    """Do `work` on every item, on the run's threads, while this thread reports progress."""
    stop = threading.Event()

    def check() -> None:
        if stop.is_set():
            raise Cancelled

    pool = ThreadPoolExecutor(run.threads)
    try:
        pending = {pool.submit(work, item, check) for item in items}
        while pending:
            done, pending = wait(pending, timeout=0.1, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
            run.progress(1 - len(pending) / len(items))
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def mask_stems(
    mixture: Audio,
    settings: StftSettings,
    names: Sequence[str],
    masks: Masks,
    *,
    run: Run,
    reach: int = 0,
    frames: int = 512,
    apart: bool = False,
    span: Span | None = None,
) -> Stems:
    """Stems by masks on the mixture's STFT; the last one is what the others leave, so the set nulls.

    `masks` gives a mask for every name but the last; a frame's mask may depend on `reach` frames to either side.
    It is asked for about `frames` frames at a time, and where channels are taken `apart`, for one of them at a time.
    The stems cover `span`; without one the run's where that is a part of the mixture, otherwise the mixture's.
    """
    hop, given = settings.hop, mixture.span
    wanted = mixture.crop(span or (run.span if _within(run.span, given) else given))
    made = {name: np.empty_like(wanted.samples) for name in names}
    *masked, rest = made
    groups = [slice(n, n + 1) for n in range(mixture.channels)] if apart else [slice(0, mixture.channels)]

    def separate(part: tuple[Span, slice], check: Check) -> None:
        inner, channels = part
        near = _widened(inner, mask_context(settings).samples, given)
        wide = _widened(near, reach * hop, given)
        bins = Stft(settings, wide).forward(mixture.crop(wide).samples[channels])
        numbers = near.stft_frames(hop)
        skipped = numbers.start - wide.stft_frames(hop).start
        block = Block(bins, wide, channels.start, slice(skipped, skipped + len(numbers)), numbers.start, check)
        inverse = Stft(settings, near).inverse
        at = channels, slice(inner.start - wanted.span.start, inner.stop - wanted.span.start)
        left = made[rest][at]
        left[:] = wanted.samples[at]
        for name, mask in zip(masked, masks(block), strict=True):
            check()
            stem = inverse(bins[:, block.rows], mask=mask)[:, inner.start - near.start : inner.stop - near.start]
            made[name][at] = stem
            left -= stem

    each([(piece, group) for piece in _pieces(wanted.span, hop * frames) for group in groups], separate, run)
    return Stems({name: wanted.with_samples(stem) for name, stem in made.items()}, complete=True)


def mask_context(settings: StftSettings, reach: int = 0) -> Context:
    """How far around an instant `mask_stems` looks: into its frames, their neighbours, and those frames' samples."""
    return samples(settings.n_fft + (reach + 1) * settings.hop)


def frame_blocks(
    stream: Stream[Audio], settings: StftSettings, count: int, run: Run, *, pad: Padding = "reflect"
) -> Iterator[tuple[range, Float32]]:
    """Magnitudes of a whole song as (frame numbers, float32 [channels, frames, bins]), `count` frames at a time.

    The blocks are the same however the stream is cut into tiles.
    """
    span, hop, half = stream.span, settings.hop, settings.n_fft // 2
    frames = span.stft_frames(hop)
    first, start = frames.start, span.start
    held: Float32 | None = None
    for tile in stream:
        held = tile.samples if held is None else np.concatenate([held, tile.samples], axis=1)
        while first < frames.stop:
            run.check()
            block = range(first, min(first + count, frames.stop))
            low = max(span.start, first * hop - half)
            high = min((block.stop - 1) * hop + half + hop, span.stop)
            if start + held.shape[1] < high:
                break
            wide = Span(low, high, span.total, span.rate)
            bins = Stft(settings, wide, threads=run.threads, pad=pad).forward(held[:, low - start : high - start])
            skip = first - wide.stft_frames(hop).start
            yield block, np.abs(bins[:, skip : skip + len(block)])
            first = block.stop
        low = min(max(start, first * hop - half), tile.span.stop)
        held, start = held[:, low - start :], low


def _within(part: Span, whole: Span) -> bool:
    """Whether it is a stretch of the same song; the run of a plain call may know nothing of the song."""
    return (part.total, part.rate) == (whole.total, whole.rate) and whole.start <= part.start <= part.stop <= whole.stop


def _widened(span: Span, margin: int, limits: Span) -> Span:
    """The span with a margin to either side, as far as the limits go."""
    return Span(max(limits.start, span.start - margin), min(limits.stop, span.stop + margin), span.total, span.rate)


def _pieces(span: Span, length: int) -> Iterator[Span]:
    for start in range(span.start, span.stop, length):
        yield Span(start, min(start + length, span.stop), span.total, span.rate)
