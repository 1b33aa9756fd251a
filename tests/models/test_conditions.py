"""Networks with a further input: an embedding that is the same everywhere, and a pitch that follows the song."""

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import tiny
from onnx import helper

from midistems_graph.cli.run_graph import main
from midistems_graph.document.encoding import to_data
from midistems_graph.document.graph import Address, Edge, Graph, InputSlot, Node
from midistems_graph.models.conditions import conditions
from midistems_graph.models.library import ENVIRONMENT
from midistems_graph.models.manifest import Condition
from midistems_graph.models.sessions import NetworkError
from midistems_graph.node import Audio, Curves, Features, Span
from midistems_graph.node.testing import FakeRun

SAMPLES, RATE = 8000, 8000
FRAMES = 100


def conditioned(folder, condition, batch="b"):
    """Stem = sound times a gain that it is told: one number, or a number per frame of 80 samples."""
    told = [batch, 1] if not condition.frames else [batch, FRAMES]
    nodes = [
        helper.make_node("Reshape", ["told", "shape"], ["column"]),
        helper.make_node("Expand", ["column", "wide"], ["gains"]),
        helper.make_node("Reshape", ["gains", "row"], ["gain"]),
        helper.make_node("Mul", ["sound", "gain"], ["out"]),
    ]
    frames = told[1]
    constants = {
        "shape": np.array([-1, 1, frames, 1]),
        "wide": np.array([1, 1, frames, SAMPLES // frames]),
        "row": np.array([-1, 1, SAMPLES]),
    }
    sound = [batch, 2, SAMPLES]
    network = tiny.network({"sound": sound, "told": told}, {"out": sound}, nodes, constants)
    manifest = tiny.manifest(
        "waveform", ["a"], name="told", rate=RATE, parameters={"samples": SAMPLES}, conditions=(condition,)
    )
    return tiny.stored(folder, manifest, network)


def song(seconds=5) -> Audio:
    return Audio.of(0.1 * np.random.default_rng(0).standard_normal((2, seconds * RATE)), RATE)


@pytest.mark.parametrize("batch", ["b", 1, 2])
def test_an_embedding_is_the_same_everywhere(tmp_path, runner, batch):
    made = conditioned(tmp_path, Condition("gain"), batch)
    given = conditions(made.manifest, Features({"gain": np.array([0.25])}))
    audio = song()
    stems = replace(runner(made, batch=3), given=given).separate(audio, run=FakeRun(audio.span))
    np.testing.assert_allclose(stems["a"].samples, 0.25 * audio.samples, atol=1e-7)


def test_a_condition_that_follows_the_song_arrives_where_it_belongs(tmp_path, runner):
    made = conditioned(tmp_path, Condition("gain", frames=FRAMES))
    gains = np.repeat(np.linspace(0, 1, 10, dtype=np.float32), FRAMES // 2)
    given = conditions(made.manifest, Features({"gain": gains}, {"rate": float(FRAMES)}))
    audio = song()
    one = replace(runner(made, overlap=1.0, batch=2), given=given)
    whole = one.separate(audio, run=FakeRun(audio.span))["a"].samples
    inner = slice(RATE, 4 * RATE)  # away from mirrored ends, where there is nothing to follow
    np.testing.assert_allclose(whole[:, inner], (audio.samples * np.repeat(gains, 80))[:, inner], atol=1e-6)
    window = Span(17_000, 19_000, audio.span.total, RATE)
    part = one.separate(audio, run=FakeRun(window))["a"].samples
    np.testing.assert_array_equal(part, whole[:, window.start : window.stop])


def test_a_curve_is_a_condition_too(tmp_path, runner):
    """A curve of 125 frames a second, of which a part arrives, as in a window."""
    made = conditioned(tmp_path, Condition("gain", frames=FRAMES))
    audio, hop = song(), 64
    frames = audio.span.stft_frames(hop)
    values = (np.arange(len(frames)) * hop / RATE / 5).astype(np.float32)  # rises to 1 at the end of the song
    curve = Curves(values[None], ("gain",), ("",), audio.span, hop)
    part = curve.crop(Span(RATE, 4 * RATE, audio.span.total, RATE))
    wanted = Span(2 * RATE + 100, 3 * RATE, audio.span.total, RATE)
    for given in (curve, part):
        told = replace(runner(made, overlap=1.0), given=conditions(made.manifest, given))
        stem = told.separate(audio, run=FakeRun(wanted))["a"]
        expected = audio.crop(wanted).samples * (np.arange(wanted.start, wanted.stop) // 80 / FRAMES / 5)
        np.testing.assert_allclose(stem.samples, expected, atol=0.5 * 0.01 / 5 * np.abs(audio.samples).max() * 2)
    with pytest.raises(NetworkError, match="a curve follows the song"):
        conditions(replace(made.manifest, conditions=(Condition("gain"),)), curve)


def test_of_latents_each_segment_is_told_its_own(tmp_path):
    """Those of a song that begin 100 samples before it, one every 400: the second and the fourth."""
    made = conditioned(tmp_path, Condition("gain")).manifest
    places = {"length": 500.0, "step": 400.0, "lead": 100.0, "total": 1600.0, "rate": float(RATE), "channels": 2.0}
    (given,) = conditions(made, Features({"gain": np.arange(5, dtype=np.float32)[:, None]}, places))
    np.testing.assert_array_equal(given.within((300, 1100), 500, RATE), [[1], [3]])
    np.testing.assert_array_equal(given.within((-300, 200, 1700), 500, RATE), [[0], [1], [4]])  # of a shifted grid
    np.testing.assert_array_equal(given.within((200, 400), 200, RATE), [[0], [1]])  # short ones
    np.testing.assert_array_equal(given.within((600, 2200), 1000, 2 * RATE), [[1], [3]])  # the same places in seconds
    with pytest.raises(NetworkError, match="those of 6 channels, and the model 'told' takes 2"):
        conditions(made, Features({"gain": np.zeros((15, 1))}, {**places, "channels": 6.0}))


def test_another_condition_is_another_result_although_segments_are_remembered(tmp_path, runner):
    made = conditioned(tmp_path, Condition("gain"))
    audio, one = song(1), runner(made)
    for gain in (0.5, 0.25):
        told = replace(one, given=conditions(made.manifest, Features({"gain": np.array([gain])})))
        np.testing.assert_allclose(
            told.separate(audio, run=FakeRun(audio.span))["a"].samples, gain * audio.samples, atol=1e-7
        )


def test_what_is_missing_or_not_wanted_is_said(tmp_path):
    made = conditioned(tmp_path, Condition("gain")).manifest
    with pytest.raises(NetworkError, match=r"wants a condition \(gain\); connect features or curves"):
        conditions(made, None)
    with pytest.raises(NetworkError, match="takes no condition"):
        conditions(replace(made, conditions=()), Features({"gain": np.zeros(1)}))
    two = Features({"a": np.zeros(1), "b": np.zeros(1)})
    with pytest.raises(NetworkError, match="wants the condition 'gain', and what arrives has 'a', 'b'"):
        conditions(made, two)
    follows = replace(made, conditions=(Condition("gain", 100.0),))
    with pytest.raises(NetworkError, match="follows the song"):
        conditions(follows, Features({"gain": np.zeros(9)}))


def test_a_voice_on_one_file_conditions_the_separation_of_another(tmp_path, monkeypatch, capsys):
    """An encoder gives the peak of an excerpt; the network multiplies the song with it."""
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "models"))
    conditioned(tmp_path / "models", Condition("voice"))
    mean = tiny.network(
        {"in": ["b", 2, SAMPLES]},
        {"out": ["b", 1]},
        [
            helper.make_node("ReduceMax", ["in"], ["m"], axes=[1, 2], keepdims=0),
            helper.make_node("Reshape", ["m", "shape"], ["out"]),
        ],
        {"shape": np.array([-1, 1])},
    )
    encoder = tiny.manifest("latents", ["voice"], name="listener", rate=RATE, parameters={"samples": SAMPLES})
    tiny.stored(tmp_path / "models", encoder, mean)
    graph = Graph(
        inputs={"song": InputSlot(), "excerpt": InputSlot()},
        nodes={
            "song": Node("io.load"),
            "excerpt": Node("io.load", knobs={"input": "excerpt"}),
            "encode": Node("network.encode", knobs={"model": "listener", "mean": True}),
            "net": Node("separate.network", knobs={"model": "told"}),
            "save": Node("io.save"),
        },
        edges=frozenset(
            {
                Edge(Address("song", "out"), Address("net", "mixture")),
                Edge(Address("excerpt", "out"), Address("encode", "audio")),
                Edge(Address("encode", "out"), Address("net", "condition")),
                Edge(Address("net", "out"), Address("save", "stems")),
            }
        ),
    )
    sound = song(25)
    soundfile.write(tmp_path / "song.wav", sound.samples.T, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "excerpt.wav", np.full((12_345, 2), 0.75), RATE, subtype="FLOAT")
    (tmp_path / "graph.json").write_text(json.dumps(to_data(graph)))
    words = [str(tmp_path / "graph.json"), str(tmp_path / "song.wav"), "--input", f"excerpt={tmp_path / 'excerpt.wav'}"]
    code = main([*words, "-o", str(tmp_path / "out"), "--no-cache", "--json", "--quiet"])
    assert code == 0, capsys.readouterr().out
    made = soundfile.read(tmp_path / "out" / "song - a.wav", dtype="float32")[0].T
    np.testing.assert_allclose(made, 0.75 * sound.samples, atol=1e-6)
