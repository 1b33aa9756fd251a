"""What a report lets one hear and see of edges: previews, pictures and level curves of one stretch of the song.

All previews cover the same stretch, as Ogg Vorbis: it is encoded three to four times as fast as MP3, and most browsers
play it. The whole song is taken as long as all previews together stay within a few minutes; of longer or more
previews the loudest stretch that does, with less treble.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction

import blake3
import numpy as np
import soundfile

from midistems_graph.audio.resample import resample
from midistems_graph.audio.stft import istft
from midistems_graph.audio.values import Audio, Float32, Spectrogram, Stems, Value
from midistems_graph.engine.apart import owner
from midistems_graph.engine.augment import COMPARE, REFERENCE
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.plan import MODEL, Interval
from midistems_graph.engine.wiring import Source
from midistems_graph.node.contract import NodeError
from midistems_graph.pages.pictures import Picture, levels, picture_of, spectrogram


@dataclass(frozen=True)
class Quality:
    """How previews are encoded while all of them together are no longer than so many seconds."""

    seconds: float
    rate: int
    level: float


LADDER = (Quality(360, 44100, 0.7), Quality(600, 32000, 0.7), Quality(900, 24000, 0.7))
"""The best first; `level` is libsndfile's, 0 to 1. The last one's seconds are what a report has at most."""

MOST = 60
"""Previews in one report."""

SIDES = 2
"""Channels of a preview at most; of more, every other one goes to the left."""

AUDIBLE = frozenset({"audio", "stems", "spectrogram"})
VISIBLE = frozenset({"magnitude", "mask", "curves", "features"})

_BLOCK = 1 << 15
"""Samples that libvorbis is given at once: it keeps them on the stack."""


@dataclass(frozen=True)
class Heard:
    """One edge, or one stem of it: a preview as base64, a picture, levels in dBFS along the stretch.

    What cannot be heard has a picture alone.
    """

    edge: str
    stem: str
    kind: str
    sound: str
    picture: Picture
    levels: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class _Sound:
    """An edge, or one stem of it, as float32 [channels, samples] at the rate of the previews."""

    edge: str
    stem: str
    kind: str
    samples: Float32


@dataclass(frozen=True)
class Listening:
    """The previews of a run, the stretch of the song that they cover, and how many are left out.

    Those that sound like one that is there are, and those beyond the most.
    """

    heard: tuple[Heard, ...]
    stretch: tuple[float, float]
    left_out: int


def listening(executor: Executor, threads: int) -> Listening:
    """Previews of every edge of a finished run whose content is still there, equal content once."""
    plan = executor.plan
    parts = [(source, stem) for source in _edges(executor, AUDIBLE) for stem in _stems(executor, source)]
    kept = parts[:MOST]
    quality, seconds = _affordable(len(kept), float(plan.window[1] - plan.window[0]))
    start = _loudest(executor, kept[0][0], seconds) if kept else plan.window[0]
    stretch = (start, min(start + Fraction(seconds).limit_denominator(1000), plan.window[1]))
    wanted: dict[Source, list[str]] = {}
    for source, stem in kept:
        wanted.setdefault(source, []).append(stem)

    def sounds(source: Source) -> list[_Sound]:
        value = _value(executor, source, stretch)
        return [] if value is None else [_sound(source, value, stem, quality) for stem in wanted[source]]

    def seen(source: Source) -> Heard | None:
        value = _value(executor, source, stretch)
        picture = None if value is None else picture_of(value)
        return Heard(_name(source), "", type(value).__name__.lower(), "", picture, ()) if picture else None

    with ThreadPoolExecutor(max(1, threads)) as pool:
        once: dict[bytes, _Sound] = {}
        for many in pool.map(sounds, wanted):
            for sound in many:
                once.setdefault(blake3.blake3(sound.samples.tobytes()).digest(), sound)
        heard = list(pool.map(lambda sound: _heard(sound, quality), once.values()))
        shown = [one for one in pool.map(seen, _edges(executor, VISIBLE)) if one]
    ends = float(stretch[0]), float(stretch[1])
    return Listening((*heard, *shown[:MOST]), ends, len(parts) - len(once))


def _edges(executor: Executor, kinds: frozenset[str]) -> Iterator[Source]:
    """The ports that may be of some kinds, in the order of the graph; no comparisons, and nothing twice.

    True stems, which are no part of the graph, come last.
    """
    plan, contents, seen = executor.plan, executor.contents(), set()
    for address, node in sorted(plan.nodes.items(), key=lambda each: each[0].rstrip("_") == REFERENCE):
        if address.endswith(MODEL) or address.startswith(COMPARE) or executor.reports[address].status == "failed":
            continue
        for port in node.outputs:
            if not kinds.intersection(port.kinds) or (node.mode == "derived" and address not in plan.read):
                continue
            content = contents.get(f"{address}.{port.name}")
            if node.mode == "derived" or content not in seen:
                seen.add(content)
                yield Source(address, port.name)


def _value(executor: Executor, source: Source, stretch: Interval) -> Value | None:
    """What an edge holds on a stretch; None where it failed, or the store has let it go."""
    try:
        return executor.value(source, stretch)
    except NodeError:
        return None


def _name(source: Source) -> str:
    return f"{owner(source.node)}.{source.port}"


def _stems(executor: Executor, source: Source) -> list[str]:
    """The stems of an edge; one without a name for audio; none where there is no sound."""
    start = executor.plan.window[0]
    value = _value(executor, source, (start, min(start + Fraction(1, 10), executor.plan.window[1])))
    return list(value) if isinstance(value, Stems) else [""] if isinstance(value, Audio | Spectrogram) else []


def _affordable(count: int, seconds: float) -> tuple[Quality, float]:
    """How so many previews are encoded, and the seconds of each."""
    for quality in LADDER:
        if count * seconds <= quality.seconds:
            return quality, seconds
    return LADDER[-1], LADDER[-1].seconds / count


def _loudest(executor: Executor, source: Source, seconds: float) -> Fraction:
    """Where the loudest stretch of so many seconds begins, on whole seconds of the first edge."""
    start, stop = executor.plan.window
    whole = float(stop - start)
    if seconds >= whole:
        return start
    energies = []
    at = start
    while at < stop:
        value = executor.value(source, (at, min(at + 1, stop)))
        parts = list(value.audio.values()) if isinstance(value, Stems) else [value] if isinstance(value, Audio) else []
        energies.append(sum(float(np.vdot(part.samples, part.samples)) for part in parts))
        at += 1
    sums = np.convolve(energies, np.ones(int(seconds)), "valid")
    return min(start + int(np.argmax(sums)), stop - Fraction(seconds).limit_denominator(1000))


def _sound(source: Source, value: Value, stem: str, quality: Quality) -> _Sound:
    """A value, or one stem of it, as the previews have it."""
    audio = value[stem] if isinstance(value, Stems) else istft(value) if isinstance(value, Spectrogram) else value
    assert isinstance(audio, Audio)
    samples = audio.samples
    if audio.channels > SIDES:
        sides = [samples[first::SIDES] for first in range(SIDES)]
        samples = np.stack([side.mean(axis=0, dtype=np.float32) for side in sides])
    sound = resample(Audio.of(samples, audio.rate), quality.rate)
    return _Sound(_name(source), stem, type(value).__name__.lower(), sound.samples)


def _heard(sound: _Sound, quality: Quality) -> Heard:
    mono = sound.samples.mean(axis=0, dtype=np.float32)
    picture = spectrogram(mono, quality.rate)
    return Heard(sound.edge, sound.stem, sound.kind, _ogg(sound.samples, quality), picture, levels(mono))


def _ogg(samples: Float32, quality: Quality) -> str:
    """What is beyond full scale is limited: a preview has no headroom."""
    raw = io.BytesIO()
    packed = np.clip(samples.T, -1.0, 1.0)
    with soundfile.SoundFile(
        raw, "w", quality.rate, len(samples), "VORBIS", format="OGG", compression_level=quality.level
    ) as file:
        for first in range(0, len(packed), _BLOCK):
            file.write(packed[first : first + _BLOCK])
    return base64.b64encode(raw.getvalue()).decode()
