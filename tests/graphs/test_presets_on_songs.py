"""Presets on songs with true stems, if MIDISTEMS_TEST_SONGS names a folder of them."""

from __future__ import annotations

import os
from pathlib import Path
from statistics import mean

import numpy as np
import pytest
import soundfile
from preset_runs import LIBRARY, MODELS, WRITTEN, preset, run_preset, si_sdr

from midistems_graph.document.graph import Graph, Node
from midistems_graph.engine.run import execute, prepare
from midistems_graph.engine.store import DiskStore

SONGS = Path(os.environ.get("MIDISTEMS_TEST_SONGS", "/nonexistent"))
FOLDERS = sorted(path for path in SONGS.glob("*") if any(path.glob("mixture.*")))
WITH_VOICE = [folder for folder in FOLDERS if any(folder.glob("vocals.*"))]
WITH_REAL_VOICE = [folder for folder in WITH_VOICE if any(folder.glob("accompaniment.*"))]
WITH_DRUMS = [folder for folder in FOLDERS if any(folder.glob("drums.*"))]

pytestmark = pytest.mark.skipif(not FOLDERS, reason="MIDISTEMS_TEST_SONGS names no folder of songs")


def mixture_of(folder: Path) -> Path:
    return next(folder.glob("mixture.*"))


def alone(node: Node) -> Graph:
    """One separator on the song."""
    graph = Graph().with_node("song", Node("io.load")).with_node("separator", node)
    return graph.with_edge("song.out", "separator.mixture")


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path, 2 << 30)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("name", ["four_stems", "vocal_and_backing"])
def test_every_song_runs_and_nulls(name: str, folder: Path, store: DiskStore) -> None:
    graph = preset(name).without_nodes(["save"])
    plan, _ = prepare(graph, LIBRARY, {"song": mixture_of(folder)})
    result = execute(graph, plan, LIBRARY, store=store)
    assert not result.failures
    assert [score.node for score in result.scores] == ["null"]
    assert result.scores[0].value <= -120


@pytest.mark.parametrize("folder", WITH_REAL_VOICE[-1:], ids=lambda folder: folder.name)
@pytest.mark.parametrize("name", sorted(MODELS))
def test_presets_of_networks_run_on_a_real_song_with_stand_ins(name: str, folder: Path, tmp_path: Path) -> None:
    song = soundfile.info(mixture_of(folder))
    made = run_preset(name, mixture_of(folder), tmp_path)
    assert not made.result.failures
    assert set(made.stems) == {(writer, stem) for writer, stems in WRITTEN[name].items() for stem in stems}
    for stem, samples in made.stems.items():
        assert samples.shape == (song.frames, song.channels), stem
        assert np.isfinite(samples).all() and samples.any(), stem


@pytest.mark.parametrize("folder", WITH_DRUMS, ids=lambda folder: folder.name)
def test_four_stems_are_nearer_to_the_truth_than_the_song_is(folder: Path, store: DiskStore) -> None:
    graph = preset("four_stems").with_node("as_is", Node("stems.gather", knobs={"names": NAMES, "complete": True}))
    for place in range(len(NAMES)):
        graph = graph.with_edge("song.out", f"as_is.parts[{place}]")
    hpss = Node("separate.hpss")
    graph = graph.with_node("hpss", hpss).with_edge("song.out", "hpss.mixture")
    graph = graph.with_node("plain", Node("stems.rename", knobs={"old": ("percussive",), "new": ("drums",)}))
    graph = graph.with_edge("hpss.out", "plain.stems")
    found = si_sdr(graph, ["exact.out", "as_is.out", "plain.out"], mixture_of(folder), folder, store)
    for stem in NAMES:
        assert found["exact.out", stem] > found["as_is.out", stem] + 1, stem
    assert found["exact.out", "drums"] > found["plain.out", "drums"] + 1


NAMES = ("vocals", "drums", "bass", "other")


def test_two_opinions_find_the_voice_better_than_repetition_alone(tmp_path: Path) -> None:
    """Above the song itself on every item, and a dB above REPET with its usual settings on the mean."""
    names = ("vocals", "instrumental")
    gains: dict[str, list[float]] = {name: [] for name in names}
    for folder in WITH_REAL_VOICE:
        store = DiskStore(tmp_path / folder.name, 2 << 30)
        graph = preset("vocal_and_backing").with_node("as_is", Node("stems.gather", knobs={"names": names}))
        for place in range(2):
            graph = graph.with_edge("song.out", f"as_is.parts[{place}]")
        found = si_sdr(graph, ["stems.out", "as_is.out"], mixture_of(folder), folder, store)
        repet = si_sdr(alone(Node("separate.repet")), ["separator.out"], mixture_of(folder), folder, store)
        for name in names:
            assert found["stems.out", name] > found["as_is.out", name], (folder.name, name)
            gains[name].append(found["stems.out", name] - repet["separator.out", name])
    assert min(map(mean, gains.values())) > 1


def test_a_second_stage_for_the_residual_gains_drums(tmp_path: Path) -> None:
    for folder in WITH_DRUMS:
        store = DiskStore(tmp_path / folder.name, 2 << 30)
        sets = ["rough.out", "give_hits.out"]
        found = si_sdr(preset("two_stage_residual"), sets, mixture_of(folder), folder, store)
        assert found["give_hits.out", "drums"] > found["rough.out", "drums"] + 1.5
        assert sum(found["give_hits.out", stem] - found["rough.out", stem] for stem in NAMES) > 1
