"""Meters of what goes to the speakers, block by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import Float32

_PHASES = 4
_TAPS = 12  # per phase, as in BS.1770-4 annex 2


def _oversampling() -> Float32:
    """Taps [3, 12] for the values at 1/4, 2/4 and 3/4 between two samples."""
    at = np.arange(_TAPS) - _TAPS // 2 + 1
    distance = (np.arange(1, _PHASES) / _PHASES)[:, None] - at
    taps = np.sinc(distance) * np.cos(np.pi / 2 * distance / (_TAPS // 2)) ** 2
    return np.asarray(taps / taps.sum(axis=1, keepdims=True), np.float32)


_BETWEEN = _oversampling()

EMPTY_TAIL = np.zeros((2, _TAPS - 1), np.float32)


_FALL_DB = 20.0
"""Decibels per second by which the largest values fall, as on a peak programme meter."""

_MEAN_SECONDS = 0.3


@dataclass(frozen=True)
class Levels:
    """Left and right, as linear values (full scale 1): largest sample, largest value between samples, mean power.

    The largest values fall by 20 dB per second, the power is a mean over 0.3 s: a look at any moment tells enough.
    True peaks are those of a short filter: within 0.6 dB up to a quarter of the rate.
    """

    peak: tuple[float, float] = (0.0, 0.0)
    true_peak: tuple[float, float] = (0.0, 0.0)
    power: tuple[float, float] = (0.0, 0.0)

    @property
    def rms(self) -> tuple[float, float]:
        return float(np.sqrt(self.power[0])), float(np.sqrt(self.power[1]))


DARK = Levels()


def measure(block: Float32, tail: Float32, before: Levels, rate: int) -> tuple[Levels, Float32]:
    """Levels after a block [2, n]; `tail` are the last samples before it, the new tail is returned too."""
    joined = np.concatenate([tail, block], axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(joined, _TAPS, axis=1)
    largest = np.abs(windows @ _BETWEEN.T).max(axis=(1, 2), initial=0.0)
    peak = np.abs(block).max(axis=1, initial=0.0)
    seconds = block.shape[1] / rate
    fall = 10 ** (-_FALL_DB * seconds / 20)
    share = 1 - np.exp(-seconds / _MEAN_SECONDS)
    power = np.einsum("cn,cn->c", block, block) / max(block.shape[1], 1)
    levels = Levels(
        _pair(np.maximum(peak, fall * np.asarray(before.peak))),
        _pair(np.maximum(np.maximum(peak, largest), fall * np.asarray(before.true_peak))),
        _pair(np.asarray(before.power) + share * (power - before.power)),
    )
    return levels, joined[:, joined.shape[1] - _TAPS + 1 :]


def _pair(values: npt.NDArray[np.floating]) -> tuple[float, float]:
    return float(values[0]), float(values[1])
