"""What a report lets one hear and see of edges: previews, spectrograms and level curves of one stretch of the song.

All previews cover the same stretch, in mono, as MP3, which every browser plays. The whole song is taken while it fits
into the budget at a fair bit rate; of longer or more previews the loudest stretch that does.
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
from PIL import Image

from midistems_graph.audio.colormap import coloured
from midistems_graph.audio.resample import resample
from midistems_graph.audio.stft import istft
from midistems_graph.audio.values import Audio, Float32, Spectrogram, Stems, Value
from midistems_graph.engine.apart import owner
from midistems_graph.engine.augment import COMPARE
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.plan import MODEL
from midistems_graph.engine.wiring import Source
from midistems_graph.node.contract import NodeError

BUDGET = 9_400_000
"""Bytes of all MP3 files of a report; as text in the page they take a third more."""

LADDER = ((32000, 0.8, 96_000), (32000, 0.9, 56_000), (24000, 0.8, 40_000))
"""Sample rate, libsndfile's compression level and bits per second, the best first."""

MOST = 60
"""Previews in one report."""

COLUMNS, ROWS = 900, 88
LOWEST, FLOOR = 50.0, -84.0
"""Hz at the lower edge of a spectrogram; dB below the loudest at which it is black."""

AUDIBLE = frozenset({"audio", "stems", "spectrogram"})


@dataclass(frozen=True)
class Heard:
    """One edge, or one stem of it: a preview and pictures as base64, levels in dBFS along the stretch."""

    edge: str
    stem: str
    kind: str
    sound: str
    picture: str
    levels: tuple[float, ...]


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
    sources = list(_edges(executor))
    parts = [(source, stem) for source in sources for stem in _stems(executor, source)]
    kept = parts[:MOST]
    if not kept:
        return Listening((), (0.0, 0.0), 0)
    rate, level, seconds = _affordable(len(kept), float(plan.window[1] - plan.window[0]))
    start = _loudest(executor, kept[0][0], seconds)
    stretch = (start, min(start + Fraction(seconds).limit_denominator(1000), plan.window[1]))
    wanted: dict[Source, list[str]] = {}
    for source, stem in kept:
        wanted.setdefault(source, []).append(stem)

    def read(source: Source) -> list[tuple[str, str, str, Float32]]:
        try:
            value = executor.value(source, stretch)
        except NodeError:  # it failed, or the store has let it go
            return []
        return [(f"{owner(source.node)}.{source.port}", stem, *_mono(value, stem, rate)) for stem in wanted[source]]

    with ThreadPoolExecutor(max(1, threads)) as pool:
        sounds = [sound for many in pool.map(read, wanted) for sound in many]
        once: dict[bytes, tuple[str, str, str, Float32]] = {}
        for sound in sounds:
            once.setdefault(blake3.blake3(sound[3].tobytes()).digest(), sound)
        heard = pool.map(lambda sound: _heard(*sound, rate=rate, level=level), once.values())
        return Listening(tuple(heard), (float(stretch[0]), float(stretch[1])), len(parts) - len(once))


def _edges(executor: Executor) -> Iterator[Source]:
    """The ports that carry sound, in the order of the graph, without comparisons and without what is there already."""
    plan, contents, seen = executor.plan, executor.contents(), set()
    for address, node in plan.nodes.items():
        if address.endswith(MODEL) or address.startswith(COMPARE) or executor.reports[address].status == "failed":
            continue
        for port in node.outputs:
            if not set(port.kinds) <= AUDIBLE or (node.mode == "derived" and address not in plan.read):
                continue
            content = contents.get(f"{address}.{port.name}")
            if node.mode == "derived" or content not in seen:
                seen.add(content)
                yield Source(address, port.name)


def _stems(executor: Executor, source: Source) -> list[str]:
    """The stems of an edge; one without a name for audio; none where there is no sound."""
    start = executor.plan.window[0]
    try:
        value = executor.value(source, (start, min(start + Fraction(1, 10), executor.plan.window[1])))
    except NodeError:
        return []
    return list(value) if isinstance(value, Stems) else [""] if isinstance(value, Audio | Spectrogram) else []


def _affordable(count: int, seconds: float) -> tuple[int, float, float]:
    """Sample rate, compression level and the seconds of so many previews that the budget allows."""
    for rate, level, bits in LADDER:
        if count * seconds * bits / 8 <= BUDGET:
            return rate, level, seconds
    return rate, level, BUDGET * 8 / bits / count


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


def _mono(value: Value, stem: str, rate: int) -> tuple[str, Float32]:
    """The kind of a value, and its sound as one channel at a rate."""
    if isinstance(value, Stems):
        kind, audio = "stems", value[stem]
    elif isinstance(value, Spectrogram):
        kind, audio = "spectrogram", istft(value)
    else:
        assert isinstance(value, Audio)
        kind, audio = "audio", value
    mono = Audio.of(audio.samples.mean(axis=0, dtype=np.float32), audio.rate)
    return kind, (mono if mono.rate == rate else resample(mono, rate)).samples[0]


def _heard(edge: str, stem: str, kind: str, samples: Float32, *, rate: int, level: float) -> Heard:
    return Heard(edge, stem, kind, _mp3(samples, rate, level), _spectrogram(samples, rate), _levels(samples))


def _mp3(samples: Float32, rate: int, level: float) -> str:
    """What is beyond full scale is limited: a preview has no headroom."""
    raw = io.BytesIO()
    with soundfile.SoundFile(
        raw, "w", rate, 1, "MPEG_LAYER_III", format="MP3", bitrate_mode="CONSTANT", compression_level=level
    ) as file:
        file.write(np.clip(samples, -1.0, 1.0))
    return base64.b64encode(raw.getvalue()).decode()


def _spectrogram(samples: Float32, rate: int) -> str:
    """A picture of logarithmic frequency over the stretch, as WebP."""
    n_fft = 2048
    padded = np.pad(samples, n_fft // 2)
    starts = np.linspace(0, max(0, len(samples) - 1), COLUMNS).astype(np.intp)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[starts] * np.hanning(n_fft).astype(np.float32)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    edges = np.geomspace(LOWEST, rate / 2, ROWS + 1) / rate * n_fft
    lo = np.minimum(edges[:-1].astype(np.intp), power.shape[1] - 2)
    hi = np.maximum(lo + 1, np.ceil(edges[1:]).astype(np.intp))
    sums = np.concatenate([np.zeros((COLUMNS, 1)), np.cumsum(power, axis=1)], axis=1)
    mean = (sums[:, np.minimum(hi, power.shape[1])] - sums[:, lo]) / (hi - lo)
    full = (n_fft / 4) ** 2  # a sine of full scale in its bin
    shade = np.clip(10 * np.log10(np.maximum(mean, 1e-12) / full) / -FLOOR + 1, 0, 1)
    raw = io.BytesIO()
    Image.fromarray(coloured(shade.T[::-1])).save(raw, "WEBP", quality=62, method=2)
    return base64.b64encode(raw.getvalue()).decode()


def _levels(samples: Float32) -> tuple[float, ...]:
    """RMS levels along the stretch, so many that a curve is drawn with them; -100 for silence."""
    pieces = np.array_split(samples, min(240, max(1, len(samples))))
    means = [float(np.vdot(piece, piece)) / max(1, len(piece)) for piece in pieces]
    return tuple(round(10 * float(np.log10(max(mean, 1e-10))), 1) for mean in means)
