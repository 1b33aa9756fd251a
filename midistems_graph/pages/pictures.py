"""Pictures of what edges carry: spectrograms of sound, masks, magnitudes, curves, features. WebP, as base64."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from midistems_graph.audio.colormap import coloured
from midistems_graph.audio.values import Curves, Features, Float32, Magnitude, Mask, Value

COLUMNS, ROWS = 900, 88
LOWEST, FLOOR = 50.0, -84.0
"""Hz at the lower edge of a spectrogram; dB below the loudest at which it is black."""

INKS = ((122, 200, 255), (255, 170, 90), (140, 220, 140), (240, 130, 200))
GROUND = (16, 16, 24)


@dataclass(frozen=True)
class Picture:
    """An image, and a few words on what it shows where that is not plain."""

    image: str
    words: str = ""


def picture_of(value: Value) -> Picture | None:
    """What can be seen of a value that cannot be heard; None for what has no picture."""
    match value:
        case Mask():
            return Picture(_webp(_frequencies(value.bins, value.rate, value.stft.n_fft)), "0 to 1")
        case Magnitude():
            power = _frequencies(np.square(value.bins), value.rate, value.stft.n_fft)
            loudest = max(float(power.max(initial=0)), 1e-30)
            shade = np.clip(10 * np.log10(np.maximum(power / loudest, 1e-12)) / -FLOOR + 1, 0, 1)
            return Picture(_webp(shade), f"{FLOOR:.0f} to 0 dB")
        case Curves():
            return _curves(value)
        case Features():
            return _features(value)
    return None


def spectrogram(samples: Float32, rate: int) -> Picture:
    """Sound [samples] on a logarithmic scale of frequency."""
    n_fft = 2048
    padded = np.pad(samples, n_fft // 2)
    starts = np.linspace(0, max(0, len(samples) - 1), COLUMNS).astype(np.intp)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[starts] * np.hanning(n_fft).astype(np.float32)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    full = (n_fft / 4) ** 2  # a sine of full scale in its bin
    mean = _rows(power, rate, n_fft)
    return Picture(_webp(np.clip(10 * np.log10(np.maximum(mean, 1e-12) / full) / -FLOOR + 1, 0, 1)))


def levels(samples: Float32) -> tuple[float, ...]:
    """RMS levels of sound [samples], so many that a curve is drawn with them; -100 for silence."""
    pieces = np.array_split(samples, min(240, max(1, len(samples))))
    means = [float(np.vdot(piece, piece)) / max(1, len(piece)) for piece in pieces]
    return tuple(round(10 * float(np.log10(max(mean, 1e-10))), 1) for mean in means)


def _frequencies(bins: Float32, rate: int, n_fft: int) -> npt.NDArray[np.floating]:
    """The mean of the channels [channels, frames, bins] as a picture's columns and rows."""
    frames = bins.shape[1]
    columns = np.linspace(0, max(0, frames - 1), COLUMNS).astype(np.intp)
    return _rows(bins[:, columns].mean(axis=0, dtype=np.float64), rate, n_fft)


def _rows(columns: npt.NDArray[np.floating], rate: int, n_fft: int) -> npt.NDArray[np.floating]:
    """Means [columns, rows] over bands that rise evenly in pitch."""
    edges = np.geomspace(LOWEST, rate / 2, ROWS + 1) / rate * n_fft
    lo = np.minimum(edges[:-1].astype(np.intp), columns.shape[1] - 1)
    hi = np.minimum(np.maximum(lo + 1, np.ceil(edges[1:]).astype(np.intp)), columns.shape[1])
    sums = np.concatenate([np.zeros((len(columns), 1)), np.cumsum(columns, axis=1)], axis=1)
    return np.asarray((sums[:, hi] - sums[:, lo]) / (hi - lo))


def _curves(value: Curves) -> Picture:
    """Every curve between its own lowest and highest figure, one colour each."""
    lines = [
        np.where(line == 0, np.nan, line) if unit == "Hz" else line  # 0 Hz says that there is no pitch
        for line, unit in zip(value.values, value.units, strict=True)
    ]
    said = []
    for name, unit, line in zip(value.names, value.units, lines, strict=True):
        sure = line[np.isfinite(line)]
        ends = f"{sure.min():.4g} to {sure.max():.4g} {unit}".strip() if len(sure) else "no figure"
        said.append(f"{name} {ends}")
    return Picture(_webp_of(_lines(lines)), ", ".join(said))


def _features(value: Features) -> Picture | None:
    """The largest array: a row as a curve, a table as shades; the words name all of them."""
    arrays = {name: array for name, array in value.arrays.items() if array.dtype.kind in "fiu" and array.size > 1}
    words = [f"{name} {' x '.join(map(str, array.shape))}" for name, array in value.arrays.items()]
    words += [f"{name} {figure:.4g}" for name, figure in value.notes.items()]
    if not arrays:
        return None
    most = max(arrays.values(), key=lambda array: int(array.size)).astype(np.float64)
    flat = most.reshape(-1, most.shape[-1])
    if len(flat) == 1:
        return Picture(_webp_of(_lines([flat[0]])), ", ".join(words))
    low, high = float(flat.min()), float(flat.max())
    at = np.linspace(0, len(flat) - 1, COLUMNS).astype(np.intp), np.linspace(0, flat.shape[1] - 1, ROWS).astype(np.intp)
    return Picture(_webp((flat[np.ix_(*at)] - low) / ((high - low) or 1.0)), ", ".join(words))


def _lines(lines: list[npt.NDArray[np.floating]]) -> npt.NDArray[np.uint8]:
    """An image [rows, columns, 3] of some curves; a point that is no number is a gap."""
    image = np.full((ROWS, COLUMNS, 3), GROUND, np.uint8)
    for number, line in enumerate(lines):
        ends = np.linspace(0, len(line), COLUMNS + 1).astype(np.intp)
        sure = line[np.isfinite(line)]
        low, high = (float(sure.min()), float(sure.max())) if len(sure) else (0.0, 1.0)
        for column in range(COLUMNS):
            piece = line[ends[column] : max(ends[column] + 1, ends[column + 1])]
            piece = piece[np.isfinite(piece)]
            if len(piece):
                places = (1 - (piece - low) / ((high - low) or 1.0)) * (ROWS - 5) + 2
                image[int(places.min()) - 1 : int(places.max()) + 1, column] = INKS[number % len(INKS)]
    return image


def _webp(shade: npt.NDArray[np.floating]) -> str:
    """Shades [columns, rows] from 0 to 1, the last row on top."""
    return _webp_of(coloured(shade.T[::-1]))


def _webp_of(image: npt.NDArray[np.uint8]) -> str:
    raw = io.BytesIO()
    Image.fromarray(image).save(raw, "WEBP", quality=62, method=2)
    return base64.b64encode(raw.getvalue()).decode()
