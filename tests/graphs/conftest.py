"""The demo song as one file beside its true stems, stand-ins for models, and every preset's run, made once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from preset_runs import WRITTEN, Made, run_preset
from stand_ins import write_stand_ins

from midistems_graph.audio.demo import demo_stems, write_demo_mixture
from midistems_graph.engine.store import DiskStore
from midistems_graph.models.library import ENVIRONMENT


@pytest.fixture(scope="session", autouse=True)
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A library in which every model that a preset asks for has a stand-in of the same contract."""
    folder = tmp_path_factory.mktemp("models")
    write_stand_ins(folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(ENVIRONMENT, str(folder))
        yield folder


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    for stem in demo_stems().values():
        shutil.copy(stem, folder)
    write_demo_mixture(folder / "mixture.wav")
    return folder


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> DiskStore:
    """A store in which presets find what others have computed of the demo song."""
    return DiskStore(tmp_path_factory.mktemp("shared"), 4 << 30)


@pytest.fixture(scope="session", params=WRITTEN)
def whole(
    request: pytest.FixtureRequest, demo: Path, shared: DiskStore, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Made]:
    """A preset and what it made of the whole demo song."""
    folder = tmp_path_factory.mktemp(request.param)
    return request.param, run_preset(request.param, demo / "mixture.wav", folder, store=shared)
