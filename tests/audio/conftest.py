import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from midistems_graph.audio.values import Audio


@pytest.fixture(scope="session")
def song() -> Audio:
    """12 s of a real song, 44.1 kHz stereo; skips without MIDISTEMS_TEST_SONGS."""
    folder = os.environ.get("MIDISTEMS_TEST_SONGS")
    if not folder:
        pytest.skip("MIDISTEMS_TEST_SONGS names no folder of songs")
    path = next(iter(sorted(Path(folder).glob("fof_*/mixture.flac"))))
    samples, rate = soundfile.read(path, frames=12 * 44100, dtype="float32")
    return Audio.of(samples.T, rate)


@pytest.fixture(scope="session")
def noise() -> Audio:
    """3.1 s of stereo noise with a moving level, 44.1 kHz."""
    n = 136_711
    level = 0.3 * (1.1 + np.sin(np.arange(n) / 3000))
    return Audio.of(level * np.random.default_rng(5).uniform(-1, 1, (2, n)), 44100)
