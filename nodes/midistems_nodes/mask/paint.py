"""Levels changed where somebody painted on a spectrogram."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from midistems_graph.audio.stft import Stft
from midistems_graph.audio.strokes import Stroke, StrokeError, gains
from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, NodeError, Range, Run, Span, StftSettings, node, samples, stem_by_stem
from midistems_nodes.ports import Alike
from midistems_nodes.signals import Signal, map_audio
from midistems_nodes.transform.spectrogram import settings

Frames = tuple[int, int]


@node(
    "mask.paint",
    title="Paint",
    tags=("spectral", "edit", "repair", "brush", "lasso", "draw"),
    context=lambda k: samples(k.n_fft),
    libraries=("numpy", "scipy"),
    scratch=4,
    apart=stem_by_stem,
)
def paint(
    signal: Alike[Signal],
    *,
    strokes: tuple[str, ...] = (),
    n_fft: Annotated[int, Range(256, 65536, "samples", "log")] = 4096,
    run: Run,
) -> Signal:
    """Make areas of a spectrogram softer or louder; all other sound passes through, bit by bit.

    Parameters
    ----------
    strokes
        The areas, painted in the editor or written by hand: `rectangle -40 1.25,200 2.5,800` lowers what sounds from
        1.25 to 2.5 s between 200 and 800 Hz by 40 dB. There are `rectangle`, `lasso`, `brush` (half its width in
        seconds and semitones, then a path) and `harmonic` (half the width in Hz, then the path of the lowest harmonic).
        Where strokes overlap their levels add up.
    n_fft
        Samples per frame, an even number: more cuts pitches more sharply, fewer moments.

    Notes
    -----
    Good for what no separator gets right: a cough, a squeak, one note of another instrument, bleed in a pause. Samples
    that no frame of a stroke reaches (half of `n_fft` before and after it) are the very samples that came in.

    References
    ----------
    y = x + ISTFT((M - 1) STFT(x)) with a quarter of `n_fft` between frames and Hann windows; M is 10^(dB / 20) in a
    stroke and 1 elsewhere. A frame or bin is in a stroke if any part of it is.
    """
    chosen = settings(n_fft, n_fft // 4)
    try:
        drawn = [Stroke.parse(text) for text in strokes]
    except StrokeError as error:
        raise NodeError(str(error)) from None

    def painted(audio: Audio) -> Audio:
        changed: Float32 | None = None
        for frames in _touched(drawn, audio.span, chosen):
            run.check()
            if changed is None:
                changed = np.array(audio.samples)
            _change(changed, audio, frames, drawn, chosen)
        return audio if changed is None else audio.with_samples(changed)

    return map_audio(signal, painted)


def _touched(strokes: list[Stroke], span: Span, stft: StftSettings) -> Iterator[Frames]:
    """Runs of neighbouring frames that strokes touch, within a stretch of the song, in order."""
    there = span.stft_frames(stft.hop)
    runs = []
    for stroke in strokes:
        first, last = (second * span.rate / stft.hop for second in stroke.reach)
        if stroke.reach[1] * span.rate >= span.total:  # the last frame may be centred after the song
            last = float(there.stop)
        low, high = max(int(np.ceil(first - 0.5)), there.start), min(int(np.floor(last + 0.5)) + 1, there.stop)
        if low < high:
            runs.append((low, high))
    start = stop = -1
    for low, high in sorted(runs):
        if low > stop:
            if start >= 0:
                yield start, stop
            start = low
        stop = max(stop, high)
    if start >= 0:
        yield start, stop


def _change(samples: Float32, audio: Audio, frames: Frames, strokes: list[Stroke], stft: StftSettings) -> None:
    """Add to samples what the strokes change in a run of frames."""
    span, hop, half = audio.span, stft.hop, stft.n_fft // 2
    first, stop = frames
    # So far around the run that its windows add up as they do in the whole song.
    around = Span(
        min(max(first * hop - 2 * half, span.start), span.stop),
        min(max(stop * hop + 2 * half, span.start), span.stop),
        span.total,
        span.rate,
    )
    transform = Stft(stft, around)
    numbers = around.stft_frames(hop)
    moments = np.minimum(np.arange(first, stop) * hop, span.total) / span.rate
    hz = np.arange(stft.n_bins, dtype=np.float64) * span.rate / stft.n_fft
    factors = gains(strokes, moments, hz, (hop / span.rate / 2, span.rate / stft.n_fft / 2))
    bins = transform.forward(audio.crop(around).samples)
    run = slice(first - numbers.start, stop - numbers.start)
    bins[:, : run.start] = 0
    bins[:, run.stop :] = 0
    bins[:, run] *= factors - np.float32(1)
    difference = transform.inverse(bins)
    low, high = max(first * hop - half, around.start), min((stop - 1) * hop + half, around.stop)
    here = slice(low - around.start, high - around.start)
    samples[:, low - span.start : high - span.start] += difference[:, here]
