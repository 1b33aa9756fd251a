"""Encoders, samplers in latents and decoders as a wiring of ONNX files: what goes in comes out, and once."""

import numpy as np
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from midistems_graph.document.graph import Address, Edge, Graph, Node
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.run import prepare
from midistems_graph.engine.store import MemoryStore
from midistems_graph.models.latents import decoded, encoded, transformed
from midistems_graph.models.library import ENVIRONMENT
from midistems_graph.models.sessions import NetworkError
from midistems_graph.node import Audio, Features, Span, Stems, installed
from midistems_graph.node.testing import FakeRun, Tiles

SAMPLES, RATE, HOP = 8000, 8000, 50
FRAMES = SAMPLES // HOP


def folded(gain: float, channels: int = 2):
    """Sound -> latents [batch, 2 * 50, 160], each frame's samples one below the other, times a gain."""
    nodes = [
        helper.make_node("Reshape", ["in", "frames"], ["f"]),
        helper.make_node("Transpose", ["f"], ["t"], perm=[0, 1, 3, 2]),
        helper.make_node("Reshape", ["t", "latent"], ["l"]),
        helper.make_node("Mul", ["l", "g"], ["out"]),
    ]
    constants = {
        "frames": np.array([-1, channels, FRAMES, HOP]),
        "latent": np.array([-1, channels * HOP, FRAMES]),
        "g": np.float32(gain),
    }
    return tiny.network({"in": ["b", channels, SAMPLES]}, {"out": ["b", channels * HOP, FRAMES]}, nodes, constants)


def unfolded(gain: float, channels: int = 2):
    """Latents -> sound, times a gain."""
    nodes = [
        helper.make_node("Reshape", ["in", "latent"], ["l"]),
        helper.make_node("Transpose", ["l"], ["t"], perm=[0, 1, 3, 2]),
        helper.make_node("Reshape", ["t", "sound"], ["s"]),
        helper.make_node("Mul", ["s", "g"], ["out"]),
    ]
    constants = {
        "latent": np.array([-1, channels, HOP, FRAMES]),
        "sound": np.array([-1, channels, SAMPLES]),
        "g": np.float32(gain),
    }
    return tiny.network({"in": ["b", channels * HOP, FRAMES]}, {"out": ["b", channels, SAMPLES]}, nodes, constants)


def flow():
    """Velocity = (first stem: mixture / 4, second: 3 mixture / 4) - state's beginning: exact for noise 0."""
    shape = ["b", 2, 2 * HOP, FRAMES]
    nodes = [
        helper.make_node("Unsqueeze", ["mixture", "axis"], ["m"]),
        helper.make_node("Mul", ["m", "shares"], ["v"]),
        helper.make_node("ReduceMean", ["state"], ["s"], keepdims=0),
        helper.make_node("ReduceMean", ["time"], ["t"], keepdims=0),
        helper.make_node("Add", ["s", "t"], ["both"]),
        helper.make_node("Mul", ["both", "zero"], ["z"]),
        helper.make_node("Add", ["v", "z"], ["out"]),
    ]
    constants = {
        "axis": np.array([1]),
        "shares": np.array([0.25, 0.75], np.float32).reshape(1, 2, 1, 1),
        "zero": np.float32(0),
    }
    inputs = {"state": shape, "mixture": ["b", 2 * HOP, FRAMES], "time": ["b"]}
    return tiny.network(inputs, {"out": shape}, nodes, constants)


def part(folder, name, stems, network, **parameters):
    manifest = tiny.manifest("latents", stems, name=name, rate=RATE, parameters={"samples": SAMPLES, **parameters})
    return tiny.stored(folder, manifest, network)


def song(length=41_234, channels=2, rate=RATE) -> Audio:
    return Audio.of(0.1 * np.random.default_rng(1).standard_normal((channels, length)), rate)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chain")
    sampler = tiny.manifest(
        "flow", ["vocals", "rest"], name="sampler", rate=RATE, parameters={"samples": SAMPLES, "noise": 0.0}
    )
    return (
        part(folder, "encoder", ["latent"], folded(2.0)),
        tiny.stored(folder, sampler, flow()),
        part(folder, "decoder", ["sound"], unfolded(0.5)),
    )


@settings(max_examples=15)
@given(
    length=st.integers(1, 60_000),
    channels=st.sampled_from([1, 2, 6]),
    overlap=st.sampled_from([0.0, 1.0, 2.0]),
    tile=st.sampled_from([1500, 9999, 80_000]),
)
def test_what_is_encoded_and_decoded_is_the_song(chain, sessions, length, channels, overlap, tile):
    from midistems_graph.models.recent import Recent
    from midistems_graph.models.runner import Runner, Settings

    encoder, _, decoder = chain
    audio = song(length, channels)
    run = FakeRun(audio.span)
    latents = encoded(
        Runner(encoder, Settings(overlap=overlap), sessions, Recent()), Tiles(audio, tile), mean=False, run=run
    )
    assert run.seen == sorted(run.seen) and run.seen[-1] == 1
    out = decoded(Runner(decoder, Settings(), sessions, Recent()), latents, (), run=FakeRun(audio.span))
    np.testing.assert_allclose(out["sound"].samples, audio.samples, atol=1e-6)


def test_a_window_of_another_rate_is_that_of_the_song(chain, runner):
    encoder, _, decoder = chain
    t = np.arange(48_000 * 4) / 48_000
    audio = Audio.of(np.stack([np.sin(2 * np.pi * f * t) for f in (300, 500)]), 48_000)
    latents = encoded(runner(encoder), Tiles(audio, 48_000), mean=False, run=FakeRun(audio.span))
    whole = decoded(runner(decoder), latents, (), run=FakeRun(audio.span))["sound"]
    inner = slice(2000, -2000)
    np.testing.assert_allclose(whole.samples[:, inner], audio.samples[:, inner], atol=2e-3)
    window = Span(50_000, 99_999, audio.span.total, 48_000)
    part = decoded(runner(decoder), latents, (), run=FakeRun(window))["sound"]
    np.testing.assert_allclose(part.samples, whole.crop(window).samples, atol=1e-6)


def test_a_sampler_in_latents_gives_stems_that_a_decoder_makes_sound(chain, runner):
    encoder, sampler, decoder = chain
    audio = song()
    run = FakeRun(audio.span)
    latents = encoded(runner(encoder), Tiles(audio), mean=False, run=run)
    stems = transformed(runner(sampler, batch=3), latents, run=FakeRun())
    assert set(stems.arrays) == {"vocals", "rest"}
    out = decoded(runner(decoder), stems, ("vocals", "rest"), run=FakeRun(audio.span))
    np.testing.assert_allclose(out["vocals"].samples, audio.samples / 4, atol=1e-6)
    np.testing.assert_allclose(out["rest"].samples, audio.samples * 3 / 4, atol=1e-6)


def test_noise_in_latents_lies_where_the_song_is_and_hangs_on_the_seed(chain, runner, tmp_path):
    encoder, _, _ = chain
    audio = song()
    latents = encoded(runner(encoder, overlap=2.0), Tiles(audio), mean=False, run=FakeRun(audio.span))
    noisy = tiny.manifest("flow", ["vocals", "rest"], name="noisy", rate=RATE, parameters={"samples": SAMPLES})
    model = tiny.stored(tmp_path, noisy, flow())
    drawn = transformed(runner(model), latents, run=FakeRun()).arrays["vocals"] - latents.arrays["latent"] / 4
    half = FRAMES // 2  # neighbours share half of their frames
    np.testing.assert_allclose(drawn[0][:, half:], drawn[1][:, :half], atol=1e-5)
    assert drawn.std() == pytest.approx(1, abs=0.02)
    other = transformed(runner(model, seed=4), latents, run=FakeRun()).arrays["vocals"]
    assert np.abs(other - drawn).max() > 1


def test_a_network_takes_the_arrays_that_its_manifest_names(tmp_path, runner):
    two = tiny.network(
        {"a": ["b", 3], "b": ["b", 3]},
        {"sum": ["b", 3], "difference": ["b", 3]},
        [helper.make_node("Add", ["a", "b"], ["sum"]), helper.make_node("Sub", ["a", "b"], ["difference"])],
    )
    model = part(tmp_path, "two", ["sum", "difference"], two, inputs=("high", "low"))
    notes = {"length": SAMPLES, "step": SAMPLES, "lead": 0, "total": 4 * SAMPLES, "rate": RATE, "channels": 1}
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)
    latents = Features({"low": rows, "high": 10 * rows, "unused": rows}, notes)
    made = transformed(runner(model), latents, run=FakeRun())
    np.testing.assert_array_equal(made.arrays["sum"], 11 * rows)
    np.testing.assert_array_equal(made.arrays["difference"], 9 * rows)
    assert made.notes == latents.notes
    with pytest.raises(NetworkError, match="no array 'high'"):
        transformed(runner(model), Features({"low": rows}, notes), run=FakeRun())


def test_what_does_not_fit_is_said(chain, runner, tmp_path):
    encoder, _, decoder = chain
    audio = song()
    latents = encoded(runner(encoder), Tiles(audio), mean=False, run=FakeRun(audio.span))
    with pytest.raises(NetworkError, match="no latents of a song"):
        decoded(runner(decoder), Features({"latent": np.zeros(3)}), (), run=FakeRun(audio.span))
    with pytest.raises(NetworkError, match=r"are those of 5\.15 s .* is to give 1\.00 s"):
        decoded(runner(decoder), latents, (), run=FakeRun(Span.whole(RATE, RATE)))
    with pytest.raises(NetworkError, match="there are latent"):
        decoded(runner(decoder), latents, ("vocals",), run=FakeRun(audio.span))
    with pytest.raises(NetworkError, match="no part of a chain"):
        plain = tiny.manifest("waveform", ["a"], parameters={"samples": 100})
        stored = tiny.stored(tmp_path, plain, tiny.times(["b", 2, 100], 1.0))
        encoded(runner(stored), Tiles(audio), mean=False, run=FakeRun(audio.span))
    with pytest.raises(NetworkError, match="a part of a chain, not a separator"):
        runner(encoder).separate(audio, run=FakeRun(audio.span))
    broken = part(tmp_path, "broken", ["latent"], folded(np.nan))
    with pytest.raises(NetworkError, match=r"not numbers .* from 0\.00 s"):
        encoded(runner(broken), Tiles(audio), mean=False, run=FakeRun(audio.span))


def test_a_shared_encoder_is_computed_once(tmp_path, monkeypatch):
    import soundfile

    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "models"))
    part(tmp_path / "models", "encoder", ["latent"], folded(1.0))
    for name, gain in (("vocals", 0.75), ("rest", 0.25)):
        part(tmp_path / "models", f"decoder-{name}", [name], unfolded(gain))
    nodes = {
        "song": Node("io.load"),
        "encode": Node("network.encode", knobs={"model": "encoder"}),
        "vocals": Node("network.decode", knobs={"model": "decoder-vocals"}),
        "rest": Node("network.decode", knobs={"model": "decoder-rest"}),
        "both": Node("stems.merge"),
    }
    edges = {
        Edge(Address("song", "out"), Address("encode", "audio")),
        Edge(Address("encode", "out"), Address("vocals", "latents")),
        Edge(Address("encode", "out"), Address("rest", "latents")),
        Edge(Address("vocals", "out"), Address("both", "sets", 0)),
        Edge(Address("rest", "out"), Address("both", "sets", 1)),
    }
    sound = song(25 * RATE)
    soundfile.write(tmp_path / "song.wav", sound.samples.T, RATE, subtype="FLOAT")
    graph = Graph(nodes=nodes, edges=frozenset(edges))
    plan, _ = prepare(graph, installed(), {"song": tmp_path / "song.wav"}, outputs=[Address("both", "out")])
    executor = Executor(plan, installed(), store=MemoryStore())
    executor.run()
    assert not executor.failures, executor.failures
    stems = executor.value(plan.outputs[0])
    assert isinstance(stems, Stems)
    np.testing.assert_allclose(stems["vocals"].samples, 0.75 * sound.samples, atol=1e-6)
    np.testing.assert_allclose(stems["rest"].samples, 0.25 * sound.samples, atol=1e-6)
    assert executor.reports["encode"].units == {"ran": 1}
