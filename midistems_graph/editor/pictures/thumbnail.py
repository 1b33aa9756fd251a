"""The small picture of an output on its node: a waveform of sound and stems, the spectrogram of anything in bins,
figures as curves.

It shows the stretch of the value that is given: the first seconds of a song, or the loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np

from midistems_graph.audio.values import Audio, Curves, Float32, Scores, Stems, Value
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.pages import EdgeReader
from midistems_graph.editor.pictures.painting import Look, Picture, paint
from midistems_graph.editor.pictures.pixels import pooled
from midistems_graph.editor.pictures.sources import Drawable, NotDrawable, drawable
from midistems_graph.editor.pictures.spectrogram import Strip
from midistems_graph.editor.pictures.strength import codes, measure_of, strengths
from midistems_graph.editor.pictures.traces import Traces, read_traces
from midistems_graph.editor.pictures.tracing import Ink, draw_curve, trace
from midistems_graph.editor.pictures.waveform import Envelope

LANES = 6
"""Of larger stem sets the first six are shown."""

UNITS = 3
"""Of figures in more units the first three are shown."""

_LOUDEST_GAIN = 16.0
"""Quiet sound is drawn larger, but silence stays a line."""

_PIECE_SECONDS, _BINS_SECONDS = 8, Fraction(30)

_LOOK = Look(ceiling_db=-15.0)


def thumbnail(
    reader: EdgeReader, address: Address, total: Fraction, width: int, height: int, ink: Ink, inks: Sequence[Ink] = ()
) -> Picture | None:
    """The picture of an edge: of sound and stems the whole song, read piece by piece, of bins the first half minute.

    Sound is drawn with the ink, curves with one of the inks each. None for values that have no picture, and while not
    all of it is computed.
    """
    value = reader.read(address, (Fraction(0), min(total, Fraction(1, 10))))
    if isinstance(value, Stems):
        names = list(value)[:LANES]
    elif isinstance(value, Audio):
        names = [""]
    elif isinstance(value, Curves | Scores):
        traces = read_traces(reader, address, [(Fraction(0), total)], 0.0, float(total), width)
        return None if traces is None else _of_figures(traces, width, height, inks or (ink,))
    else:
        value = reader.read(address, (Fraction(0), min(total, _BINS_SECONDS)))
        return None if value is None else _of_bins(value, width, height)
    lanes = np.zeros((2, len(names), width), np.float32)
    count = min(width, max(1, int(total / _PIECE_SECONDS)))
    for first, stop in pairwise(width * piece // count for piece in range(count + 1)):
        part = reader.read(address, (total * Fraction(first, width), total * Fraction(stop, width)))
        if not isinstance(part, Audio | Stems):
            return None
        for lane, name in enumerate(names):
            sound = part[name] if isinstance(part, Stems) else part
            found = _extremes(sound.samples, stop - first)
            lanes[:, lane, first:stop] = found.low[0], found.high[0]
    peak = float(np.abs(lanes).max(initial=0.0))
    gain = min(1 / peak, _LOUDEST_GAIN) if peak > 0 else 1.0
    return trace(Envelope(lanes[0], lanes[1], np.ones(width, np.bool_)), height, ink, gain)


def _extremes(samples: Float32, width: int) -> Envelope:
    """Lowest and highest of all channels together, for each pixel."""
    edges = (np.arange(width + 1) * samples.shape[1]) // width
    low = pooled(np.minimum, samples, edges, axis=1).min(axis=0, keepdims=True)
    high = pooled(np.maximum, samples, edges, axis=1).max(axis=0, keepdims=True)
    return Envelope(np.nan_to_num(low), np.nan_to_num(high), np.ones(width, np.bool_))


def _of_figures(traces: Traces, width: int, height: int, inks: Sequence[Ink]) -> Picture | None:
    """Lanes by unit above each other, each from its lowest to its highest figure."""
    lanes = traces.lanes[:UNITS]
    if not np.isfinite(traces.values).any():
        return None
    picture = np.zeros((height, width, 4), np.uint8)
    bounds = np.linspace(0, height, len(lanes) + 1).astype(int)
    places = (np.arange(width) + 0.5) / width
    for lane, (top, bottom) in zip(lanes, pairwise(bounds), strict=True):
        for number in lane.numbers:
            values = traces.values[number]
            if traces.labels:
                known = np.isfinite(values)
                values = np.interp(places, traces.places[known], values[known]) if known.any() else places * np.nan
            share = ((values - lane.low) / (lane.high - lane.low)).astype(np.float32)
            draw_curve(picture[top:bottom], share, inks[number % len(inks)])
    return picture


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
