"""A mask along the harmonics of a melody."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.node import Curves, Magnitude, Mask, NodeError, Range, Run, Spectrogram, node

_FRAMES = 256


@node("mask.harmonic", title="Harmonic mask", tags=("pitch", "melody", "comb", "voice", "djcm"), scratch=2)
def harmonic(
    spectrogram: Spectrogram | Magnitude,
    pitch: Curves,
    *,
    harmonics: Annotated[int, Range(1, 200)] = 60,
    width: Annotated[float, Range(0.5, 20, "bins")] = 2.0,
    spread: Annotated[float, Range(0, 200, "cents")] = 30.0,
    beside: Annotated[float, Range(0, 1)] = 0.0,
    unvoiced: Annotated[float, Range(0, 1)] = 0.0,
    run: Run,
) -> Mask:
    """Let through what lies on the harmonics of a pitch that moves.

    Parameters
    ----------
    spectrogram
        What the mask is for: usually the whole song, in which the melody sounds.
    pitch
        The melody, from a Pitch node with the same `hop`. The curve called pitch is used, or the first one.
    harmonics
        So many multiples of the pitch, as far as they lie below half the sample rate.
    width
        Half the width of a harmonic, in bins of the spectrogram; 2 is the main lobe of a Hann window.
    spread
        Harmonics get wider by this much of their own frequency, since a pitch is never exact.
    beside
        What passes between the harmonics.
    unvoiced
        What passes at moments without a pitch: consonants and breath, and all of the band.

    Notes
    -----
    Good for a second look at the song once a first separation has told the melody: what the first stage lost on the
    harmonics comes back, and what bled in between them goes. A harmonic passes whole up to half its width, and fades
    out beyond like a raised cosine.

    References
    ----------
    Hsu & Jang, "On the improvement of singing voice separation for monaural recordings using the MIR-1K dataset", IEEE
    TASLP 18(2), 2010; the cascade of Wei et al., "DJCM: a deep joint cascade model", arXiv 2401.03856.
    """
    name = "pitch" if "pitch" in pitch.names else pitch.names[0]
    settings = spectrogram.stft
    if pitch.hop != settings.hop or pitch.rate != spectrogram.rate or pitch.span != spectrogram.span:
        raise NodeError(
            f"the pitch has a figure every {pitch.hop} samples at {pitch.rate} Hz, the spectrogram a frame every "
            f"{settings.hop} at {spectrogram.rate} Hz; give both the same hop"
        )
    step = spectrogram.rate / settings.n_fft
    frequencies = np.arange(settings.n_bins, dtype=np.float32) * np.float32(step)
    tones = pitch[name]
    made = np.empty((1, len(tones), settings.n_bins), np.float32)
    for first in range(0, len(tones), _FRAMES):
        run.progress(first / len(tones))
        tone = tones[first : first + _FRAMES, None]
        on = _nearness(frequencies, np.maximum(tone, 1), harmonics, width * step, 2 ** (spread / 1200) - 1)
        made[0, first : first + _FRAMES] = np.where(tone > 0, beside + (1 - beside) * on, unvoiced)
    return Mask(np.broadcast_to(made, spectrogram.bins.shape), spectrogram.span, settings)


def _nearness(frequencies: Float32, tone: Float32, harmonics: int, width: float, spread: float) -> Float32:
    """1 up to half the width of a harmonic, 0 beyond its width, a raised cosine between; [frames, bins]."""
    number = np.clip(np.rint(frequencies / tone), 1, harmonics)
    place = number * tone
    away = np.abs(frequencies - place) / (np.float32(width) + np.float32(spread) * place)
    made: Float32 = np.square(np.cos(np.float32(np.pi / 2) * np.clip(2 * away - 1, 0, 1)))
    return made
