"""What is listened to, at its own pace: for loudness, for the level of a difference, and for files.

Blocks are of one second at the song's rate, so an hour needs the memory of a few seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from midistems_graph.audio.loudness import LoudnessMeter
from midistems_graph.audio.values import Audio, Float32, Span
from midistems_graph.audio.writing import SoundWriter
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.audible import NotAudible, audible
from midistems_graph.editor.audition.pages import EdgeReader, Pager, Track
from midistems_graph.editor.audition.program import PLAIN, Monitor, Program
from midistems_graph.editor.audition.takes import Take

Region = tuple[int, int]
"""Samples [start, stop) of the song."""


class NotComputed(Exception):
    """A stretch is not computed yet; one sentence for the user."""


def blocks(
    reader: EdgeReader,
    take: Take,
    song: Span,
    region: Region,
    *,
    monitor: Monitor = PLAIN,
    mixture: Address | None = None,
) -> Iterator[Float32]:
    """What is heard of a take on a region, float32 [2, samples] by the second. Raises NotComputed and NotAudible."""
    pager = Pager(reader, lambda: (0, None), lambda track: None)
    pager.mixture = mixture
    total = Fraction(song.total, song.rate)
    tracks = [Track(part.address, part.stem, song.rate, total) for part in take.parts]
    gain = 10 ** (take.gain_db / 20)
    program = Program(tuple((t, part.gain * gain) for t, part in zip(tracks, take.parts, strict=True)), monitor)
    for start in range(region[0], region[1], song.rate):
        stop = min(start + song.rate, region[1])
        for track in tracks:
            for number in track.numbers(start - song.rate // 20, stop + song.rate // 20):
                if number not in track.pages:
                    pager.fetch(track, number)
                if track.trouble:
                    raise NotAudible(track.trouble)
                if number not in track.pages:
                    raise NotComputed(
                        f"{track.address} is not computed yet at {number} s; wait, or choose a shorter loop"
                    )
            for number in [n for n in track.pages if n < start // song.rate - 1]:
                del track.pages[number]
        yield program.samples(start, stop - start)


def loudness(reader: EdgeReader, take: Take, song: Span, region: Region, mixture: Address | None = None) -> float:
    """Integrated loudness of a take on a region in LUFS, without its gain of matching; -inf for silence."""
    meter = LoudnessMeter(song.rate, 2, "stereo")
    for block in blocks(reader, Take(take.parts), song, region, mixture=mixture):
        meter.add(block)
    return meter.lufs


def level_db(reader: EdgeReader, take: Take, song: Span, region: Region, mixture: Address | None = None) -> float:
    """RMS level of a take on a region in dBFS, both sides together; -inf for silence."""
    power, count = 0.0, 0
    for block in blocks(reader, take, song, region, mixture=mixture):
        power += float(np.einsum("cn,cn->", block, block, dtype=np.float64))
        count += block.size
    return 10 * math.log10(power / count) if power > 0 else -math.inf


def matching_gains(lufs: Sequence[float]) -> list[float]:
    """Gains in dB that turn takes down to the quietest one (never up, so that nothing clips); 0 for silent ones."""
    target = min((level for level in lufs if math.isfinite(level)), default=0.0)
    return [target - level if math.isfinite(level) else 0.0 for level in lufs]


def export(
    path: Path,
    reader: EdgeReader,
    take: Take,
    song: Span,
    region: Region,
    *,
    monitor: Monitor = PLAIN,
    mixture: Address | None = None,
    format: str = "wav",
) -> None:
    """Write what is heard of a region to a file at the song's rate.

    A single edge without filters keeps its channels and its very samples. Raises NotComputed, NotAudible and the
    errors of `SoundWriter`.
    """
    plain = _plain(reader, take, song, region) if monitor == PLAIN else None
    if plain is not None:
        with SoundWriter(
            path, rate=plain.rate, channels=plain.channels, frames=plain.span.frames, format=format, layout=plain.layout
        ) as writer:
            writer.write(plain.samples)
        return
    with SoundWriter(path, rate=song.rate, channels=2, frames=region[1] - region[0], format=format) as writer:
        for block in blocks(reader, take, song, region, monitor=monitor, mixture=mixture):
            writer.write(block)


def _plain(reader: EdgeReader, take: Take, song: Span, region: Region) -> Audio | None:
    """The edge's own audio, if nothing else is heard."""
    part = take.parts[0]
    if len(take.parts) > 1 or part.gain != 1 or take.gain_db:
        return None
    value = reader.read(part.address, (Fraction(region[0], song.rate), Fraction(region[1], song.rate)))
    if value is None:
        raise NotComputed(f"{part.address} is not computed yet; wait, or choose a shorter loop")
    found = audible(value, stem=part.stem) if isinstance(value, Audio) or part.stem else None
    return found.audio if found else None
