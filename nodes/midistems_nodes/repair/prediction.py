"""What of a sound its own past foretells, band by band: the late part of a room, and echoes.

A filter over earlier frames of all channels is learned from the whole song by weighted least squares. Frames count by
how weak what remains of them is, so that the filter learns the decay behind a sound and not the sound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy

from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Complex64, Float32
from midistems_graph.node import Audio, Features, NodeError, Run, StftSettings, Stream
from midistems_nodes.measure.streams import chunks

Report = Callable[[float], None]
"""Is told how much is done, 0 to 1; raises Cancelled."""

_FRAMES = 128
_FLOOR = np.float32(1e-4)
"""What is least expected to remain of a frame, against the mean power of its band: bounds the weight of silence."""
_MOST = 500
"""Unknowns of a band: their equations take the cube of it in time."""
_STANDS_OUT = 15
"""Deviations by which an echo stands out of the cepstrum: dry voices have peaks of 6 to 10, an echo of -20 dB 20."""
_REGULAR = 1e-6
"""Added to the diagonal of a band's covariance, relative to its mean."""


def learned_filters(
    audio: Stream[Audio], lags: Sequence[int], iterations: int, settings: StftSettings, run: Run, progress: Report
) -> Features:
    """The filters of every band, complex64 [bins, lags * channels, channels], and their `lags` in frames."""
    passes = iterations + 1
    mean: Float32 = np.zeros(settings.n_bins, np.float32)
    filters: Complex64 | None = None
    for done in range(passes):

        def report(part: float, done: int = done) -> None:
            progress((done + part) / passes)

        before: Complex64 | None = None
        own: Complex64 | None = None
        across: Complex64 | None = None
        frames = 0
        for (tile,) in chunks((audio,), _FRAMES * settings.hop, report):
            bins = Stft(settings, tile.span, threads=run.threads).forward(tile.samples)
            if done == 0:
                mean += _power(bins).sum(axis=0)
                frames += bins.shape[1]
                continue
            if before is None:
                if len(lags) * len(bins) > _MOST:
                    raise NodeError(
                        f"{len(lags)} frames of {len(bins)} channels are too many to learn from, {_MOST} in all is the "
                        "most; raise hop, or listen to less of the past"
                    )
                before = np.zeros((len(bins), max(lags), settings.n_bins), np.complex64)
            past = delayed(np.concatenate([before, bins], axis=1), lags, bins.shape[1])
            here = np.ascontiguousarray(bins.transpose(2, 0, 1))
            run.check()
            left = here if filters is None else here - filters.conj().swapaxes(1, 2) @ past
            power = np.maximum((left.real**2 + left.imag**2).mean(axis=1), (mean * _FLOOR)[:, None])
            weighted: Complex64 = np.divide(past, np.where(power > 0, power, np.float32(1))[:, None])
            run.check()
            ours, theirs = weighted @ past.conj().swapaxes(1, 2), weighted @ here.conj().swapaxes(1, 2)
            own, across = (ours, theirs) if own is None or across is None else (own + ours, across + theirs)
            before = np.concatenate([before, bins], axis=1)[:, -max(lags) :]
        if done == 0:
            mean /= max(1, frames)
        elif own is not None and across is not None:
            filters = _solved(own, across)
    if filters is None:
        return Features({})
    return Features({"filters": filters, "lags": np.array(lags)})


def dried(audio: Audio, learned: Features, amount: float, settings: StftSettings, run: Run) -> Audio:
    """A sound less so much (0 to 1) of what the filters foretell of it; as it is where none were learned."""
    if "filters" not in learned.arrays:
        return audio
    late = _foretold(audio, learned, settings, run)
    late *= amount
    return audio.with_samples(audio.samples - late)


def _foretold(audio: Audio, learned: Features, settings: StftSettings, run: Run) -> Float32:
    """What the filters foretell of a sound, samples [channels, samples]; nothing at its very beginning."""
    transform = Stft(settings, audio.span, threads=run.threads)
    bins = transform.forward(audio.samples)
    lags = [int(lag) for lag in learned.arrays["lags"]]
    filters: Complex64 = learned.arrays["filters"].conj().swapaxes(1, 2)
    long = np.concatenate([np.zeros((len(bins), max(lags), settings.n_bins), np.complex64), bins], axis=1)
    out = np.empty_like(bins)
    for first in range(0, transform.frames, _FRAMES):
        run.progress(first / transform.frames)
        count = min(_FRAMES, transform.frames - first)
        past = delayed(long[:, first : first + max(lags) + count], lags, count)
        out[:, first : first + count] = (filters @ past).transpose(1, 2, 0)
    return transform.inverse(out)


def delayed(bins: Complex64, lags: Sequence[int], count: int) -> Complex64:
    """Earlier frames of the last `count` of bins [channels, frames, bins]: [bins, lags * channels, count]."""
    stop = bins.shape[1]
    turned = np.ascontiguousarray(bins.transpose(2, 0, 1))
    return np.concatenate([turned[:, :, stop - count - lag : stop - lag] for lag in lags], axis=1)


def echo_delay(audio: Stream[Audio], shortest: float, longest: float, progress: Report) -> float:
    """The delay in seconds at which a sound is an echo of itself, between two bounds; 0 if there is none.

    The peak of the power cepstrum of the whole song (Bogert, Healy & Tukey 1963), of the mean of the channels.
    """
    rate = audio.span.rate
    length = 1 << int(np.ceil(np.log2(4 * longest * rate)))
    total = np.zeros(length // 2 + 1)
    for (tile,) in chunks((audio,), length, progress):
        mono = tile.samples.mean(axis=0, dtype=np.float64)
        power = np.abs(scipy.fft.rfft(mono * np.hanning(len(mono)), length)) ** 2
        if power.any():
            total += np.log(power + 1e-6 * power.mean())
    cepstrum = scipy.fft.irfft(total)
    low = round(shortest * rate)
    found = cepstrum[low : round(longest * rate)]
    peak = int(np.argmax(found))
    return (low + peak) / rate if found[peak] > _STANDS_OUT * found.std() else 0.0


def _solved(own: Complex64, across: Complex64) -> Complex64:
    """The filters of every band; nothing where the band is silent."""
    size = np.trace(own, axis1=-2, axis2=-1).real / own.shape[-1]
    floor = np.where(size > 0, _REGULAR * size, 1)
    steady = own.astype(np.complex128) + floor[:, None, None] * np.eye(own.shape[-1])
    return np.asarray(np.linalg.solve(steady, across.astype(np.complex128)), np.complex64)


def _power(bins: Complex64) -> Float32:
    """The mean over channels of |x|^2: [frames, bins]."""
    power: Float32 = (bins.real**2 + bins.imag**2).mean(axis=0)
    return power
