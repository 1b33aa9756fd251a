"""Phases from classes: exact for a network that knows them, in windows as in the whole song."""

from fractions import Fraction

import numpy as np
import pytest
import soundfile
import tiny
from onnx import helper

from midistems_graph.audio.stft import stft
from midistems_graph.document.graph import Address, Graph, Node
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.run import prepare
from midistems_graph.engine.store import MemoryStore
from midistems_graph.models.library import ENVIRONMENT
from midistems_graph.models.phase_classes import phases
from midistems_graph.models.sessions import NetworkError
from midistems_graph.node import Audio, Magnitude, Phase, StftSettings, installed
from midistems_graph.node.testing import FakeRun

RATE, STFT, FRAMES, BINS = 8000, StftSettings(256, 64), 16, 129
PARAMETERS = {"n_fft": 256, "hop": 64, "frames": FRAMES}


def knowing(classes: int, sharpness: float):
    """Logits = sharpness * cos(phase of class - phase of the mixture): it knows the mixture's phase."""
    turns = 2 * np.pi * np.arange(classes) / classes
    directions = np.stack([np.cos(turns), np.sin(turns)]).astype(np.float32) * sharpness  # [2, classes]
    nodes = [
        helper.make_node("Transpose", ["mixture"], ["m"], perm=[0, 2, 3, 1]),
        helper.make_node("ReduceL2", ["m"], ["n"], axes=[3]),
        helper.make_node("Add", ["n", "tiny"], ["some"]),
        helper.make_node("Div", ["m", "some"], ["unit"]),
        helper.make_node("MatMul", ["unit", "directions"], ["logits"]),
        helper.make_node("ReduceMean", ["magnitude"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["z"]),
        helper.make_node("Add", ["logits", "z"], ["out"]),
    ]
    inputs = {"magnitude": ["b", BINS, FRAMES], "mixture": ["b", 2, BINS, FRAMES]}
    constants = {"directions": directions, "zero": np.float32(0), "tiny": np.float32(1e-9)}
    return tiny.network(inputs, {"out": ["b", BINS, FRAMES, classes]}, nodes, constants)


def favourite(number: int, classes: int):
    """The same class everywhere, from the magnitude alone."""
    logits = np.zeros(classes, np.float32)
    logits[number] = 5
    nodes = [
        helper.make_node("Unsqueeze", ["in", "axis"], ["one"]),
        helper.make_node("Mul", ["one", "zero"], ["none"]),
        helper.make_node("Add", ["none", "logits"], ["out"]),
    ]
    constants = {"axis": np.array([3]), "zero": np.float32(0), "logits": logits}
    return tiny.network({"in": ["b", BINS, FRAMES]}, {"out": ["b", BINS, FRAMES, classes]}, nodes, constants)


def model(folder, network, name="phases", **parameters):
    manifest = tiny.manifest("phase-classes", ["a"], name=name, rate=RATE, parameters={**PARAMETERS, **parameters})
    return tiny.stored(folder, manifest, network)


def heard(length=20_000):
    audio = Audio.of(np.random.default_rng(0).standard_normal((2, length)), RATE)
    mixture = stft(audio, STFT)
    return audio, mixture, Magnitude(np.abs(mixture.bins), mixture.span, STFT)


def apart(phase: Phase, wanted) -> np.ndarray:
    return np.abs(np.angle(np.exp(1j * (phase.bins - np.asarray(wanted, np.float64)))))


@pytest.mark.parametrize(
    ("choice", "classes", "most"), [("argmax", 8, np.pi / 8), ("argmax", 64, np.pi / 64), ("mean", 64, 1e-3)]
)
def test_a_network_that_knows_the_phase_gives_it_as_finely_as_its_classes_are(tmp_path, runner, choice, classes, most):
    _, mixture, magnitude = heard()
    made = phases(runner(model(tmp_path, knowing(classes, 4.0))), magnitude, mixture, choice, run=FakeRun(mixture.span))
    wrong = apart(made, np.angle(mixture.bins))
    assert wrong.max() <= most + 1e-4 and np.abs(made.bins).max() <= np.pi + 1e-5
    if choice == "argmax":
        assert wrong.mean() == pytest.approx(np.pi / classes / 2, rel=0.03)  # phases are spread evenly within a class


def test_classes_may_count_from_the_mixtures_phase_and_bins_above_keep_it(tmp_path, runner):
    _, mixture, magnitude = heard(5000)
    turned = model(tmp_path, favourite(3, 12), relative=True)
    made = phases(runner(turned), magnitude, mixture, "argmax", run=FakeRun(mixture.span))
    assert apart(made, np.angle(mixture.bins) + np.pi / 2).max() < 1e-4
    absolute = model(tmp_path, favourite(3, 12), name="absolute")
    made = phases(runner(absolute), magnitude, mixture, "argmax", run=FakeRun(mixture.span))
    assert apart(made, np.pi / 2).max() < 1e-5


def test_another_stft_or_another_model_is_said(tmp_path, runner):
    _, mixture, magnitude = heard(5000)
    other = model(tmp_path, favourite(0, 4), n_fft=512, hop=128)
    with pytest.raises(NetworkError, match="knows FFTs of 512 with a hop of 128 at 8000 Hz, and the magnitude has 256"):
        phases(runner(other), magnitude, mixture, "argmax", run=FakeRun(mixture.span))
    plain = tiny.stored(
        tmp_path, tiny.manifest("waveform", ["a"], parameters={"samples": 100}), tiny.times(["b", 2, 100], 1.0)
    )
    with pytest.raises(NetworkError, match="tells no phases"):
        phases(runner(plain), magnitude, mixture, "argmax", run=FakeRun(mixture.span))
    audio, _, _ = heard(5000)
    with pytest.raises(NetworkError, match="gives phases, not stems"):
        runner(model(tmp_path, favourite(0, 4))).separate(audio, run=FakeRun(audio.span))


def test_a_window_has_the_phases_of_the_whole_song_and_resynthesis_works(tmp_path, monkeypatch):
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "models"))
    model(tmp_path / "models", knowing(32, 6.0))
    graph = Graph(
        nodes={
            "song": Node("io.load"),
            "bins": Node("transform.stft", knobs={"n_fft": 256, "hop": 64}),
            "loud": Node("transform.magnitude"),
            "phase": Node("phase.classes", knobs={"model": "phases", "choice": "mean"}),
            "both": Node("transform.combine"),
            "back": Node("transform.istft"),
        }
    )
    for source, target in (
        ("song.out", "bins.audio"),
        ("bins.out", "loud.spectrogram"),
        ("loud.out", "phase.magnitude"),
        ("bins.out", "phase.mixture"),
        ("loud.out", "both.magnitude"),
        ("phase.out", "both.phase"),
        ("both.out", "back.spectrogram"),
    ):
        graph = graph.with_edge(source, target)
    audio, _, _ = heard(23 * RATE)
    soundfile.write(tmp_path / "song.wav", 0.1 * audio.samples.T, RATE, subtype="FLOAT")

    def value(address, window=None):
        plan, _ = prepare(graph, installed(), {"song": tmp_path / "song.wav"}, outputs=[address], window=window)
        executor = Executor(plan, installed(), store=MemoryStore())
        executor.run()
        assert not executor.failures, executor.failures
        return executor.value(plan.outputs[0])

    sound = value(Address("back", "out"))
    np.testing.assert_allclose(sound.samples, 0.1 * audio.samples, atol=1e-3)
    whole = value(Address("phase", "out"))
    part = value(Address("phase", "out"), (Fraction(9), Fraction(14)))
    assert apart(part, whole.crop(part.span).bins).max() < 1e-5
