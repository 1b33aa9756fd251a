"""From bytes per bin to pixels: scale of frequency, range of level, colours.

Pictures are uint8 [height, width, 4], red, green, blue and alpha, the highest frequency in row 0. A row takes the
strongest of its bins; where it is narrower than a bin, it is interpolated between bins. What is not computed, and what
lies beyond the song or half its rate, is transparent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.colormap import ANCHORS, LIGHT_ANCHORS, SIGNED_ANCHORS, SIGNED_ANCHORS_LIGHT, coloured
from midistems_graph.audio.values import Float32
from midistems_graph.editor.pictures.axes import FrequencyAxis, Scale
from midistems_graph.editor.pictures.pixels import grouped
from midistems_graph.editor.pictures.spectrogram import Strip
from midistems_graph.editor.pictures.strength import CODES_PER_DB, LOWEST_DB, Codes, Measure

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Look:
    """How a spectrogram is painted. `lowest_hz` is the lower edge; `highest_hz` 0 means half the rate.

    `floor_db` and below is black, `ceiling_db` and above nearly white; both lie within -120 to 0 dBFS. `light` turns
    the colours round for a light ground: what is silent is white, and what is loud is dark.
    """

    scale: Scale = "log"
    lowest_hz: float = 30.0
    highest_hz: float = 0.0
    floor_db: float = -90.0
    ceiling_db: float = -10.0
    light: bool = False


def paint(strip: Strip, look: Look, height: int) -> Picture:
    """A picture of a strip. Raises ValueError for a range of Hz or dB that is empty."""
    shown, audible_rows = _rowed(strip, look, height)
    colours = _palette(strip.measure, look.floor_db, look.ceiling_db, look.light)[shown]
    picture = colours.view(np.uint8).reshape(height, len(strip.codes), 4)
    picture[:, ~strip.seen] = 0
    picture[~audible_rows] = 0
    return picture


def paint_difference(a: Strip, b: Strip, look: Look, height: int, range_db: float = 24.0) -> Picture:
    """How much louder a is than b: orange where a is, blue where b is, dark where they are level.

    Both are taken as `floor_db` at least, so that differences of what nobody hears do not show.
    """
    rows_a, audible_a = _rowed(a, look, height)
    rows_b, audible_b = _rowed(b, look, height)
    floor = 0.0 if a.measure != "level" else (look.floor_db - LOWEST_DB) * CODES_PER_DB
    per_code = 1 / CODES_PER_DB if a.measure == "level" else 2 * range_db / 255
    louder = np.maximum(rows_a, np.float32(floor)) - np.maximum(rows_b, np.float32(floor))
    steps = np.clip(louder * (127 * per_code / range_db) + 128, 1, 255).astype(np.uint8)
    picture = _signed_palette(look.light)[steps].view(np.uint8).reshape(height, len(a.codes), 4)
    picture[:, ~(a.seen & b.seen)] = 0
    picture[~(audible_a & audible_b)] = 0
    return picture


def axis_of(look: Look, rate: int) -> FrequencyAxis:
    """The frequency axis of a picture of a song at a rate. Raises ValueError for a range of nothing."""
    low = look.lowest_hz if look.scale == "log" else max(look.lowest_hz, 0.0)
    return FrequencyAxis(low, look.highest_hz or rate / 2, look.scale)


def row_edges(look: Look, height: int, rate: int) -> npt.NDArray[np.float64]:
    """The frequencies in Hz between rows, from the lowest up, float64 [height + 1]."""
    if height < 1:
        raise ValueError(f"a picture needs rows of pixels, not {height}")
    return axis_of(look, rate).frequencies(np.linspace(0, 1, height + 1))


def row_of(hz: float, look: Look, height: int, rate: int) -> int:
    """The row of a picture that shows a frequency; the nearest one if none does."""
    edges = row_edges(look, height, rate)
    return height - 1 - int(np.clip(np.searchsorted(edges, hz, side="right") - 1, 0, height - 1))


def as_floats(picture: Picture) -> Float32:
    """A picture as textures want it: float32, 0 to 1, in one row."""
    return np.multiply(picture.reshape(-1), np.float32(1 / 255), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class _Rows:
    """From the top row down: the strongest of bins `firsts` to `lasts`, or for `narrow` rows a place above `below`."""

    firsts: npt.NDArray[np.int64]
    lasts: npt.NDArray[np.int64]
    narrow: npt.NDArray[np.intp]
    below: npt.NDArray[np.int64]
    weight: Float32
    audible: npt.NDArray[np.bool_]


@lru_cache(maxsize=32)
def _rows(look: Look, height: int, rate: int, n_bins: int) -> _Rows:
    edges = row_edges(look, height, rate)[::-1] / (rate / 2) * (n_bins - 1)
    tops, bottoms = edges[:-1], edges[1:]
    # A bin reaches half a bin up and down.
    firsts = np.clip(np.ceil(bottoms - 0.5), 0, n_bins - 1).astype(np.int64)
    lasts = np.clip(np.ceil(tops - 0.5) - 1, firsts, n_bins - 1).astype(np.int64)
    narrow = np.flatnonzero(tops - bottoms < 1)
    centre = np.clip((tops + bottoms) / 2, 0, n_bins - 1)[narrow]
    below = np.minimum(centre.astype(np.int64), n_bins - 2)
    weight = (centre - below).astype(np.float32)[:, np.newaxis]
    return _Rows(firsts, lasts, narrow, below, weight, bottoms <= n_bins - 1)


def _rowed(strip: Strip, look: Look, height: int) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """Bytes uint8 [height, width], and which rows lie below half the rate."""
    rows = _rows(look, height, strip.rate, strip.codes.shape[1])
    bins = np.ascontiguousarray(strip.codes.T)
    out: Codes = grouped(np.maximum, bins, rows.firsts, rows.lasts)
    low, high = bins[rows.below].astype(np.float32), bins[rows.below + 1]
    out[rows.narrow] = low + (high - low) * rows.weight + np.float32(0.5)
    return out, rows.audible


@lru_cache(maxsize=32)
def _palette(measure: Measure, floor_db: float, ceiling_db: float, light: bool) -> npt.NDArray[np.uint32]:
    """The colour of each byte, four bytes in one: uint32 [256]."""
    shade = np.arange(256) / 255
    if measure == "level":
        if floor_db >= ceiling_db:
            raise ValueError(f"the floor of {floor_db:g} dB must lie below the ceiling of {ceiling_db:g} dB")
        shade = (np.arange(256) / CODES_PER_DB + LOWEST_DB - floor_db) / (ceiling_db - floor_db)
    return _opaque(coloured(shade, LIGHT_ANCHORS if light else ANCHORS))


@lru_cache(maxsize=2)
def _signed_palette(light: bool) -> npt.NDArray[np.uint32]:
    return _opaque(coloured((np.arange(256) - 1) / 254, SIGNED_ANCHORS_LIGHT if light else SIGNED_ANCHORS))


def _opaque(colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    alpha = np.full((*colours.shape[:-1], 1), 255, np.uint8)
    return np.ascontiguousarray(np.concatenate([colours, alpha], axis=-1)).view(np.uint32)[..., 0]
