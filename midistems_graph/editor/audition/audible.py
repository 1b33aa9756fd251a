"""Whatever flows on an edge, made audible: as sound, with a note where that took more than playing it.

A spectrogram is transformed back; a magnitude, mask or phase is heard with what it lacks taken from the mixture;
of stems the sum is heard, or one of them. Near the ends of a stretch from inside a song transforms lack neighbours:
ask for `margin` more on either side and crop.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from midistems_graph.audio.resample import resample
from midistems_graph.audio.stft import istft, stft
from midistems_graph.audio.values import Audio, Float32, Magnitude, Mask, Phase, Spectrogram, Stems, Value

_HALF_POWER = 0.7071067811865476

_DOWNMIX = {  # ITU-R BS.775-3: centre and surrounds 3 dB down, LFE left out
    "quad": ((1, 0, _HALF_POWER, 0), (0, 1, 0, _HALF_POWER)),
    "5.0": ((1, 0, _HALF_POWER, _HALF_POWER, 0), (0, 1, _HALF_POWER, 0, _HALF_POWER)),
    "5.1": ((1, 0, _HALF_POWER, 0, _HALF_POWER, 0), (0, 1, _HALF_POWER, 0, 0, _HALF_POWER)),
    "7.1": (
        (1, 0, _HALF_POWER, 0, _HALF_POWER, 0, _HALF_POWER, 0),
        (0, 1, _HALF_POWER, 0, 0, _HALF_POWER, 0, _HALF_POWER),
    ),
}


class NotAudible(Exception):
    """A value cannot be heard; one sentence for the user."""


@dataclass(frozen=True)
class Heard:
    """Sound, and what was done to hear it (nothing for sound)."""

    audio: Audio
    note: str = ""


def audible(value: Value, *, stem: str = "", mixture: Audio | None = None) -> Heard:
    """A value as sound; `stem` chooses from a stem set, `mixture` lends what a mask, magnitude or phase lacks.

    Raises NotAudible for values that are no sound, for an unknown stem, and where the mixture is missing.
    """
    match value:
        case Audio():
            return Heard(value)
        case Stems():
            return _of_stems(value, stem)
        case Spectrogram():
            return Heard(istft(value), "a spectrogram, transformed back")
        case Magnitude() | Mask() | Phase():
            return _with_mixture(value, mixture)
        case _:
            kind = type(value).__name__.lower()
            raise NotAudible(
                f"this edge carries {kind}, which has no sound; choose an edge of audio, stems or a spectrum"
            )


def margin(value: Value) -> Fraction:
    """Seconds beyond a stretch that a value needs on either side to sound like the same stretch of the song."""
    if isinstance(value, Spectrogram | Magnitude | Mask | Phase):
        return Fraction(2 * value.stft.n_fft, value.rate)
    return Fraction(0)


def stereo(audio: Audio) -> Float32:
    """Two speakers, float32 [2, samples]: mono on both, surround by ITU-R BS.775-3, others folded left and right."""
    if audio.channels == 2:
        return audio.samples
    if audio.channels == 1:
        return np.repeat(audio.samples, 2, axis=0)
    matrix = _DOWNMIX.get(audio.layout)
    if matrix is None or len(matrix[0]) != audio.channels:
        sides = [[1.0 if channel % 2 == side else 0.0 for channel in range(audio.channels)] for side in (0, 1)]
        return np.asarray(sides, np.float32) @ audio.samples
    return np.asarray(matrix, np.float32) @ audio.samples


def _of_stems(stems: Stems, stem: str) -> Heard:
    if stem:
        if stem not in stems.audio:
            raise NotAudible(f"there is no stem {stem!r} on this edge; it carries {', '.join(stems)}")
        return Heard(stems[stem])
    parts = [stems[name] for name in stems]
    total = parts[0].samples.copy()
    for part in parts[1:]:
        total += part.samples
    return Heard(parts[0].with_samples(total), f"sum of {len(parts)} stems")


def _with_mixture(value: Magnitude | Mask | Phase, mixture: Audio | None) -> Heard:
    kind = type(value).__name__.lower()
    if mixture is None:
        raise NotAudible(f"a {kind} is heard with the mixture, but the graph loads no song; add an io.load node")
    bins = stft(resample(mixture, value.rate).crop(value.span), value.stft).bins
    if isinstance(value, Mask):
        return Heard(_back(value, value.bins * bins), "a mask, heard on the mixture")
    if isinstance(value, Magnitude):
        size = np.abs(bins)
        unit = np.divide(bins, size, out=np.ones_like(bins), where=size > 0)
        return Heard(_back(value, value.bins * unit), "a magnitude, heard with the mixture's phase")
    return Heard(_back(value, np.abs(bins) * np.exp(1j * value.bins)), "a phase, heard with the mixture's magnitude")


def _back(like: Magnitude | Mask | Phase, bins: np.ndarray) -> Audio:
    return istft(Spectrogram(bins.astype(np.complex64, copy=False), like.span, like.stft))
