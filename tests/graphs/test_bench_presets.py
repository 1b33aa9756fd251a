"""The bench for other tools' stems, on true stems of the demo song that were displaced on purpose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from preset_runs import run_preset
from scipy import signal

from midistems_graph.audio.demo import NAMES

RATE = 44100
SECONDS = 11


@pytest.fixture(scope="module")
def true(demo: Path) -> dict[str, np.ndarray]:
    """The left channels of the voice and of all else, [samples, 1]."""
    left = {
        name: soundfile.read(demo / f"{name}.ogg", dtype="float32", stop=SECONDS * RATE)[0][:, :1] for name in NAMES
    }
    voice = left.pop("vocals")
    return {"vocals": voice, "instrumental": sum(left.values())}


@pytest.fixture(scope="module")
def song(true: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("bench") / "song.wav"
    soundfile.write(file, sum(true.values()), RATE, "FLOAT")
    return file


def displaced(samples: np.ndarray, delay: float, ppm: float, factor: float) -> np.ndarray:
    """By another library's resampling and an exact fraction."""
    slow = soxr.resample(samples.astype(float), RATE, RATE * (1 + ppm * 1e-6), quality="VHQ")
    size = 1 << 20
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(size) * delay)[:, np.newaxis]
    return factor * np.fft.irfft(np.fft.rfft(slow, size, axis=0) * turn, size, axis=0)[: len(samples)]


def error_db(found: np.ndarray, wanted: np.ndarray) -> float:
    inner = slice(RATE // 2, -RATE // 2)
    return 10 * np.log10(np.sum((found[inner] - wanted[inner]).astype(float) ** 2) / np.sum(wanted[inner] ** 2.0))


def test_two_tools_are_laid_over_the_song_and_joined(song: Path, true: dict[str, np.ndarray], tmp_path: Path) -> None:
    for tool, delay, ppm, factor in (("a", 1234.5, 20, -0.4), ("b", -100.25, -5, 1.0)):
        (tmp_path / tool).mkdir()
        for name, samples in true.items():
            file = tmp_path / tool / f"song_({name.title()})_model.wav"
            soundfile.write(file, displaced(samples, delay, ppm, factor), RATE, "FLOAT")
    inputs = {"tool_a": tmp_path / "a", "tool_b": tmp_path / "b"}
    made = run_preset("compare_tools", song, tmp_path / "run", inputs=inputs)
    assert {writer for writer, _ in made.stems} == {"save_a", "save_b", "save"}
    for (writer, name), samples in made.stems.items():
        assert error_db(samples, true[name]) < (-60 if writer == "save_a" else -40), (writer, name)
    nulls = {score.node: score.value for score in made.result.scores if score.node.startswith("null")}
    assert nulls["null_given_a"] > -3 and nulls["null_given_b"] > -6 and nulls["null"] < -120


def test_an_official_instrumental_leaves_the_voice(song: Path, true: dict[str, np.ndarray], tmp_path: Path) -> None:
    band = sum(samples for name, samples in true.items() if name != "vocals")
    louder = signal.sosfilt(signal.butter(1, [60, 9000], "bandpass", fs=RATE, output="sos"), band, axis=0)
    soundfile.write(tmp_path / "band.wav", displaced(louder, 777.7, 12, 0.6), RATE, "FLOAT")
    inputs = {"instrumental": tmp_path / "band.wav"}
    made = run_preset("official_instrumental", song, tmp_path / "run", inputs=inputs)
    before = error_db(sum(true.values()), true["vocals"])
    assert error_db(made.stems["save", "vocals"], true["vocals"]) < before - 12
    assert np.abs(sum(made.stems.values()) - sum(true.values())).max() < 1e-5
