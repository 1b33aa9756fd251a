"""Presets open, are sound, null, give the same samples whenever they run, and separate as well as they did."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import soundfile
from preset_runs import ALL, LIBRARY, MODELS, WITH_SPLEETER, WRITTEN, Made, preset, run_preset
from scipy import signal
from stand_ins import voice_share

from midistems_graph.audio.stem_names import canonical
from midistems_graph.cli.codes import Exit, of_graph
from midistems_graph.cli.settings import knob_of
from midistems_graph.document.boxes import boxes
from midistems_graph.document.files import dumps, loads
from midistems_graph.models.catalogue import catalogue
from midistems_graph.models.library import ENVIRONMENT
from midistems_graph.rules.check import check
from midistems_graph.rules.lint import lint
from midistems_nodes.measure.ratios import Ratios


def ports_of(node_type: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    sides = LIBRARY[node_type].inputs, LIBRARY[node_type].outputs
    inputs, outputs = ([(port.name, port.kinds[0]) for port in side] for side in sides)
    return inputs, outputs


@pytest.mark.parametrize("name", ALL)
def test_a_preset_is_sound_and_says_what_it_is(name: str) -> None:
    graph = preset(name)
    assert check(graph, LIBRARY) == []
    assert lint(graph, LIBRARY) == []
    assert graph.title and graph.description and graph.author and graph.license == "MIT"
    assert all(node.version == LIBRARY[node.type].version for node in graph.nodes.values() if node.group is None)
    assert 1 <= len(graph.knobs) <= 4
    assert all(knob_of(graph, LIBRARY, end.node, end.port) for ends in graph.knobs.values() for end in ends)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("encoding", ["json", "mgraph"])
def test_a_preset_survives_both_encodings(name: str, encoding: str) -> None:
    graph = preset(name)
    assert loads(dumps(graph, encoding), encoding) == graph


@pytest.mark.parametrize("name", ALL)
def test_boxes_stand_on_the_grid_from_left_to_right_without_overlap(name: str) -> None:
    graph = preset(name)
    drawn, places = boxes(graph, ports_of), graph.view.nodes
    assert places.keys() == graph.nodes.keys()
    assert all(x % 20 == 0 == y % 20 for x, y in places.values())
    for edge in graph.edges:
        assert places[edge.source.node][0] + drawn[edge.source.node].width < places[edge.target.node][0]
    for a, b in combinations(graph.nodes, 2):
        beside = abs(places[a][0] - places[b][0]) >= drawn[a if places[a][0] < places[b][0] else b].width
        above = abs(places[a][1] - places[b][1]) >= drawn[a if places[a][1] < places[b][1] else b].height
        assert beside or above, (a, b)


def test_stems_have_the_common_names_and_the_songs_length(whole: tuple[str, Made], demo: Path) -> None:
    name, made = whole
    wanted = {(writer, stem) for writer, stems in WRITTEN[name].items() for stem in stems}
    assert made.stems.keys() == wanted
    assert all(stem == canonical(stem) for _, stem in wanted)
    frames = soundfile.info(demo / "mixture.wav").frames
    assert all(samples.shape == (frames, 2) for samples in made.stems.values())


def test_the_files_add_up_to_the_song(whole: tuple[str, Made], demo: Path) -> None:
    name, made = whole
    mixture = soundfile.read(demo / "mixture.wav", dtype="float32")[0]
    for writer, stems in WRITTEN[name].items():
        if (name, writer) in (("misi_refine", "save_before"), ("mvsep_mdx23", "save")):
            continue  # what MISI starts from, and what was published, does not add up
        uppermost = [stem for stem in stems if "/" not in stem]
        rest = mixture - sum((made.stems[writer, stem] for stem in uppermost), start=np.float32(0))
        assert np.sum(rest.astype(float) ** 2) <= 1e-12 * np.sum(mixture.astype(float) ** 2)
    measured = [score.value for score in made.result.scores if score.node.startswith("null")]
    assert measured
    assert min(measured) <= -120 or name == "mvsep_mdx23"


WINDOWED = ("four_stems", "misi_refine", "ensemble", "sung_pitch", "refine_loop", "snowball", "vocals", "mdx_ensemble")
"""One preset for each way in which a graph may hang on more than its window; for every node alone see the laws."""


def test_a_window_on_one_thread_gives_the_same_samples(whole: tuple[str, Made], demo: Path, tmp_path: Path) -> None:
    name, made = whole
    if name not in WINDOWED:
        pytest.skip("another preset of its kind is tried")
    window = Fraction(17, 2), Fraction(21, 2)  # across the border of two tiles
    again = run_preset(name, demo / "mixture.wav", tmp_path, window=window, jobs=1)
    first, last = (int(edge * 44100) for edge in window)
    for key, samples in again.stems.items():
        np.testing.assert_array_equal(samples, made.stems[key][first:last])


FLOORS = {
    "four_stems": {"vocals": 4.5, "drums": 3.1, "bass": 2.0, "other": 0.5},
    "vocal_and_backing": {"vocals": 4.3},
    "misi_refine": {"vocals": 4.5, "drums": 2.3, "bass": 1.9, "other": 0.0},
    "ensemble": {"vocals": 3.3},
    "two_stage_residual": {"vocals": 4.5, "drums": 3.3, "bass": 2.1, "other": 0.5},
    "wiener_voice": {"vocals": 5.1},
    "mop_then_pop": {"vocals": 4.7},
    "sung_pitch": {"vocals": 5.7},
    "order_search": {"vocals": 4.5},
    "learned_sources": {"vocals": 8.5, "drums": 4.7, "bass": 2.8, "other": 2.5},
    "fitted_mask": {"vocals": 8.0},
    "drum_kit": {"drums": 1.7},
    "blend_loop": {"vocals": 1.8},
    "refine_loop": {"vocals": 2.2},
    "second_opinion": {"vocals": 4.5},
    "fitted_mixer": {"vocals": 4.9},
}
"""SI-SDR in dB on the demo song, half a dB below what was measured."""


def test_the_demo_is_separated_as_well_as_it_was(whole: tuple[str, Made], demo: Path) -> None:
    name, made = whole
    for (writer, stem), samples in made.stems.items():
        if stem in FLOORS.get(name, ()):
            ratios = Ratios(2)
            ratios.add(samples.T, soundfile.read(demo / f"{stem}.ogg", dtype="float32")[0].T)
            floor = 1.7 if (writer, stem) == ("save_before", "drums") else FLOORS[name][stem]
            assert ratios.si_sdr() > floor, (writer, stem)


def test_the_weights_of_the_mixer_are_those_that_the_demo_song_gives(whole: tuple[str, Made]) -> None:
    name, made = whole
    if name != "fitted_mixer":
        pytest.skip("has no fit")
    fitted = {score.name: score.value for score in made.result.scores if (score.node, score.row) == ("fit", "vocals")}
    assert list(fitted) == ["1:vocals", "1:accompaniment", "2:vocals"]
    assert list(fitted.values()) == pytest.approx(preset(name).nodes["mixer"].knobs["weights"], abs=0.006)


def test_what_the_network_gives_is_what_is_written(whole: tuple[str, Made], demo: Path) -> None:
    """The stand-in's share of every bin, as long-term spectra of vocals and song show it."""
    name, made = whole
    if name not in WITH_SPLEETER or name == "vocals_asked_again":
        pytest.skip("is not Spleeter alone, or asks it at speeds that move the share's borders")
    mixture = soundfile.read(demo / "mixture.wav", dtype="float32")[0]
    both = (made.stems["save", "vocals"], mixture)
    voice, song = (signal.welch(samples[:, 0], nperseg=4096)[1] for samples in both)
    even = np.r_[20:40, 400:1000]  # away from where the share jumps
    np.testing.assert_allclose(np.sqrt(voice / song)[even], voice_share()[even], rtol=0.05)


@pytest.mark.parametrize("name", MODELS)
def test_without_its_models_a_preset_opens_and_says_what_to_get(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    problems = check(preset(name), LIBRARY)
    assert of_graph(problems) is Exit.MODEL
    for model in MODELS[name]:
        public = model in catalogue()
        command = f"models get {model}" if public else f"models add FILE --name {model}"
        assert any(f"midistems-graph {command}" in problem.message for problem in problems)
        assert (model if public else f"midistems-graph {command}") in preset(name).description
    assert len({problem.message.partition(": ")[2] for problem in problems}) == len(MODELS[name])
    first = next(iter(MODELS[name]))
    assert f"midistems-graph models {'get ' + first if first in catalogue() else 'add'}" in preset(name).description
