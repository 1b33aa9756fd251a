"""Audio to spectrogram and back."""

from __future__ import annotations

from typing import Annotated, Literal

from midistems_graph.audio import stft as transforms
from midistems_graph.node import Audio, NodeError, Range, Run, Spectrogram, StftSettings, node, samples

FftSize = Annotated[int, Range(16, 65536, "samples", "log"), "FFT size in samples, an even number."]
StemsFftSize = Annotated[
    FftSize, "FFT size in samples, an even number; best the size that the stems were separated with."
]
Hop = Annotated[
    int,
    Range(1, 32768, "samples", "log"),
    "Samples between frames, at most half the FFT size; a quarter is usual.",
]
WindowName = Literal["hann", "sqrt_hann", "hamming", "blackman", "blackman_harris", "kaiser", "rectangular"]


def settings(n_fft: int, hop: int, window: str = "hann") -> StftSettings:
    """STFT settings from knobs; raises NodeError for ones that have no exact inverse."""
    chosen = StftSettings(n_fft, hop, window)
    try:
        transforms.check_settings(chosen)
    except ValueError as error:
        raise NodeError(str(error)) from None
    return chosen


@node(
    "transform.stft",
    title="Spectrogram (STFT)",
    tags=("fft", "frequency"),
    derived=True,
    context=lambda k: samples(k.n_fft),
    libraries=("numpy", "scipy"),
)
def stft(audio: Audio, *, n_fft: FftSize = 4096, hop: Hop = 1024, window: WindowName = "hann", run: Run) -> Spectrogram:
    """Turn audio into a spectrogram that can be turned back exactly.

    Parameters
    ----------
    audio
        What to transform.
    n_fft
        Samples per frame, an even number: more separates pitches better, fewer separates moments better.
    window
        How a frame fades at its edges. Hann suits almost everything.

    Notes
    -----
    Good for working on single pitches at single moments: masks, phase methods, spectral ensembles.

    References
    ----------
    Allen & Rabiner 1977. Frame k is centred on sample k * hop of the song; the song is reflected at its ends.
    """
    run.check()
    return transforms.stft(audio, settings(n_fft, hop, window), threads=run.threads)


@node(
    "transform.istft",
    title="Audio from spectrogram (inverse STFT)",
    tags=("fft", "synthesis"),
    derived=True,
    context=samples(32768),
    libraries=("numpy", "scipy"),
)
def istft(spectrogram: Spectrogram, *, run: Run) -> Audio:
    """Turn a spectrogram back into audio.

    Parameters
    ----------
    spectrogram
        What to turn back; it knows how it was made, so there is nothing to set.

    Notes
    -----
    An untouched spectrogram gives the very audio it was made from. One that was changed gives the audio whose
    spectrogram is nearest to it.

    References
    ----------
    Griffin & Lim 1984, equation 6: overlap-add divided by the sum of squared windows.
    """
    run.check()
    return transforms.istft(spectrogram, threads=run.threads)
