"""What our runner makes of converted originals is what their own programs make: see `environment.sh`."""

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

ALL = None
HDEMUCS_STEP, MDX_STEP = 6 * 44100, 195840
"""Hybrid Demucs runs a last, shorter segment at its own length, and audio-separator fades an MDX-Net's last one over
its rest: there, from the start of that segment on, ours are not theirs."""


@pytest.mark.parametrize(
    ("name", "settings", "step", "allowed"),
    [
        ("htdemucs", {}, ALL, -80),
        ("hdemucs", {}, HDEMUCS_STEP, -80),
        ("open-unmix", {"overlap": 1.0, "segment": 350 * 1024 / 44100}, ALL, -100),
        ("bs-roformer", {}, ALL, -100),
        ("mel-roformer", {}, ALL, -100),
        ("bs-roformer-msst", {}, ALL, -100),
        ("mel-roformer-msst", {}, ALL, -100),
        ("mdx23c", {}, ALL, -80),
        ("mdx", {}, MDX_STEP, -60),
    ],
)
def test_stems_are_those_of_the_original(name, settings, step, allowed):
    folder = Path(MADE)
    expected = np.load(folder / f"{name}.npy")
    samples, rate = soundfile.read(folder / "song.wav", dtype="float32", always_2d=True)
    audio = Audio.of(samples[: expected.shape[-1]].T, rate)
    mono = audio.samples.astype(np.float64).mean(0)
    level = Level(float(mono.mean()), float(mono.std(ddof=1)) + 1e-8)
    runner = Runner(Model.open(folder / "models" / name), Settings(**settings), Sessions(), Recent())
    stems = runner.separate(audio, run=FakeRun(audio.span, cores=os.cpu_count() or 1), level=level)
    compared = slice(None) if step is ALL else slice(0, alike(audio.span.total, runner, step))
    for stem, true in zip(runner.model.manifest.stems, expected, strict=True):
        difference = (stems[stem].samples - true)[:, compared]
        error = 10 * np.log10(np.sum(difference**2) / np.sum(true[:, compared] ** 2))
        print(f"{name}, {stem}: {error:.1f} dB")
        assert error < allowed


def alike(total: int, runner: Runner, step: int) -> int:
    """Where the first segment begins that does not end within the song."""
    grid = runner.contract.grid(runner.length, 0, total)
    assert grid.step == step
    first = next(i for i in range(total) if i * step - grid.lead + grid.length > total)
    return first * step - grid.lead
