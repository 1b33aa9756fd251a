"""Spectrograms of segments, and the tensor layouts in which networks take them.

A batch of segments is float32 [segments, channels, length]; its spectrogram complex64 [segments, channels, frames,
bins], centred frames with reflected ends, not normalised: torch.stft with a periodic Hann window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from midistems_graph.audio.fft import backend
from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Complex64, Float32, Span, StftSettings
from midistems_graph.audio.windows import window

_BLOCK = 32
"""So many frames are transformed at once: they stay in the processor's cache."""


def analysed(sound: Float32, n_fft: int, hop: int, *, threads: int = 1) -> Complex64:
    """The spectrogram of segments whose length is a multiple of the hop: length / hop + 1 frames."""
    segments, channels, length = sound.shape
    transform = Stft(StftSettings(n_fft, hop), Span.whole(length, 44100), threads=threads)
    bins = transform.forward(np.ascontiguousarray(sound).reshape(segments * channels, length))
    return bins.reshape(segments, channels, *bins.shape[1:])


def synthesised(bins: Complex64, n_fft: int, hop: int, length: int, *, threads: int = 1) -> Float32:
    """The least-squares inverse, float32 [..., length] of complex64 [..., frames, bins]; missing bins are silent."""
    *outer, frames, have = bins.shape
    full = given = bins.reshape(-1, frames, have)
    if have < n_fft // 2 + 1:
        full = np.zeros((*given.shape[:2], n_fft // 2 + 1), np.complex64)
        full[:, :, :have] = given
    transform = Stft(StftSettings(n_fft, hop), Span.whole(length, 44100), threads=threads)
    return transform.inverse(full).reshape(*outer, length)


def as_channels(bins: Complex64, dim_f: int) -> Float32:
    """Complex bins as channels: [n, channels, frames, bins] -> [n, 2 * channels, dim_f, frames] (re, im, re, im)."""
    n, channels, frames, _ = bins.shape
    out = np.empty((n, channels, 2, dim_f, frames), np.float32)
    kept = bins[..., :dim_f].swapaxes(2, 3)
    out[:, :, 0], out[:, :, 1] = kept.real, kept.imag
    return out.reshape(n, 2 * channels, dim_f, frames)


def from_channels(tensor: Float32, out: Complex64 | None = None) -> Complex64:
    """The inverse of `as_channels`: [..., 2 * channels, bins, frames] -> complex64 [..., channels, frames, bins].

    `out` may be an array of that shape to fill.
    """
    *outer, both, n_bins, frames = tensor.shape
    pairs = tensor.reshape(*outer, both // 2, 2, n_bins, frames)
    if out is None:
        out = np.empty((*outer, both // 2, frames, n_bins), np.complex64)
    out.real, out.imag = pairs[..., 0, :, :].swapaxes(-1, -2), pairs[..., 1, :, :].swapaxes(-1, -2)
    return out


def framed(sound: Float32, n_fft: int, hop: int, out: Complex64) -> None:
    """Fill bins [frames, bins] with frames that lie wholly within one channel [length], not centred."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, n_fft)[::hop]
    shape, space = window("hann", n_fft), np.empty((_BLOCK, n_fft), np.float32)
    for first in range(0, len(frames), _BLOCK):
        some, bins = frames[first : first + _BLOCK], out[first : first + _BLOCK]
        made = backend().rfft(np.multiply(some, shape, out=space[: len(some)]), bins)
        if made is not bins:
            bins[:] = made


def added(bins: Complex64, n_fft: int, hop: int, out: Float32) -> None:
    """Weight frames [frames, bins] with their window and add them up to a channel [(frames - 1) * hop + n_fft]."""
    rows = out.reshape(-1, hop)
    rows[:] = 0
    shape, space = window("hann", n_fft), np.empty((_BLOCK, n_fft), np.float32)
    for first in range(0, len(bins), _BLOCK):
        some = bins[first : first + _BLOCK]
        pieces = backend().irfft(some, space[: len(some)])
        pieces *= shape
        for shift in range(n_fft // hop):
            rows[first + shift : first + shift + len(some)] += pieces[:, shift * hop : (shift + 1) * hop]


def in_threads(work: Callable[..., None], jobs: Iterable[tuple[Any, ...]], threads: int) -> None:
    """Do jobs that do not touch each other on so many threads."""
    if threads < 2:
        for job in jobs:
            work(*job)
        return
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, *job) for job in jobs]:
            done.result()


def added_weights(frames: int, n_fft: int, hop: int) -> Float32:
    """The sum of squared windows that `added` leaves in what it adds up."""
    rows = n_fft // hop
    power = (window("hann", n_fft).astype(np.float64) ** 2).reshape(rows, hop)
    out = np.zeros((frames + rows - 1, hop))
    for shift in range(rows):
        out[shift : shift + frames] += power[shift]
    return out.reshape(-1).astype(np.float32)
