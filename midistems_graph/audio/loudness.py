"""Loudness and peaks as ITU-R BS.1770-4 defines them, measured block by block: an hour of sound needs 1 MB.

    meter = LoudnessMeter(rate, channels, layout)
    for block in blocks:  # float32 [channels, any number of samples]
        meter.add(block)
    meter.lufs, meter.true_peak_db, meter.peak_db

Levels are dB of full scale (1.0); silence has -inf. Loudness (Annex 1): K-weighted power of blocks of 400 ms every
100 ms, gated at -70 LUFS and at 10 LU below the mean; sound that is shorter than a block has -inf.
Channels weigh by layout: surround speakers 1.41, LFE 0, all others 1. True peak (Annex 2): the largest sample of the
signal at four times its rate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import scipy
import soxr

from midistems_graph.audio.values import Audio, Float32

_SURROUND = 1.41
_WEIGHTS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {  # BS.1770-4 table 4 gives 1.41 between 60 and 120 degrees, where the rear pair stands unless there are sides
        "quad": (1, 1, _SURROUND, _SURROUND),
        "5.0": (1, 1, 1, _SURROUND, _SURROUND),
        "5.1": (1, 1, 1, 0, _SURROUND, _SURROUND),
        "7.1": (1, 1, 1, 0, 1, 1, _SURROUND, _SURROUND),
    }
)
_OFFSET = -0.691  # dB; makes a 997 Hz sine of full scale in one channel read -3.01 LUFS
_BLOCK = 1 << 16
_TAIL = 4096  # samples; the resampler holds back fewer than half of them


class LoudnessMeter:
    """Integrated loudness, sample peak and true peak of all that was added so far."""

    def __init__(self, rate: int, channels: int, layout: str = "") -> None:
        self._power = _KWeightedPower(rate, channels, layout)
        self._peaks = _Peaks(channels)

    def add(self, block: Float32) -> None:
        """The next samples, float32 [channels, any number]."""
        for lo in range(0, block.shape[1], _BLOCK):
            part = block[:, lo : lo + _BLOCK]
            self._power.add(part)
            self._peaks.add(part)

    @property
    def lufs(self) -> float:
        """Integrated loudness in LUFS."""
        return self._power.lufs

    @property
    def peak_db(self) -> float:
        """Largest sample in dBFS."""
        return _db(self._peaks.sample)

    @property
    def true_peak_db(self) -> float:
        """Largest value between the samples in dBTP."""
        return _db(self._peaks.true)


def integrated_loudness(audio: Audio) -> float:
    """Integrated loudness of a sound in LUFS; -inf for silence and for less than 400 ms."""
    power = _KWeightedPower(audio.rate, audio.channels, audio.layout)
    for lo in range(0, audio.samples.shape[1], _BLOCK):
        power.add(audio.samples[:, lo : lo + _BLOCK])
    return power.lufs


def true_peak_db(samples: Float32) -> float:
    """Largest value between the samples of [channels, n], in dBTP."""
    peaks = _Peaks(samples.shape[0])
    for lo in range(0, samples.shape[1], _BLOCK):
        peaks.add(samples[:, lo : lo + _BLOCK])
    return _db(peaks.true)


def peak_db(samples: Float32) -> float:
    """Largest sample of [channels, n], in dBFS."""
    return _db(_largest(samples))


class _Peaks:
    """Largest sample, and largest value at four times the rate."""

    def __init__(self, channels: int) -> None:
        self.sample = 0.0
        self._given_out = 0.0
        self._oversampler = soxr.ResampleStream(1, 4, channels, dtype="float32")
        self._tail = np.zeros((channels, _TAIL), np.float32)

    def add(self, block: Float32) -> None:
        self.sample = max(self.sample, _largest(block))
        self._given_out = max(self._given_out, _largest(self._oversampler.resample_chunk(block.T)))
        self._tail = np.concatenate([self._tail, block], axis=1)[:, -_TAIL:]

    @property
    def true(self) -> float:
        held_back = soxr.resample(self._tail.T, 1, 4)[2 * _TAIL :]  # what the oversampler has yet to give out
        return max(self.sample, self._given_out, _largest(held_back))


class _KWeightedPower:
    """Channel-weighted, K-weighted energy of each 100 ms."""

    def __init__(self, rate: int, channels: int, layout: str) -> None:
        weights = _WEIGHTS.get(layout, ())
        self._weights = np.array(weights if len(weights) == channels else (1.0,) * channels)
        self._filter = k_weighting(rate)
        self._state = np.zeros((len(self._filter), channels, 2))
        self._rate, self._at = rate, 0
        self._open = 0.0  # energy of the unfinished 100 ms
        self._energies: list[float] = []

    def add(self, block: Float32) -> None:
        if not block.shape[1]:
            return
        weighted, self._state = scipy.signal.sosfilt(self._filter, block, axis=1, zi=self._state)
        energy = np.einsum("c,cn,cn->n", self._weights, weighted, weighted)
        stop = self._at + block.shape[1]
        first = self._at * 10 // self._rate + 1  # the 100 ms step number k begins at sample k * rate // 10
        edges = [k * self._rate // 10 for k in range(first - 1, stop * 10 // self._rate + 2)]
        inside = [edge - self._at for edge in edges if self._at < edge <= stop]
        pieces = [float(piece.sum()) for piece in np.split(energy, inside)]
        pieces[0] += self._open
        self._energies += pieces[:-1]
        self._open = pieces[-1]
        self._at = stop

    @property
    def lufs(self) -> float:
        steps = np.array(self._energies)
        if len(steps) < 4:
            return -math.inf
        power = np.convolve(steps, np.ones(4), "valid") / (0.4 * self._rate)
        power = power[power >= 10 ** ((-70 - _OFFSET) / 10)]
        if not len(power):
            return -math.inf
        return _OFFSET + 10 * math.log10(power[power > power.mean() / 10].mean())


def k_weighting(rate: int) -> npt.NDArray[np.float64]:
    """The two filters of BS.1770-4 Annex 1 as sections for `scipy.signal.sosfilt`, at any rate.

    The standard prints coefficients for 48 kHz only; these are the analog filters behind them (B. De Man,
    "Evaluation of implementations of the EBU R128 loudness measurement", AES 145, 2018), so they agree at 48 kHz.
    """
    k, q = math.tan(math.pi * 1681.9744509555319 / rate), 0.7071752369554193
    high = 10 ** (3.99984385397 / 20)
    mid = high**0.499666774155
    a0 = 1 + k / q + k * k
    shelf = [high + mid * k / q + k * k, 2 * (k * k - high), high - mid * k / q + k * k]
    shelf += [a0, 2 * (k * k - 1), 1 - k / q + k * k]
    j, r = math.tan(math.pi * 38.13547087613982 / rate), 0.5003270373253953
    b0 = 1 + j / r + j * j
    low_cut = [1, -2, 1, 1, 2 * (j * j - 1) / b0, (1 - j / r + j * j) / b0]
    return np.array([np.array(shelf) / a0, low_cut])


def _largest(samples: Float32) -> float:
    return max(float(samples.max()), -float(samples.min())) if samples.size else 0.0


def _db(level: float) -> float:
    return 20 * math.log10(level) if level > 0 else -math.inf
