"""How strong a value is at each time and frequency, as one byte: what the pictures of spectrograms are made of.

A sound, a spectrogram and a magnitude have a `level`: 0 to 255 is -120 to 0 dBFS in steps of 0.47 dB, where a sine of
full scale has 0 dB. A mask has a `factor`: 0 to 255 is 0 to 1. A phase has an `angle`: 0 to 255 is -pi to pi.
"""

from __future__ import annotations

from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.fft import backend
from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Audio, Complex64, Float32, Mask, Phase, Spectrogram, StftSettings
from midistems_graph.audio.windows import window
from midistems_graph.editor.pictures.sources import Drawable

Channel = Literal["mean", "left", "right", "mid", "side"]
"""`mean` averages the power of all channels; `mid` is half the sum, `side` half the difference of left and right."""

Measure = Literal["level", "factor", "angle"]
Codes = npt.NDArray[np.uint8]

LOWEST_DB = -120.0
CODES_PER_DB = 255 / -LOWEST_DB

_Planes = TypeVar("_Planes", Float32, Complex64)

_SILENCE = 1e-12  # power at LOWEST_DB
_DB_PER_NEPER = 10 / np.log(10)


def measure_of(value: Drawable) -> Measure:
    """What is shown of a value."""
    if isinstance(value, Mask):
        return "factor"
    return "angle" if isinstance(value, Phase) else "level"


def strengths(value: Drawable, settings: StftSettings, channel: Channel) -> tuple[int, Float32]:
    """Number of the first frame, and float32 [frames, bins]: power (1: full scale), factors, or angles of one channel.

    Of a sound, which is analysed with `settings`, only frames that lie in it wholly are given, and those at the
    song's own ends: so a frame is the same whatever stretch it came in.
    """
    if isinstance(value, Audio):
        return _of_audio(value, settings, channel)
    first = value.span.stft_frames(value.stft.hop).start
    scale = _scale(value.stft)
    if isinstance(value, Mask | Phase):
        return first, _one_of(value.bins, channel)
    if isinstance(value, Spectrogram):
        return first, _power(_mixed(value.bins, channel), scale)
    if channel in ("left", "right"):
        return first, np.square(_one_of(value.bins, channel)) * np.float32(scale)
    return first, np.square(value.bins).mean(axis=0) * np.float32(scale)


def windows(samples: Float32, settings: StftSettings, channel: Channel) -> Float32:
    """Power [windows, bins] of separate windows, samples [channels, windows * n_fft]: the frames centred in them."""
    frames = _mixed(samples, channel).reshape(-1, samples.shape[1] // settings.n_fft, settings.n_fft)
    taper = window(settings.window, settings.n_fft)
    bins = np.empty((*frames.shape[:2], settings.n_bins), np.complex64)
    return _power(
        np.stack([backend().rfft(*pair) for pair in zip(frames * taper, bins, strict=True)]), _scale(settings)
    )


def codes(strength: Float32, measure: Measure) -> Codes:
    """Strengths as bytes; the array given is used up."""
    if measure == "level":
        np.maximum(strength, _SILENCE, out=strength)
        np.log(strength, out=strength)
        strength *= np.float32(_DB_PER_NEPER * CODES_PER_DB)
        strength += np.float32(-LOWEST_DB * CODES_PER_DB + 0.5)
    elif measure == "factor":
        strength = strength * np.float32(255) + np.float32(0.5)
    else:
        strength = strength * np.float32(127.5 / np.pi) + np.float32(128)
    return np.asarray(np.nan_to_num(np.clip(strength, 0, 255), copy=False), np.uint8)


def reach(settings: StftSettings) -> int:
    """Samples on either side of a frame's centre that it needs."""
    return settings.n_fft // 2


def _of_audio(audio: Audio, settings: StftSettings, channel: Channel) -> tuple[int, Float32]:
    span, hop, half = audio.span, settings.hop, reach(settings)
    numbers = span.stft_frames(hop)
    # At its ends a song is reflected; the very last frame may be centred beyond it, so it looks back further.
    first = 0 if span.at_start else -(-(span.start + half) // hop)
    if span.at_end:
        stop = numbers.stop
        if not span.at_start and span.total - 2 * (half + hop) < span.start:
            stop = min(stop, (span.total - half) // hop + 1)
    else:
        stop = (span.stop - half) // hop + 1
    first, stop = max(first, numbers.start), min(max(stop, numbers.start), numbers.stop)
    if first >= stop:
        return first, np.zeros((0, settings.n_bins), np.float32)
    bins = Stft(settings, span).forward(_mixed(audio.samples, channel))
    return first, _power(bins[:, first - numbers.start : stop - numbers.start], _scale(settings))


def _scale(settings: StftSettings) -> float:
    return (2 / float(window(settings.window, settings.n_fft).sum())) ** 2


def _power(bins: Complex64, scale: float) -> Float32:
    """Power [frames, bins], averaged over the channels."""
    power: Float32 = np.square(bins[0].real)
    power += np.square(bins[0].imag)
    for other in bins[1:]:
        power += np.square(other.real)
        power += np.square(other.imag)
    power *= np.float32(scale / len(bins))
    return power


def _mixed(planes: _Planes, channel: Channel) -> _Planes:
    """The channels whose mean power is shown: all of them, one, or a mix of two; complex or real [1 or more, ...]."""
    if channel == "mean":
        return planes
    if len(planes) == 1:
        return np.zeros_like(planes) if channel == "side" else planes
    if channel in ("left", "right"):
        return planes[:1] if channel == "left" else planes[1:2]
    mixed = np.add(planes[:1], planes[1:2]) if channel == "mid" else np.subtract(planes[:1], planes[1:2])
    mixed *= planes.dtype.type(0.5)
    return mixed


def _one_of(planes: Float32, channel: Channel) -> Float32:
    """Values without a sum that means something: the mean of the channels, or one of them."""
    if channel in ("left", "right") and len(planes) > 1:
        return np.asarray(planes[0 if channel == "left" else 1])
    return np.asarray(planes.mean(axis=0, dtype=np.float32))
