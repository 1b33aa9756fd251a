"""The pitch of a single voice over time, by the network of the package swift-f0."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from midistems_graph.audio.resample import resample, resample_context
from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Context, Curves, NodeError, Range, Run, Span, node
from midistems_nodes.transform.spectrogram import Hop

Frequency = Annotated[float, Range(46.875, 2093.75, "Hz", "log")]

_RATE, _STEP = 16000, 256
"""The network hears this rate and gives a figure every so many samples of it."""
_BEFORE, _AFTER = 11, 10
"""Frames to either side that a figure depends on."""
_BLOCK = 100
"""Frames per call: always as many, from the song's own grid, so that a window changes no bit."""
_CONTEXT = (_BEFORE + _BLOCK + 2) * _STEP / _RATE
_HISS = np.random.default_rng(0).normal(0, 1e-4, (_BEFORE + _BLOCK + _AFTER) * _STEP).astype(np.float32)
"""Noise at -80 dBFS under what the network hears: it takes logarithms, and would make much of rounding in silence."""
_JUMP = np.log(2) / 12
"""Neighbouring pitches further apart than a semitone are two notes, with nothing in between."""


@node(
    "measure.pitch",
    title="Pitch",
    tags=("f0", "melody", "fundamental", "singing", "notes", "curve"),
    context=Context(seconds=_CONTEXT + resample_context(8000, _RATE)),
    libraries=("swift-f0", "onnxruntime", "soxr"),
    keeps_gain=False,
)
def pitch(
    audio: Audio,
    *,
    lowest: Frequency = 65.0,
    highest: Frequency = 1100.0,
    sureness: Annotated[float, Range(0, 1)] = 0.5,
    hop: Hop = 512,
    run: Run,
) -> Curves:
    """Find the pitch of a voice or of an instrument that plays one note at a time, and how sure it is.

    Parameters
    ----------
    audio
        A single voice: a separated stem rather than a song. Channels are averaged.
    lowest
        No pitch below this is looked for. A narrow range keeps octave errors away.
    highest
        No pitch above this; a soprano's top is about 1100 Hz.
    sureness
        Where the network is less sure than this, there is no pitch.
    hop
        Samples between two figures; as in the spectrogram that the pitch is to be used with.

    Returns
    -------
    Curves
        pitch in Hz, 0 where there is none, and confidence from 0 to 1.

    Notes
    -----
    Good for notes (Save notes), for masks along the harmonics of a melody (Harmonic mask) and for seeing where a
    voice sings. Sound that peaks below -60 dBFS has no pitch.

    References
    ----------
    Nieradzik, "SwiftF0: fast and accurate monophonic pitch detection", arXiv 2508.18440, 2025; the package swift-f0
    with its weights.
    """
    if lowest >= highest / 1.05:
        raise NodeError(
            f"lowest is {lowest:g} Hz and highest {highest:g} Hz; highest must be at least a semitone above"
        )
    span = run.kept if _covers(audio.span, run.kept) else audio.span
    times = np.asarray(span.stft_frames(hop)) * hop / audio.rate * (_RATE / _STEP)
    heard = resample(audio.with_samples(audio.samples.mean(axis=0, keepdims=True)), _RATE)
    first, last = (int(times[0]), int(times[-1]) + 2) if len(times) else (0, 0)
    found, sure = _detect(heard, range(first, last), lowest, highest, run)
    below = np.minimum(times.astype(int) - first, max(0, len(found) - 2))
    part = (times - first - below).astype(np.float32)
    confidence = sure[below] * (1 - part) + sure[below + 1] * part if len(times) else sure
    tone = _between(found[below], found[below + 1], part) if len(times) else found
    tone = np.where(confidence >= sureness, tone, 0)
    return Curves(np.stack([tone, confidence]), ("pitch", "confidence"), ("Hz", ""), span, hop)


def _covers(whole: Span, part: Span) -> bool:
    return (part.total, part.rate) == (whole.total, whole.rate) and whole.start <= part.start <= part.stop <= whole.stop


def _detect(heard: Audio, frames: range, lowest: float, highest: float, run: Run) -> tuple[Float32, Float32]:
    """Pitch in Hz and confidence of the network's own frames, block by block of the song's grid."""
    try:
        from swift_f0 import SwiftF0
    except ImportError:
        raise NodeError("the package swift-f0 is not installed; install it with pip install swift-f0") from None
    detector = SwiftF0(threads=1, spin=False)
    made = np.zeros((2, len(frames)), np.float32)
    for block in range(frames.start // _BLOCK, -(-frames.stop // _BLOCK)):
        run.progress((block * _BLOCK - frames.start) / max(1, len(frames)) if block * _BLOCK > frames.start else 0)
        start = (block * _BLOCK - _BEFORE) * _STEP
        stop = ((block + 1) * _BLOCK + _AFTER) * _STEP
        result = detector.detect(_padded(heard, start, stop) + _HISS, _RATE, lowest, highest)
        low, high = max(frames.start, block * _BLOCK), min(frames.stop, (block + 1) * _BLOCK)
        taken = slice(low - block * _BLOCK + _BEFORE, high - block * _BLOCK + _BEFORE)
        place = slice(low - frames.start, high - frames.start)
        made[0, place], made[1, place] = result.pitch_hz[taken], result.confidence[taken]
    return made[0], made[1]


def _padded(heard: Audio, start: int, stop: int) -> Float32:
    """Mono samples [start, stop) of the song, with silence where there are none."""
    samples = np.zeros(stop - start, np.float32)
    low, high = max(start, heard.span.start), min(stop, heard.span.stop)
    if high > low:
        samples[low - start : high - start] = heard.samples[0, low - heard.span.start : high - heard.span.start]
    return samples


def _between(one: Float32, other: Float32, part: Float32) -> Float32:
    """Pitches between neighbours: on a straight line in octaves, or the nearer one across a jump."""
    low, high = np.log(np.maximum(one, 1e-3)), np.log(np.maximum(other, 1e-3))
    slides = np.abs(high - low) < _JUMP
    made: Float32 = np.where(slides, np.exp(low + (high - low) * part), np.where(part < 0.5, one, other))
    return made
