"""What the tiling law of test_laws.py leaves out: nodes that read streams, files or networks, each in its own way.

Every node type of every pack is held by one of these laws, or named in WHY_NOT.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import tiny
from examples import Example, Shape, arrays_of, examples, name_of
from onnx import helper
from test_laws import nearly

from midistems_graph.audio.values import Timed, join
from midistems_graph.models.library import ENVIRONMENT
from midistems_graph.node import Features, Number, Scores, Text, installed

WHY_NOT: Mapping[str, str] = {
    "check.figure": "judges one figure",
    "control.number": "gives one figure",
    "control.text": "gives one text",
    "io.save_film": "copies pictures and compresses the sound; tests/nodes/test_handoff.py holds its windows",
    "io.save_stem_file": "compresses the sound; tests/nodes/test_handoff.py holds what it writes",
    "measure.bss_eval": "puts the tiles together before anything else, and takes seconds",
    "measure.everything": "is made of the other measures, which are here",
    "measure.pesq": "has to be compiled, so that it is not installed everywhere",
    "network.trajectory": "looks at one segment of the song",
    "network.transform": "takes latents segment by segment: there is no time in them to cut",
    "score.dnsmos": "puts the tiles together before anything else, and takes seconds",
    "separate.external": "gets the whole song whatever is asked for; tests/models/test_external.py",
}
"""Why a node type cannot be held by any of these laws."""

SHAPE = Shape(8000, 2, 12011)
SHORT = Shape(44100, 2, 4099)
CUTS = [(5000,), (1, 4001, 12010)]

STREAMS = [one for one in examples() if (one.streams or one.type.reduce) and one.type.id not in WHY_NOT]
FILES = ("io.load", "io.load_file", "io.load_stems")
WRITERS = [t for t in installed() if t.writes and t.id not in WHY_NOT]
NETWORKS = ("network.decode", "network.encode", "phase.classes", "separate.network")


def test_every_node_type_is_held_by_a_law_or_has_its_reason() -> None:
    tiled = {one.type.id for one in examples() if one.makes_signals and not one.streams}
    held = {one.type.id for one in STREAMS} | {one.id for one in WRITERS} | {*FILES, *NETWORKS}
    assert tiled | held | WHY_NOT.keys() == {node_type.id for node_type in installed()}
    assert not held & WHY_NOT.keys() and not tiled & WHY_NOT.keys()


# Streams: measures, first passes, writers


@pytest.mark.parametrize("example", STREAMS, ids=name_of)
def test_a_stream_says_the_same_in_whatever_tiles_it_comes(example: Example) -> None:
    inputs = example.inputs(SHORT)
    said = [in_tiles(example, inputs, tile) for tile in (SHORT.length, 1499)]
    figures, others = (dict(figures_of(one)) for one in said)
    assert figures.keys() == others.keys() and figures
    for name, one in figures.items():
        largest = float(np.abs(one).max(initial=1.0)) if isinstance(one, np.ndarray) else 1.0
        assert others[name] == pytest.approx(one, rel=1e-5, abs=1e-5 * largest, nan_ok=True), name


def in_tiles(example: Example, inputs: Mapping[str, Any], tile: int) -> Any:
    example = replace(example, tile=tile)
    run = example.run(example.whole(SHORT))
    return example(inputs, run) if example.streams else example.model(inputs, run)


def figures_of(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """All figures and arrays of a result, by name."""
    match value:
        case dict() | tuple():
            for key, one in value.items() if isinstance(value, dict) else enumerate(value):
                yield from figures_of(one, f"{name} {key}")
        case Number():
            yield name, value.value
        case Text():
            yield name, value.value
        case Scores():
            yield from figures_of({row: dict(columns) for row, columns in value.rows.items()}, name)
        case Features():
            yield from figures_of({**value.arrays, **value.notes}, name)
        case np.ndarray() | float() | int():
            yield name, value


def test_a_stream_that_is_held_in_memory_is_declared_to_be() -> None:
    """So that a song that does not fit is refused before the run."""
    holders = [node_type for node_type in installed() if any(port.stream for port in node_type.inputs)]
    said = {one.id for one in holders if "in memory" in " ".join(str(one.function.__doc__).split())}
    assert said <= {one.id for one in holders if one.holds}


@pytest.mark.parametrize("node_type", WRITERS, ids=lambda node_type: node_type.id)
def test_what_is_written_is_the_same_in_whatever_tiles_it_comes(node_type: Any, tmp_path: Path) -> None:
    kinds = next((port.kinds for port in node_type.inputs if port.generic), ("",))
    example = Example(node_type, node_type.settings({}), kinds[0])
    inputs = example.inputs(SHORT)
    written = []
    for tile in (SHORT.length, 1499):
        folder = tmp_path / str(tile)
        folder.mkdir()
        example = replace(example, tile=tile)
        run = example.run(example.whole(SHORT))
        run.folder = folder
        node_type(*example.arguments(inputs), **example.knobs, run=run)
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] and written[0] == written[1]


# Files


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """A folder of two stems, one of them at another rate and longer."""
    (tmp_path / "stems").mkdir()
    for name, rate, frames in (("vocals", SHAPE.rate, SHAPE.length), ("drums", 11025, 18000)):
        sound = 0.1 * np.random.default_rng(rate).standard_normal((frames, 2))
        soundfile.write(tmp_path / "stems" / f"{name}.wav", sound, rate, subtype="FLOAT")
    return tmp_path / "stems"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("cuts", CUTS, ids=len)
def test_a_file_is_read_in_tiles_as_in_one_piece(name: str, cuts: tuple[int, ...], sounds: Path) -> None:
    node_type = installed()[name]
    (knob,) = (knob.name for knob in node_type.knobs if knob.file)
    found = sounds if node_type.id == "io.load_stems" else sounds / "drums.wav"
    example = Example(node_type, node_type.settings({}), files={knob: found})
    held_in_tiles(example, SHAPE, cuts, -120)


def held_in_tiles(example: Example, shape: Shape, cuts: tuple[int, ...], db: float, **inputs: Any) -> None:
    """Cut at some samples, the joined tiles are the song in one piece, to so many dB."""
    places = [Fraction(cut, shape.rate) for cut in (0, *cuts, shape.length)]
    given = example.inputs(shape) | inputs
    whole = example(given, example.run(example.whole(shape)))
    tiles = [example.on_window(shape, *stretch, given) for stretch in pairwise(places)]
    for name, value in whole.items():
        assert isinstance(value, Timed) and any(array.any() for array in arrays_of(value))
        nearly(join([tile[name] for tile in tiles]), value, db)


# Networks, small ones, that see the edges of their segments

SEGMENT = 2000


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    return tmp_path


def smeared(folder: Path, name: str, contract: str, stems: tuple[str, ...], **parameters: Any) -> Path:
    """A model that mixes each sample with its neighbours, those beyond the segment taken as silence."""
    shape, taps = ["b", 2, SEGMENT], np.random.default_rng(1).normal(0, 0.1, (2 * len(stems), 2, 65))
    nodes = [
        helper.make_node("Conv", ["in", "taps"], ["sum"], pads=[32, 32]),
        helper.make_node("Tanh", ["sum"], ["soft"]),
        helper.make_node("Reshape", ["soft", "shape"], ["out"]),
    ]
    out = [len(stems), 2, SEGMENT] if len(stems) > 1 else [2, SEGMENT]
    constants = {"taps": taps.astype(np.float32), "shape": np.array([-1, *out])}
    network = tiny.network({"in": shape}, {"out": ["b", *out]}, nodes, constants)
    parameters = {"samples": SEGMENT, **parameters}
    manifest = tiny.manifest(contract, stems, name=name, rate=SHAPE.rate, parameters=parameters)
    return tiny.stored(folder, manifest, network).folder


@pytest.mark.parametrize("contract", ["waveform", "htdemucs-waveform"])
@pytest.mark.parametrize("cuts", CUTS, ids=len)
def test_a_network_separates_in_tiles_as_in_one_piece(contract: str, cuts: tuple[int, ...], models: Path) -> None:
    node_type = installed()["separate.network"]
    folder = smeared(models, contract, contract, ("vocals", "rest"))
    example = Example(node_type, node_type.settings({"model": contract}), files={"model": folder})
    held_in_tiles(example, SHAPE, cuts, -100, condition=None)


@pytest.mark.parametrize("cuts", CUTS, ids=len)
def test_latents_are_heard_in_tiles_as_in_one_piece(cuts: tuple[int, ...], models: Path) -> None:
    made = {}
    for name in ("encode", "decode"):
        node_type = installed()[f"network.{name}"]
        files = {"model": smeared(models, name, "latents", ("sound",))}
        made[name] = Example(node_type, node_type.settings({"model": name}), files=files)
    encode, decode = made.values()
    run = encode.run(encode.whole(SHAPE))
    sound = {**encode.inputs(SHAPE), "condition": None}
    latents, *others = (replace(encode, tile=tile)(sound, run)["out"] for tile in (SHAPE.length, 1499))
    for other in others:
        for name, array in latents.arrays.items():
            np.testing.assert_allclose(other.arrays[name], array, atol=1e-5 * np.abs(array).max())
    held_in_tiles(decode, SHAPE, cuts, -100, latents=latents, condition=None)


@pytest.mark.parametrize("cuts", CUTS, ids=len)
def test_phases_are_told_in_tiles_as_in_one_piece(cuts: tuple[int, ...], models: Path) -> None:
    frames, bins, classes = 16, 129, 4
    nodes = [
        helper.make_node("Unsqueeze", ["in", "axis"], ["one"]),
        helper.make_node("Conv", ["one", "taps"], ["sum"], pads=[1, 1, 1, 1]),
        helper.make_node("Transpose", ["sum"], ["out"], perm=[0, 2, 3, 1]),
    ]
    taps = np.random.default_rng(2).normal(0, 1, (classes, 1, 3, 3)).astype(np.float32)
    shapes = {"in": ["b", bins, frames]}, {"out": ["b", bins, frames, classes]}
    network = tiny.network(*shapes, nodes, {"axis": np.array([1]), "taps": taps})
    parameters = {"n_fft": 256, "hop": 64, "frames": frames}
    manifest = tiny.manifest("phase-classes", ["a"], name="phases", rate=SHAPE.rate, parameters=parameters)
    node_type = installed()["phase.classes"]
    settings = node_type.settings({"model": "phases", "choice": "mean"})
    example = Example(node_type, settings, files={"model": tiny.stored(models, manifest, network).folder})
    held_in_tiles(example, SHAPE, cuts, -100)


def test_the_laws_can_fail(tmp_path: Path) -> None:
    """A network that hears only its tile is not the song in one piece."""
    folder = smeared(tmp_path, "deaf", "waveform", ("vocals", "rest"))
    node_type = replace(installed()["separate.network"], context=lambda _: installed()["filter.gain"].context)
    example = Example(node_type, node_type.settings({"model": "deaf"}), files={"model": folder})
    with pytest.raises(AssertionError):
        held_in_tiles(example, SHAPE, (5000,), -100, condition=None)
