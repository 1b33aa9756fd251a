"""Meters against closed forms."""

from __future__ import annotations

import numpy as np

from midistems_graph.audio.loudness import true_peak_db
from midistems_graph.editor.audition.meters import DARK, EMPTY_TAIL, Levels, measure

RATE = 44100


def metered(sound: np.ndarray) -> Levels:
    levels, tail = DARK, EMPTY_TAIL
    for start in range(0, sound.shape[1], 512):
        levels, tail = measure(sound[:, start : start + 512], tail, levels, RATE)
    return levels


def test_a_sine_has_its_peak_and_its_rms_on_each_side() -> None:
    n = np.arange(3 * RATE)
    sine = np.sin(2 * np.pi * 997 * n / RATE)
    levels = metered(np.stack([0.5 * sine, 0.1 * sine]).astype(np.float32))
    assert np.allclose(levels.peak, [0.5, 0.1], rtol=1e-3)
    assert np.allclose(levels.rms, [0.5 / 2**0.5, 0.1 / 2**0.5], rtol=1e-2)


def test_a_true_peak_between_the_samples_is_found() -> None:
    n = np.arange(RATE)
    quarter = np.sin(2 * np.pi * n / 4 + np.pi / 4).astype(np.float32)[None].repeat(2, axis=0)
    levels = metered(quarter)
    assert abs(levels.peak[0] - 0.7071) < 1e-3
    assert abs(20 * np.log10(levels.true_peak[0]) - true_peak_db(quarter[:, 100:-100])) < 0.6


def test_peaks_fall_by_twenty_decibels_per_second() -> None:
    sound = np.zeros((2, 512 * 86 + 512), np.float32)
    sound[:, 0] = 1.0
    levels = metered(sound)
    assert abs(20 * np.log10(levels.peak[0]) + 20 * 86 * 512 / RATE) < 0.01
