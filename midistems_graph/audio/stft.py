"""Short-time Fourier transform and its exact inverse.

Frame k is centred on sample k * hop of the song; a transform has the frames whose centres lie in
its span. The forward transform is not normalised; the inverse is the least-squares one (Griffin &
Lim 1984), weighted overlap-add divided by the actual sum of squared windows, so it returns the
very signal, first and last sample included.

Frames go through in blocks that fit the cache, always a multiple of what an FFT computes side by
side, and every output sample is the sum of its frames in ascending order. So results have the same
bits for any number of threads, and for a frame wherever the span begins.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.fft import backend
from midistems_graph.audio.values import Audio, Complex64, Float32, Span, Spectrogram, StftSettings, ceil_div
from midistems_graph.audio.windows import window

Padding = Literal["reflect", "zeros"]
"""What a frame sees beyond the samples that are given."""

MAX_OVERLAP = 256
"""How many frames may cover a sample: more is a slip of the pen, and takes hundreds of times the song's memory."""

Change = Callable[[int, int, Complex64], None]
"""What `Stft.rebuild` does to a channel's bins [frames, bins] from a frame on, in place."""

_BLOCK_SAMPLES = 1 << 19
"""Of one block's frames. Smaller ones fit a nearer cache, but threads then wait for Python's lock more often."""
_LANES = 16
"""FFTs run on multiples of as many frames: libraries compute up to 16 side by side, and a rest with other last bits."""
_COVERED = 1e-3
"""Share of the windows' peak power below which a sample counts as not covered, and fades out."""

_helpers = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="stft")


def stft(
    audio: Audio,
    settings: StftSettings,
    *,
    threads: int = 1,
    out: Complex64 | None = None,
    pad: Padding = "reflect",
) -> Spectrogram:
    """The spectrogram of audio, complex64 [channels, frames, bins], over the same span.

    `out` may be an array of that shape to fill. Beyond both ends of the given samples the signal is
    reflected, or zero. Raises ValueError for settings that have no exact inverse.
    """
    transform = Stft(settings, audio.span, threads=threads, pad=pad)
    return Spectrogram(transform.forward(audio.samples, out), audio.span, settings)


def istft(spectrogram: Spectrogram, *, threads: int = 1, out: Float32 | None = None) -> Audio:
    """The audio over a spectrogram's span: the signal whose STFT is nearest in least squares.

    `out` may be a float32 array [channels, samples] to fill. Near the edges of an inner stretch of a
    song, where no window reaches, samples fade to zero.
    """
    transform = Stft(spectrogram.stft, spectrogram.span, threads=threads)
    return Audio(transform.inverse(spectrogram.bins, out), spectrogram.span)


class Stft:
    """Both transforms over one span, on plain arrays, with their work space allocated once.

    For loops that transform again and again; one object serves one caller at a time.
    """

    def __init__(self, settings: StftSettings, span: Span, *, threads: int = 1, pad: Padding = "reflect") -> None:
        check_settings(settings)
        self.settings, self.span, self.pad = settings, span, pad
        self.frames = len(span.stft_frames(settings.hop))
        self._origin = span.stft_frames(settings.hop).start * settings.hop - settings.n_fft // 2 - span.start
        """Where the first frame begins, counted from the span's first sample."""
        self._window = window(settings.window, settings.n_fft)
        self._gains = _gains(self._window, settings.hop, self.frames)
        self._overlap = ceil_div(settings.n_fft, settings.hop)
        self._block = min(256, max(_LANES, _BLOCK_SAMPLES // settings.n_fft // _LANES * _LANES))
        self._spaces = [_Space.of(settings, self._block, self._overlap) for _ in range(max(1, threads))]

    def forward(self, samples: Float32, out: Complex64 | None = None) -> Complex64:
        """Samples [channels, samples] to bins [channels, frames, bins], into `out` if given."""
        channels = samples.shape[0]
        _check_shape("samples", samples, np.float32, (channels, self.span.frames))
        shape = (channels, self.frames, self.settings.n_bins)
        if out is None:
            out = np.empty(shape, np.complex64)
        _check_shape("out", out, np.complex64, shape)

        def transform(job: _Job, space: _Space) -> None:
            for first in range(job.first, job.stop, self._block):
                place = out[job.channel, first : min(first + self._block, job.stop)]
                made = self._transform(samples[job.channel], first, space, place)
                if made is not place:
                    place[:] = made[: len(place)]

        self._run(transform, channels, self.frames)
        return out

    def inverse(self, bins: Complex64, out: Float32 | None = None, *, mask: Float32 | None = None) -> Float32:
        """Bins [channels, frames, bins] to samples [channels, samples], into `out` if given.

        A mask [channels or 1, frames, bins] is multiplied with them block by block, so no second array is held.
        """
        channels = bins.shape[0]
        _check_shape("bins", bins, np.complex64, (channels, self.frames, self.settings.n_bins))
        if mask is not None:
            _check_shape("mask", mask, np.float32, (len(mask) if len(mask) == channels else 1, *bins.shape[1:]))
        shape = (channels, self.span.frames)
        if out is None:
            out = np.empty(shape, np.float32)
        _check_shape("out", out, np.float32, shape)
        if self.frames == 0:
            out[:] = 0
            return out
        self._blank(out)

        def transform(job: _Job, space: _Space) -> None:
            channel = bins[job.channel]
            masked = mask[job.channel % len(mask)] if mask is not None else None

            def block(first: int, last: int) -> Complex64:
                return space.lanes(channel[first:last], masked[first:last] if masked is not None else None)

            self._overlap_add(block, out[job.channel], job, space)

        self._run_rows(transform, channels)
        return out

    def rebuild(self, samples: Float32, change: Change, out: Float32) -> Float32:
        """Transform samples [channels, samples], change the bins, and transform back into `out`, another array.

        The same as forward, change and inverse, but in blocks that stay in the cache: the bins are never held
        as a whole. `change` gets the channel, the number of the block's first frame and the block's bins
        [frames, bins], which it changes in place; a few frames may come to it twice.
        """
        channels = samples.shape[0]
        for name, array in (("samples", samples), ("out", out)):
            _check_shape(name, array, np.float32, (channels, self.span.frames))
        if self.frames == 0:
            out[:] = 0
            return out
        self._blank(out)

        def transform(job: _Job, space: _Space) -> None:
            def changed(first: int, last: int) -> Complex64:
                count = last - first
                bins = self._transform(samples[job.channel], first, space, space.bins[:count])
                change(job.channel, first, bins[:count])
                return bins

            self._overlap_add(changed, out[job.channel], job, space)

        self._run_rows(transform, channels)
        return out

    def _transform(self, samples: Float32, first: int, space: _Space, place: Complex64) -> Complex64:
        """Bins whose first rows are the `len(place)` frames from `first` on; they may lie in `place`."""
        count, lanes = len(place), _whole_lanes(len(place))
        np.multiply(self._frames(samples, first, count), self._window, out=space.frames[:count])
        return backend().rfft(space.frames[:lanes], place if count == lanes else space.bins[:lanes])

    def _frames(self, samples: Float32, first: int, count: int) -> Float32:
        """Frames [count, n_fft] of one channel as a view, of a padded copy where they leave the samples."""
        hop, n_fft = self.settings.hop, self.settings.n_fft
        start = self._origin + first * hop
        stop = start + (count - 1) * hop + n_fft
        if start >= 0 and stop <= len(samples):
            stretch = samples[start:stop]
        else:
            stretch = _padded(samples, np.arange(start, stop), self.pad)
        return np.lib.stride_tricks.sliding_window_view(stretch, n_fft)[::hop]

    def _overlap_add(self, bins: Callable[[int, int], Complex64], samples: Float32, job: _Job, space: _Space) -> None:
        """Fill the rows [job.first, job.stop) of one channel; `bins` gives the block that begins with some frames.

        Row m is the hop samples that begin where frame m begins; frames m - overlap + 1 to m reach it.
        """
        irfft, hop = backend().irfft, self.settings.hop
        rows, block = space.rows, self._block
        rows[:] = 0
        for first in range(max(0, job.first - self._overlap + 1), job.stop, block):
            last = min(first + block, job.stop, self.frames)
            if last > first:
                block_of_bins = bins(first, last)
                frames = irfft(block_of_bins, space.frames[: len(block_of_bins)])[: last - first]
                frames *= self._window
                for shift in reversed(range(self._overlap)):  # the earliest frame of every row first
                    part = frames[:, shift * hop : (shift + 1) * hop]
                    rows[shift : shift + len(part), : part.shape[1]] += part
            self._write(rows, samples, first, max(first, job.first), min(first + block, job.stop))
            rows[: self._overlap - 1] = rows[block:].copy()
            rows[self._overlap - 1 :] = 0

    def _write(self, rows: Float32, samples: Float32, base: int, first: int, stop: int) -> None:
        """Scale the rows [first, stop) and copy what lies within the span; rows[0] is row `base`."""
        if stop <= first:
            return
        hop, full = self.settings.hop, min(self.frames, self._overlap)
        if first >= full - 1 and stop <= self.frames:
            gain = self._gains[full - 1]
        else:
            index = np.arange(first, stop)
            gain = self._gains[np.minimum(index, np.maximum(full - 1, index - self.frames + full))]
        done = rows[first - base : stop - base]
        done *= gain
        start = self._origin + first * hop
        low, high = max(0, start), min(len(samples), start + (stop - first) * hop)
        if high > low:
            samples[low:high] = done.reshape(-1)[low - start : high - start]

    def _run_rows(self, work: Callable[[_Job, _Space], None], channels: int) -> None:
        """Do `work` on all rows, in long jobs: each begins with frames that the job before it has transformed too."""
        self._run(work, channels, self.frames + self._overlap - 1, self._overlap - 1)

    def _blank(self, out: Float32) -> None:
        """Zero what no row reaches: stretches at the ends of a span that is longer than its frames."""
        out[:, : max(0, self._origin)] = 0
        out[:, max(0, self._origin + (self.frames + self._overlap - 1) * self.settings.hop) :] = 0

    def _run(self, work: Callable[[_Job, _Space], None], channels: int, count: int, before: int = 0) -> None:
        """Do `work` on `count` units of every channel on all threads, in jobs that fill their blocks.

        Each job does the `before` units ahead of it again.
        """
        per_job = max(self._block, 16 * before, ceil_div(count * channels, 8 * len(self._spaces)))
        per_job = ceil_div(per_job + before, self._block) * self._block - before
        jobs = deque(
            _Job(channel, first, min(first + per_job, count))
            for channel in range(channels)
            for first in range(0, count, per_job)
        )

        def drain(space: _Space) -> None:
            while jobs:
                try:
                    job = jobs.popleft()
                except IndexError:
                    return
                work(job, space)

        helpers = [_helpers.submit(drain, space) for space in self._spaces[1 : len(jobs)]]
        try:
            drain(self._spaces[0])
        finally:
            jobs.clear()
            results = [helper for helper in helpers if not helper.cancel()]
            errors = [error for helper in results if (error := helper.exception())]
        if errors:
            raise errors[0]


def check_settings(settings: StftSettings) -> None:
    """Raise ValueError, in words for a musician, if the settings have no exact inverse."""
    n_fft, hop = settings.n_fft, settings.hop
    if n_fft < 2 or n_fft % 2:
        raise ValueError(f"the FFT size must be an even number from 2 up, not {n_fft}; 2048 or 4096 suit most music")
    least = max(1, n_fft // MAX_OVERLAP)
    if not least <= hop <= n_fft // 2:
        raise ValueError(
            f"the hop must be {least} to {n_fft // 2} samples (half the FFT size), not {hop}; try {n_fft // 4}"
        )
    window(settings.window, n_fft)


class _Job(NamedTuple):
    """Frames or rows [first, stop) of one channel."""

    channel: int
    first: int
    stop: int


@dataclass(frozen=True)
class _Space:
    """Work space of one thread: a block of frames, of bins, and the rows that overlap-add fills."""

    frames: Float32
    bins: Complex64
    rows: Float32

    @classmethod
    def of(cls, settings: StftSettings, block: int, overlap: int) -> _Space:
        return cls(
            np.zeros((block, settings.n_fft), np.float32),
            np.zeros((block, settings.n_bins), np.complex64),
            np.zeros((block + overlap - 1, settings.hop), np.float32),
        )

    def lanes(self, bins: Complex64, mask: Float32 | None = None) -> Complex64:
        """Bins, masked if there is a mask, of as many frames as FFTs run on: others are completed with old ones."""
        lanes = _whole_lanes(len(bins))
        if mask is not None:
            np.multiply(bins, mask, out=self.bins[: len(bins)])
        elif len(bins) < lanes:
            self.bins[: len(bins)] = bins
        else:
            return bins
        return self.bins[:lanes]


def _whole_lanes(frames: int) -> int:
    return ceil_div(frames, _LANES) * _LANES


def _padded(samples: Float32, positions: npt.NDArray[np.intp], pad: Padding) -> Float32:
    """The samples at any positions, also beyond both ends."""
    length = len(samples)
    if length == 0:
        return np.zeros(len(positions), np.float32)
    if pad == "zeros":
        return np.where((positions >= 0) & (positions < length), samples[np.clip(positions, 0, length - 1)], 0)
    period = max(1, 2 * (length - 1))
    around = positions % period
    return samples[np.minimum(around, period - around) if length > 1 else around]


def _gains(shape: Float32, hop: int, frames: int) -> Float32:
    """Reciprocal sums of squared windows, float32 [rows, hop], of the first and last rows and one full row.

    With F = min(frames, overlap), there are F - 1 rows that not all frames have reached, the full
    one, and those that frames leave again.
    """
    overlap = ceil_div(len(shape), hop)
    full = min(frames, overlap)
    power = np.zeros((overlap, hop))
    power.reshape(-1)[: len(shape)] = shape.astype(np.float64) ** 2
    sums = np.zeros((full + overlap - 1, hop)) if full else np.zeros((0, hop))
    for frame in range(full):
        sums[frame : frame + overlap] += power
    np.maximum(sums, _COVERED * power.max(), out=sums)
    return (1 / sums).astype(np.float32)


def _check_shape(what: str, array: npt.NDArray[Any], dtype: type, shape: tuple[int, ...]) -> None:
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(f"{what} must be {np.dtype(dtype)} {shape}, not {array.dtype} {array.shape}")
