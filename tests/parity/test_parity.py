"""What our runner makes of exported originals is what their own programs make: see `environment.sh`.

Figures on 16 s of a song, by stem: HTDemucs -84 to -90 dB, Open-Unmix -110, BS-RoFormer -121 to -124.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from midistems_graph.models.library import Model
from midistems_graph.models.runner import Level, Recent, Runner, Settings
from midistems_graph.models.sessions import Sessions
from midistems_graph.node import Audio
from midistems_graph.node.testing import FakeRun

MADE = os.environ.get("MIDISTEMS_PARITY", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MADE, reason="the originals are not there: tests/parity/environment.sh makes them"),
]


@pytest.mark.parametrize(
    ("name", "settings", "allowed"),
    [
        ("htdemucs", {}, -80),
        ("open-unmix", {"overlap": 1.0, "segment": 350 * 1024 / 44100}, -100),
        ("roformer-mask", {}, -100),
    ],
)
def test_stems_are_those_of_the_original(name, settings, allowed):
    folder = Path(MADE) / name
    expected = np.load(folder / "expected.npy")
    samples, rate = soundfile.read(Path(MADE).parent / "song.wav", dtype="float32", always_2d=True)
    audio = Audio.of(samples[: expected.shape[-1]].T, rate)
    mono = audio.samples.astype(np.float64).mean(0)
    level = Level(float(mono.mean()), float(mono.std(ddof=1)) + 1e-8)
    runner = Runner(Model.open(folder), Settings(**settings), Sessions(), Recent())
    stems = runner.separate(audio, run=FakeRun(audio.span, cores=os.cpu_count() or 1), level=level)
    for stem, true in zip(stems, expected, strict=True):
        error = 10 * np.log10(np.sum((stems[stem].samples - true) ** 2) / np.sum(true**2))
        print(f"{name}, {stem}: {error:.1f} dB")
        assert error < allowed
