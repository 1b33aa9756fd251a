"""Sound as pictures, float32 RGBA [height, width, 4] with values 0 to 1; no window needed."""

from __future__ import annotations

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.editor.view.palette import Color

LOWEST_HZ, RANGE_DB = 40.0, 84.0


def envelope(samples: Float32, columns: int) -> Float32:
    """Smallest and largest value of each column, [2, columns]; all channels together."""
    count = samples.shape[1]
    if count == 0:
        return np.zeros((2, columns), np.float32)
    starts = np.arange(columns) * count // columns
    low, high = samples.min(axis=0), samples.max(axis=0)
    return np.stack([np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)]).astype(np.float32)


def waveform(edges: Float32, height: int, color: Color) -> Float32:
    """A picture of an envelope [2, width]; full scale fills the height."""
    width = edges.shape[1]
    middle = (height - 1) / 2
    top = middle - np.clip(edges[1], -1, 1) * middle
    bottom = middle - np.clip(edges[0], -1, 1) * middle
    rows = np.arange(height)[:, None]
    inside = np.clip(np.minimum(rows - top + 1, bottom - rows + 1), 0, 1)
    picture = np.empty((height, width, 4), np.float32)
    picture[..., :3] = np.asarray(color[:3], np.float32) / 255
    picture[..., 3] = inside
    return picture


def levels(samples: Float32, rate: int, columns: int, rows: int, n_fft: int = 2048) -> Float32:
    """Levels in dB below the loudest, [rows, columns], the highest frequency first, on a logarithmic axis."""
    mono = samples.mean(axis=0)
    count = len(mono)
    padded = np.concatenate([np.zeros(n_fft // 2, np.float32), mono, np.zeros(n_fft, np.float32)])
    starts = np.minimum(((np.arange(columns) + 0.5) * count / columns).astype(int), max(count - 1, 0))
    frames = padded[starts[:, None] + np.arange(n_fft)] * np.hanning(n_fft).astype(np.float32)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    highest = rate / 2
    edges = np.geomspace(LOWEST_HZ, highest, rows + 1) * n_fft / rate
    first = np.minimum(edges[:-1].astype(int), power.shape[1] - 2)
    shown = np.maximum.reduceat(power, first, axis=1)[:, ::-1].T
    loudest = max(float(shown.max(initial=0.0)), 1e-12)
    return (10 * np.log10(np.maximum(shown, 1e-12) / loudest)).astype(np.float32)


def spectrogram(decibels: Float32, color: Color) -> Float32:
    """A picture of levels: from nothing over the colour to nearly white."""
    share = np.clip(1 + decibels / RANGE_DB, 0, 1)[..., None]
    ink = np.asarray(color[:3], np.float32) / 255
    bright = np.clip((share - 0.6) / 0.4, 0, 1)
    picture = np.empty((*decibels.shape, 4), np.float32)
    picture[..., :3] = ink + (1 - ink) * bright**1.5
    picture[..., 3:] = share**1.4
    return picture
