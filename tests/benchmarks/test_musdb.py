"""The MUSDB18-HQ protocol on a small folder in the dataset's layout."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "musdb.py"
RATE = 8000


def test_a_small_dataset_is_measured_as_papers_do(tmp_path: Path) -> None:
    time = np.arange(3 * RATE) / RATE
    for number, song in enumerate(("A - One", "B - Two")):
        folder = tmp_path / "musdb" / "test" / song
        folder.mkdir(parents=True)
        rng = np.random.default_rng(number)
        sources = {
            "vocals": np.sin(2 * np.pi * 440 * time + 3 * np.sin(2 * np.pi * 5 * time)),
            "drums": rng.standard_normal(len(time)) * (time % 0.5 < 0.05),
            "bass": np.sin(2 * np.pi * 70 * time),
            "other": np.sin(2 * np.pi * 1500 * time),
        }
        stereo = {name: np.stack([0.1 * sound, 0.08 * sound], axis=1) for name, sound in sources.items()}
        for name, sound in {**stereo, "mixture": sum(stereo.values())}.items():
            soundfile.write(folder / f"{name}.wav", sound, RATE, subtype="FLOAT")
    command = [sys.executable, SCRIPT, tmp_path / "musdb", "--preset", "vocal_and_backing"]
    command += ["--json", tmp_path / "found.json"]
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["songs"].keys() == {"A - One", "B - Two"}
    for stem in ("vocals", "instrumental"):
        both = [found["songs"][song][stem] for song in found["songs"]]
        assert found["summary"][stem]["bss_sdr"] == pytest.approx(np.median([row["bss_sdr"] for row in both]))
        assert found["summary"][stem]["sdr"] == pytest.approx(np.mean([row["sdr"] for row in both]))
    assert found["summary"]["instrumental"]["bss_sdr"] > 0


def test_another_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, SCRIPT, str(tmp_path)], capture_output=True, text=True, check=False)
    assert ended.returncode == 1 and "holds no songs" in ended.stderr and "Traceback" not in ended.stderr
