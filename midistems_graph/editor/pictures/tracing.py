"""Waveforms and curves as pixels, with smooth edges."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import Float32
from midistems_graph.editor.pictures.painting import Picture
from midistems_graph.editor.pictures.stem_levels import Levels
from midistems_graph.editor.pictures.waveform import Envelope

Ink = tuple[int, int, int]
Floats = npt.NDArray[np.floating]

_LEAST = 1.2
"""Pixels that even silence is high, so that it is a line."""

_PEN = 1.7


def trace(envelope: Envelope, height: int, ink: Ink, gain: float = 1.0) -> Picture:
    """A waveform as a picture uint8 [height, width, 4]: a lane for each channel, full scale at its edges.

    Neighbouring columns touch, so that single samples are one line of steps. What goes beyond full scale is cut.
    """
    channels, width = envelope.low.shape
    picture = np.zeros((height, width, 4), np.uint8)
    picture[..., :3] = ink
    bounds = np.linspace(0, height, channels + 1).astype(int)
    for channel, (top, bottom) in enumerate(pairwise(bounds)):
        low, high = _touching(envelope.low[channel] * gain, envelope.high[channel] * gain)
        lane = int(bottom - top)
        upper, lower = ((1 - np.clip(level, -1, 1)) / 2 * lane for level in (high, low))
        thin = np.maximum(_LEAST - (lower - upper), 0) / 2
        cover = _covered(upper - thin, lower + thin, lane)
        picture[top:bottom, :, 3] = np.where(envelope.seen, cover * 255, 0)
    return picture


def plot(curves: Levels, height: int, inks: Sequence[Ink], floor_db: float, ceiling_db: float) -> Picture:
    """Levels as a picture uint8 [height, width, 4], from floor to ceiling; the first lies on top."""
    picture = np.zeros((height, curves.levels.shape[1], 4), np.uint8)
    for number in reversed(range(len(curves.names))):
        share = (curves.levels[number] - floor_db) / (ceiling_db - floor_db)
        draw_curve(picture, np.where(curves.seen, share, np.nan).astype(np.float32), inks[number % len(inks)])
    return picture


def draw_curve(picture: Picture, share: Float32, ink: Ink) -> None:
    """Draw a curve into a picture uint8 [height, width, 4]: a height of 0 to 1 for each column, NaN for none."""
    height = len(picture)
    low, high = _touching(share, share)
    cover = _covered((1 - high) * height - _PEN / 2, (1 - low) * height + _PEN / 2, height)
    alpha = np.nan_to_num(cover)[..., np.newaxis]
    color = np.asarray(ink)
    under = np.where(picture[..., 3:] > 0, picture[..., :3], color)
    picture[..., :3] = under * (1 - alpha) + color * alpha
    picture[..., 3:] = np.maximum(picture[..., 3:], alpha * 255)


def _touching(low: Float32, high: Float32) -> tuple[Float32, Float32]:
    """Columns that reach down or up to the column before them where there is a gap."""
    reach_up, reach_down = high.copy(), low.copy()
    above, below = low[1:] > high[:-1], high[1:] < low[:-1]
    reach_down[1:][above] = high[:-1][above]
    reach_up[1:][below] = low[:-1][below]
    return reach_down, reach_up


def _covered(top: Floats, bottom: Floats, rows: int) -> Float32:
    """How much of each pixel of a column lies between two heights, float32 [rows, width]; row 0 is at height 0."""
    row = np.arange(rows, dtype=np.float32)[:, np.newaxis]
    return np.asarray(np.clip(np.minimum(bottom, row + 1) - np.maximum(top, row), 0, 1), np.float32)
