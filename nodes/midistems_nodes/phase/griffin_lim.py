"""Griffin-Lim: a signal for magnitudes that have lost their phases."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np

from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Complex64, ceil_div
from midistems_graph.node import Audio, Magnitude, NodeError, Phase, Range, Run, node, samples
from midistems_nodes.phase.impose import impose
from midistems_nodes.transform.spectrogram import FftSize

_DRAWN = 64
"""Frames whose random phases are drawn together."""


@node(
    "phase.griffin_lim",
    version="1.2.0",
    title="Griffin-Lim",
    tags=("phase", "reconstruction", "magnitude"),
    context=lambda k: samples((k.iterations + 2) * k.n_fft),
    scratch=3.5,
    libraries=("numpy", "scipy"),
)
def griffin_lim(
    magnitude: Magnitude,
    phase: Phase | None = None,
    *,
    iterations: Annotated[int, Range(0, 500)] = 32,
    momentum: Annotated[float, Range(0, 1)] = 0.99,
    start: Literal["random", "zero"] = "random",
    seed: Annotated[int, Range(0, 2**31 - 1)] = 0,
    n_fft: FftSize = 4096,
    run: Run,
) -> Audio:
    """Find audio for magnitudes that have no phases.

    Goes to and fro between signal and spectrogram: the signal keeps the phases consistent, the magnitudes are
    put back each time. Good for hearing a magnitude that was drawn, edited or made by a network. Where a
    mixture is at hand, its phases (or MISI) are much closer to the truth.

    Parameters
    ----------
    magnitude
        The magnitudes that the audio is to have.
    phase
        Phases to begin with, such as the mixture's; otherwise `start` chooses.
    iterations
        Rounds. Most is gained in the first 30.
    momentum
        How far each round overshoots: 0 is the original method, 0.99 gets closer in fewer rounds.
    start
        Phases to begin with: `random` (the same in all channels, so that the stereo image holds), or all `zero`.
    seed
        Another number, other random phases.
    n_fft
        FFT size of the incoming magnitudes, or larger: it says how much sound around a region has to be known.
        Larger magnitudes than this are refused.

    Returns
    -------
    Audio
        As long as the sound that the magnitudes were taken from.

    References
    ----------
    Griffin & Lim, "Signal estimation from modified short-time Fourier transform", IEEE TASSP 32(2), 1984.
    Perraudin, Balazs & Søndergaard, "A fast Griffin-Lim algorithm", WASPAA 2013, algorithm 2.
    """
    settings = magnitude.stft
    if settings.n_fft > n_fft:
        raise NodeError(f"the magnitudes have an FFT size of {settings.n_fft}; set n_fft to {settings.n_fft} or more")
    if phase is not None and (phase.stft != settings or phase.span != magnitude.span):
        raise NodeError("phase and magnitude cover different stretches or were made with different STFT settings")
    if phase is not None and phase.channels != magnitude.channels:
        raise NodeError(f"the phase has {phase.channels} channels, the magnitude {magnitude.channels}; they must match")
    transform = Stft(settings, magnitude.span, threads=run.threads)
    first = magnitude.span.stft_frames(settings.hop).start
    bins = np.empty((1, transform.frames, settings.n_bins), np.complex64)
    signal, last, ahead = np.zeros((3, magnitude.channels, magnitude.span.frames), np.float32)
    if phase is None and start == "random":
        phasors = _random_phasors(first, transform.frames, settings.n_bins, seed)
    for channel, wanted in enumerate(magnitude.bins):
        run.check()
        if phase is not None:
            np.multiply(wanted, np.exp(1j * phase.bins[channel]), out=bins[0])
        elif start == "random":
            np.multiply(wanted, phasors, out=bins[0])
        else:
            bins[0] = wanted
        transform.inverse(bins, signal[channel : channel + 1])

    def put_back(channel: int, first: int, bins: Complex64) -> None:
        run.check()
        impose(magnitude.bins[channel, first : first + len(bins)], bins)

    for done in range(iterations):
        run.progress(done / iterations)
        # The transform is linear: bins that overshoot by momentum are those of a signal that does.
        np.subtract(signal, last, out=ahead)
        ahead *= np.float32(momentum)
        ahead += signal
        last, signal = signal, transform.rebuild(ahead, put_back, out=last)
    return Audio(signal, magnitude.span)


def _random_phasors(first: int, frames: int, n_bins: int, seed: int) -> Complex64:
    """Unit phasors [frames, bins] in 256 directions, which depend on seed and frame number alone."""
    circle = np.exp(2j * np.pi * np.arange(256) / 256).astype(np.complex64)
    phasors = np.empty((frames, n_bins), np.complex64)
    for block in range(first // _DRAWN, ceil_div(first + frames, _DRAWN)):
        draw = np.random.Generator(np.random.Philox(key=[seed, block]))
        start = block * _DRAWN - first
        low, high = max(0, start), min(frames, start + _DRAWN)
        direction = draw.integers(0, 256, (_DRAWN, n_bins), np.uint8)[low - start : high - start]
        np.take(circle, direction, out=phasors[low:high])
    return phasors
