"""The demo song as one file beside its true stems, and every preset's run on it, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from preset_runs import BUILT_IN, Made, run_preset

from midistems_graph.audio.demo import demo_stems, write_demo_mixture


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    for stem in demo_stems().values():
        shutil.copy(stem, folder)
    write_demo_mixture(folder / "mixture.wav")
    return folder


@pytest.fixture(scope="session", params=BUILT_IN)
def whole(request: pytest.FixtureRequest, demo: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Made]:
    """A preset and what it made of the whole demo song."""
    return request.param, run_preset(request.param, demo / "mixture.wav", tmp_path_factory.mktemp(request.param))
