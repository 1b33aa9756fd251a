"""The small picture of an output on its node: a waveform of sound and stems, the spectrogram of anything in bins.

It shows the stretch of the value that is given: the first seconds of a song, or the loop.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from midistems_graph.audio.values import Audio, Float32, Stems, Value
from midistems_graph.editor.pictures.painting import Look, Picture, paint
from midistems_graph.editor.pictures.pixels import pooled
from midistems_graph.editor.pictures.sources import Drawable, NotDrawable, drawable
from midistems_graph.editor.pictures.spectrogram import Strip
from midistems_graph.editor.pictures.strength import codes, measure_of, strengths
from midistems_graph.editor.pictures.waveform import Envelope

HEIGHT, WIDTH = 96, 160
LANES = 6
"""Of larger stem sets the first six are shown."""

_LOUDEST_GAIN = 16.0
"""Quiet sound is drawn larger, but silence stays a line."""

_LOOK = Look(ceiling_db=-15.0)

Colour = tuple[int, int, int]
WAVE: Colour = (110, 190, 230)


def thumbnail(value: Value, width: int = WIDTH, height: int = HEIGHT, colour: Colour = WAVE) -> Picture | None:
    """A picture uint8 [height, width, 4] on a transparent ground; None for values that are none, or of no length."""
    if isinstance(value, Stems):
        lanes = list(value.audio.values())[:LANES]
    elif isinstance(value, Audio):
        lanes = [value]
    else:
        return _of_bins(value, width, height)
    if not lanes[0].span.frames:
        return None
    peak = max(float(np.abs(np.nan_to_num(lane.samples)).max()) for lane in lanes)
    gain = min(1 / peak, _LOUDEST_GAIN) if peak > 0 else 1.0
    bounds = np.linspace(0, height, len(lanes) + 1).astype(int)
    parts = [
        draw_waveform(_extremes(lane.samples, width), int(stop - start), colour, gain)
        for lane, start, stop in zip(lanes, bounds, bounds[1:], strict=False)
    ]
    return np.concatenate(parts, axis=0)


def draw_waveform(envelope: Envelope, height: int, colour: Colour = WAVE, gain: float = 1.0) -> Picture:
    """An envelope as a picture uint8 [height, width, 4]: a lane for each channel, full scale at its edges."""
    channels, width = envelope.low.shape
    picture = np.zeros((height, width, 4), np.uint8)
    bounds = np.linspace(0, height, channels + 1).astype(int)
    for channel, (top, bottom) in enumerate(pairwise(bounds)):
        lane = int(bottom - top)
        rows = np.arange(lane)[:, np.newaxis]
        high = _row(envelope.high[channel] * gain, lane)
        low = _row(envelope.low[channel] * gain, lane)
        picture[top:bottom][(rows >= high) & (rows <= low) & envelope.seen] = (*colour, 255)
    return picture


def _row(level: Float32, lane: int) -> np.ndarray:
    """The row of a lane that shows a level: 1 at the top, -1 at the bottom."""
    return np.clip(np.floor((1 - level) / 2 * lane), 0, lane - 1)


def _extremes(samples: Float32, width: int) -> Envelope:
    """Lowest and highest of all channels together, for each pixel."""
    edges = (np.arange(width + 1) * samples.shape[1]) // width
    low = pooled(np.minimum, samples, edges, axis=1).min(axis=0, keepdims=True)
    high = pooled(np.maximum, samples, edges, axis=1).max(axis=0, keepdims=True)
    return Envelope(np.nan_to_num(low), np.nan_to_num(high), np.ones(width, np.bool_))


def _of_bins(value: Value, width: int, height: int) -> Picture | None:
    try:
        shown: Drawable = drawable(value)
    except NotDrawable:
        return None
    if isinstance(shown, Audio) or not shown.bins.shape[1]:
        return None
    _, strength = strengths(shown, shown.stft, "mean")
    edges = (np.arange(width + 1) * len(strength)) // width
    strip = Strip(
        pooled(np.maximum, codes(strength, measure_of(shown)), edges, axis=0),
        np.ones(width, np.bool_),
        measure_of(shown),
        shown.rate,
    )
    return paint(strip, _LOOK, height)
