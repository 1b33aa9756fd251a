"""The demo song is small, sounds like a mix, adds up, and is what its script computes."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyloudnorm
import pytest
import soundfile

from midistems_graph.audio import demo
from midistems_graph.audio.demo import demo_folder, demo_stems, write_demo_mixture
from midistems_graph.audio.writing import CannotWrite

RATE = 44_100


def read(path: Path) -> npt.NDArray[np.float32]:
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == RATE
    return np.asarray(samples)


@pytest.fixture(scope="module")
def stems() -> dict[str, npt.NDArray[np.float32]]:
    return {name: read(path) for name, path in demo_stems().items()}


@pytest.fixture(scope="module")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> npt.NDArray[np.float32]:
    path = tmp_path_factory.mktemp("demo") / "mixture.wav"
    write_demo_mixture(path)
    return read(path)


def test_small_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in demo_stems().values()) < 1_500_000


def test_four_stereo_stems_of_one_length(stems: dict[str, npt.NDArray[np.float32]]) -> None:
    assert list(stems) == ["vocals", "drums", "bass", "other"]
    assert len({stem.shape for stem in stems.values()}) == 1
    frames, channels = stems["vocals"].shape
    assert 12 <= frames / RATE <= 14 and channels == 2


def test_level_of_a_finished_mix(mixture: npt.NDArray[np.float32]) -> None:
    assert -3 < 20 * np.log10(np.abs(mixture).max()) < -1
    assert -17 < pyloudnorm.Meter(RATE).integrated_loudness(mixture) < -15


def test_every_stem_matters_to_the_mixture(
    stems: dict[str, npt.NDArray[np.float32]], mixture: npt.NDArray[np.float32]
) -> None:
    for name, stem in stems.items():
        assert 20 * np.log10(stem.std() / mixture.std()) > -12, name


def test_mixture_is_the_sum_of_the_stems(
    stems: dict[str, npt.NDArray[np.float32]], mixture: npt.NDArray[np.float32]
) -> None:
    exact = np.sum([stem.astype(np.float64) for stem in stems.values()], axis=0)
    assert np.abs(mixture - exact).max() < 1e-6


def test_background_repeats_and_voice_does_not(stems: dict[str, npt.NDArray[np.float32]]) -> None:
    period = round(8 * 60 / 116 * RATE)

    def alike(sound: npt.NDArray[np.float32]) -> float:
        first, second = sound[RATE : RATE + period, 0], sound[RATE + period : RATE + 2 * period, 0]
        return float(np.corrcoef(first, second)[0, 1])

    assert alike(stems["drums"] + stems["bass"] + stems["other"]) > 0.9
    assert abs(alike(stems["vocals"])) < 0.3


def test_script_makes_the_stems_that_are_shipped(stems: dict[str, npt.NDArray[np.float32]]) -> None:
    made = runpy.run_path(str(demo_folder() / "make_demo.py"))["song"]()
    for name, stem in stems.items():
        distance = 20 * np.log10(stem.std() / (made[name] - stem).std())
        assert distance > 22, f"{name}: {distance:.1f} dB"


def test_mixture_is_rewritten_only_when_it_differs(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(b"not a sound file")
    write_demo_mixture(path)
    assert soundfile.info(path).subtype == "FLOAT"
    os.utime(path, (1, 1))
    write_demo_mixture(path)
    assert path.stat().st_mtime == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == [".song.wav.note", "song.wav"]


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: object) -> None:
        raise CannotWrite("disk full")

    path = tmp_path / "song.wav"
    path.write_bytes(b"old")
    monkeypatch.setattr(demo.SoundWriter, "write", full_disk)
    with pytest.raises(CannotWrite, match="disk full"):
        write_demo_mixture(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_missing_song_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "__file__", str(tmp_path / "site" / "midistems_graph" / "audio" / "demo.py"))
    with pytest.raises(FileNotFoundError, match="demo song is not installed"):
        demo_folder()


def test_installed_song_is_found_in_the_presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "midistems_graph" / "presets" / "demo"
    installed.mkdir(parents=True)
    (installed / "vocals.ogg").touch()
    monkeypatch.setattr(demo, "__file__", str(tmp_path / "midistems_graph" / "audio" / "demo.py"))
    assert demo_folder() == installed
