"""What all families share: windows, rates, channels, silence, averages, progress, cancelling, and what goes wrong."""

import threading
import time

import numpy as np
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from midistems_graph.models import sessions as module
from midistems_graph.models.recent import Recent
from midistems_graph.models.runner import Level, Runner, Settings
from midistems_graph.models.sessions import NetworkError, Session, Sessions
from midistems_graph.node import Audio, Cancelled, Span
from midistems_graph.node.testing import FakeRun

SAMPLES = 6000
STEMS = ("vocals", "rest")


def noise(channels: int, length: int, rate: int = 44100, layout: str = "") -> Audio:
    samples = 0.1 * np.random.default_rng(channels).standard_normal((channels, length)).astype(np.float32)
    return Audio(samples, Span.whole(length, rate), layout)


def smooth(channels: int, length: int, rate: int) -> Audio:
    """Tones that every rate holds."""
    t = np.arange(length) / rate
    return Audio.of(np.stack([np.sin(2 * np.pi * (300 + 200 * c) * t) for c in range(channels)]), rate)


def waveform(folder, gains=(0.75, 0.25), stems=STEMS, **fields):
    manifest = tiny.manifest("waveform", stems, parameters={"samples": SAMPLES}, **fields)
    return tiny.stored(folder, manifest, tiny.stacked(["b", fields.get("channels", 2), SAMPLES], gains))


def tilting(folder, **fields):
    """A network whose result depends on the place within its segment: the input times a ramp."""
    ramp = np.linspace(0, 1, SAMPLES, dtype=np.float32)
    manifest = tiny.manifest("waveform", ["a"], parameters={"samples": SAMPLES}, **fields)
    return tiny.stored(folder, manifest, tiny.times(["b", 2, SAMPLES], ramp))


def peak(a, b):
    return float(np.abs(a - b).max(initial=0))


@settings(max_examples=12)
@given(
    rate=st.sampled_from([44100, 48000, 22050]),
    length=st.integers(1, 60_000),
    window=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    overlap=st.sampled_from([1.0, 2.0, 3.0]),
)
def test_a_window_has_the_very_segments_of_the_whole_song(tmp_path_factory, sessions, rate, length, window, overlap):
    model = tilting(tmp_path_factory.getbasetemp() / "tilting")
    runner = Runner(model, Settings(overlap=overlap), sessions, Recent())
    audio = noise(2, length, rate)
    whole = runner.separate(audio, run=FakeRun(audio.span))["a"].samples
    start, stop = sorted(round(share * length) for share in window)
    reach = int(float(runner.context.seconds) * rate) + 1
    near = Span(max(0, start - reach), min(length, stop + reach), length, rate)
    part = runner.separate(audio.crop(near), run=FakeRun(Span(start, stop, length, rate)))["a"]
    assert part.span == Span(start, stop, length, rate)
    # Where the rate changes, the way back is restarted at the window's edges: -120 dB.
    assert peak(part.samples, whole[:, start:stop]) <= (0 if rate == 44100 else 1e-6 * np.abs(whole).max())


def test_a_segment_is_computed_once_for_neighbouring_tiles(tmp_path, sessions, monkeypatch):
    runner, audio, ran = Runner(tilting(tmp_path), Settings(), sessions, Recent()), noise(2, 40_000), []
    real = Session.run
    monkeypatch.setattr(
        Session, "run", lambda self, arrays, check: ran.append(len(arrays[0])) or real(self, arrays, check)
    )
    runner.separate(audio, run=FakeRun(audio.span))
    in_one = len(ran)
    ran.clear()
    fresh = Runner(runner.model, Settings(), sessions, Recent())
    for start in range(0, 40_000, 10_000):
        fresh.separate(audio, run=FakeRun(Span(start, start + 10_000, 40_000, 44100)))
    assert len(ran) == in_one
    step = runner.contract.grid(SAMPLES, 0.0, 40_000).step
    assert runner.segments(40_000 / 44100) == pytest.approx(in_one * step / 44100)  # what forecasts count with


@pytest.mark.parametrize("batch", [2, 3, 7])
def test_a_batch_changes_nothing(tmp_path, runner, batch):
    model, audio = tilting(tmp_path), noise(2, 50_001)
    one, several = (runner(model, batch=n).separate(audio, run=FakeRun(audio.span))["a"].samples for n in (1, batch))
    np.testing.assert_array_equal(one, several)


@pytest.mark.parametrize(("takes", "batch"), [(1, 4), (3, 1), (3, 4)])
def test_a_network_that_takes_a_fixed_number_at_once_gets_that_many(tmp_path, runner, takes, batch):
    manifest = tiny.manifest("waveform", STEMS, parameters={"samples": SAMPLES})
    model, audio = tiny.stored(tmp_path, manifest, tiny.stacked([takes, 2, SAMPLES], (0.75, 0.25))), noise(2, 30_000)
    stems = runner(model, batch=batch).separate(audio, run=FakeRun(audio.span))
    assert peak(stems["rest"].samples, 0.25 * audio.samples) < 1e-7


@pytest.mark.parametrize("rate", [8000, 16000, 48000, 88200, 96000])
@pytest.mark.parametrize("channels", [1, 2])
def test_rate_length_and_channels_stay_what_they_are(tmp_path, runner, rate, channels):
    audio = smooth(channels, 30_007, rate)
    stems = runner(waveform(tmp_path)).separate(audio, run=FakeRun(audio.span))
    assert stems.span == audio.span and stems.channels == channels
    inner = slice(300, -300)
    assert peak(stems["vocals"].samples[:, inner], 0.75 * audio.samples[:, inner]) < 1e-4


def test_what_is_left_keeps_what_is_above_the_networks_rate(tmp_path, runner):
    """At 96 kHz a tone of 30 kHz never reaches the network; it is in the rest, and the stems still add up."""
    t = np.arange(40_000) / 96_000
    audio = Audio.of(0.5 * np.sin(2 * np.pi * 30_000 * t) + 0.5 * np.sin(2 * np.pi * 500 * t), 96_000)
    manifest = tiny.manifest("waveform", ["vocals"], residual="rest", parameters={"samples": SAMPLES})
    model = tiny.stored(tmp_path, manifest, tiny.stacked(["b", 2, SAMPLES], [1.0]))
    stems = runner(model).separate(audio, run=FakeRun(audio.span))
    assert peak(sum(a.samples for a in stems.audio.values()), audio.samples) < 1e-6
    high = 0.5 * np.sin(2 * np.pi * 30_000 * t)
    assert peak(stems["rest"].samples[0, 500:-500], high[500:-500]) < 1e-3


@pytest.mark.parametrize(
    ("channels", "layout", "low"), [(3, "", None), (4, "quad", None), (5, "5.0", None), (6, "5.1", 3), (8, "7.1", 3)]
)
@pytest.mark.parametrize("takes", [1, 2])
def test_surround_goes_through_in_pairs_and_the_low_channel_by(tmp_path, runner, channels, layout, low, takes):
    audio = noise(channels, 9001, layout=layout)
    stems = runner(waveform(tmp_path, channels=takes, name=f"m{takes}")).separate(audio, run=FakeRun(audio.span))
    for channel in range(channels):
        gains = (0.0, 1.0) if channel == low else (0.75, 0.25)
        for name, gain in zip(STEMS, gains, strict=True):
            assert peak(stems[name].samples[channel], gain * audio.samples[channel]) < 1e-6


def test_pairs_of_surround_are_what_a_stereo_network_sees(tmp_path, runner):
    """Left minus right in both channels: only what went in together can come out."""
    matrix = np.array([[1, -1], [-1, 1]], np.float32)
    nodes = [helper.make_node("MatMul", ["m", "in"], ["out"])]
    network = tiny.network({"in": ["b", 2, SAMPLES]}, {"out": ["b", 2, SAMPLES]}, nodes, {"m": matrix})
    model = tiny.stored(tmp_path, tiny.manifest("waveform", ["side"], parameters={"samples": SAMPLES}), network)
    audio = noise(6, 9001, layout="5.1")
    side = runner(model).separate(audio, run=FakeRun(audio.span))["side"].samples
    assert peak(side[0], audio.samples[0] - audio.samples[1]) < 1e-6
    assert peak(side[4], audio.samples[4] - audio.samples[5]) < 1e-6
    assert not side[2].any()  # the centre went in twice


def test_silence_in_silence_out_even_from_a_network_that_hums(tmp_path, runner):
    manifest = tiny.manifest("waveform", ["a"], parameters={"samples": SAMPLES})
    model = tiny.stored(tmp_path, manifest, tiny.constant(["b", 2, SAMPLES], 0.5))
    silent = Audio.of(np.zeros((2, 20_000)), 44100)
    assert not runner(model).separate(silent, run=FakeRun(silent.span))["a"].samples.any()


def test_nothing_in_nothing_out(tmp_path, runner):
    empty = Audio.of(np.zeros((2, 0)), 44100)
    assert runner(waveform(tmp_path)).separate(empty, run=FakeRun(empty.span)).span.frames == 0


@pytest.mark.parametrize("gain", [1e-2, 0.5, 8.0])
@pytest.mark.parametrize(("family", "settings"), [("htdemucs-waveform", {}), ("waveform", {"normalise": True})])
def test_gain_in_is_gain_out_where_songs_are_normalised(tmp_path, runner, gain, family, settings):
    """A limiter of a network: without normalising, loud and soft songs would come out differently."""
    nodes = [helper.make_node("Tanh", ["in"], ["t"]), helper.make_node("Unsqueeze", ["t", "axis"], ["out"])]
    shape = [1, 2, SAMPLES]
    network = tiny.network({"in": shape}, {"out": [1, 1, 2, SAMPLES]}, nodes, {"axis": np.array([1])})
    model = tiny.stored(tmp_path, tiny.manifest(family, ["a"], parameters={"samples": SAMPLES}), network)

    def separated(audio: Audio) -> np.ndarray:
        mono = audio.samples.mean(0)
        level = Level(float(mono.mean()), float(mono.std(ddof=1)) + 1e-8)
        return runner(model, **settings).separate(audio, run=FakeRun(audio.span), level=level)["a"].samples

    audio = noise(2, 20_000)
    whole = separated(audio)
    assert (
        peak(separated(audio.with_samples(audio.samples * np.float32(gain))) / gain, whole) < 1e-3 * np.abs(whole).max()
    )


def test_shifts_swaps_and_polarity_are_averaged(tmp_path, runner):
    """A network that leaves only the left channel and adds an offset: swapping evens the sides, polarity the offset."""
    left = np.array([1, 0], np.float32).reshape(1, 2, 1)
    nodes = [helper.make_node("Mul", ["in", "l"], ["half"]), helper.make_node("Add", ["half", "o"], ["out"])]
    shape = ["b", 2, SAMPLES]
    network = tiny.network({"in": shape}, {"out": shape}, nodes, {"l": left, "o": np.float32(0.25)})
    model = tiny.stored(tmp_path, tiny.manifest("waveform", ["a"], parameters={"samples": SAMPLES}), network)
    audio = noise(2, 20_000)
    swapped = runner(model, swap=True).separate(audio, run=FakeRun(audio.span))["a"].samples
    assert peak(swapped, 0.5 * audio.samples + 0.25) < 1e-6
    both = runner(model, swap=True, polarity=True).separate(audio, run=FakeRun(audio.span))["a"].samples
    assert peak(both, 0.5 * audio.samples) < 1e-6
    ramp = runner(tilting(tmp_path), shifts=4).separate(audio, run=FakeRun(audio.span))["a"].samples
    expected = np.mean([_tilted(runner(tilting(tmp_path)), audio, shift / 4) for shift in range(4)], axis=0)
    assert peak(ramp, expected) < 1e-6


def _tilted(runner, audio, shift):
    """By hand: segments of the shifted grid, weighted and added up."""
    grid = runner.contract.grid(SAMPLES, 0, audio.span.total).shifted(shift)
    total = audio.span.total
    padded = np.pad(audio.samples, ((0, 0), (2 * SAMPLES, 2 * SAMPLES)), mode="reflect")
    out, sums = np.zeros_like(audio.samples), np.zeros(total, np.float32)
    for number in range(100):
        start = number * grid.step - grid.lead
        low, high = max(start, 0), min(start + SAMPLES, total)
        if low < high:
            made = padded[:, start + 2 * SAMPLES : start + 3 * SAMPLES] * np.linspace(0, 1, SAMPLES, dtype=np.float32)
            out[:, low:high] += (made * grid.weights)[:, low - start : high - start]
            sums[low:high] += grid.weights[low - start : high - start]
    return out / sums


def test_only_files_of_wanted_stems_are_run(tmp_path, sessions, monkeypatch):
    parameters = {"n_fft": 4096, "dim_f": 2049, "dim_t": 16}
    networks = [tiny.times(["b", 4, 2049, 16], gain) for gain in (0.75, 0.25)]
    model = tiny.stored(tmp_path, tiny.manifest("mdx", STEMS, files=2, parameters=parameters), *networks)
    ran, real = set(), Session.run
    monkeypatch.setattr(
        Session, "run", lambda self, arrays, check: ran.add(self.path.name) or real(self, arrays, check)
    )
    audio = noise(2, 20_000)
    stems = Runner(model, Settings(stems=("rest",)), sessions, Recent()).separate(audio, run=FakeRun(audio.span))
    assert tuple(stems) == ("rest",) and not stems.complete and ran == {"rest.onnx"}


def test_of_a_bag_each_file_gives_its_own_row(tmp_path, runner):
    from midistems_graph.models.manifest import Manifest, ModelFile

    files = (ModelFile("one.onnx", "", ("vocals", "")), ModelFile("two.onnx", "", ("", "rest")))
    manifest = Manifest("bag", "htdemucs-waveform", STEMS, files, parameters={"samples": SAMPLES})
    networks = [tiny.stacked([1, 2, SAMPLES], gains) for gains in ((0.5, 9.0), (9.0, 0.125))]
    audio = noise(2, 10_000)
    stems = runner(tiny.stored(tmp_path, manifest, *networks)).separate(audio, run=FakeRun(audio.span))
    assert peak(stems["vocals"].samples, 0.5 * audio.samples) < 1e-6
    assert peak(stems["rest"].samples, 0.125 * audio.samples) < 1e-6


def test_an_unknown_stem_is_refused_with_those_that_there_are(tmp_path, runner):
    with pytest.raises(NetworkError, match="no stem 'drums'; it has vocals, rest"):
        runner(waveform(tmp_path), stems=("drums",)).names  # noqa: B018


def test_samples_that_are_not_numbers_are_named_with_their_segment(tmp_path, runner):
    nodes = [helper.make_node("Log", ["in"], ["out"])]
    shape = ["b", 2, SAMPLES]
    network = tiny.network({"in": shape}, {"out": shape}, nodes)
    model = tiny.stored(
        tmp_path, tiny.manifest("waveform", ["a"], name="broken", parameters={"samples": SAMPLES}), network
    )
    samples = np.full((2, 30_000), 0.5)
    samples[:, 20_000:] = -0.5
    audio = Audio.of(samples, 44100)
    with pytest.raises(NetworkError, match=r"'broken' gave .* in the segment from 0\.34 s"):
        runner(model).separate(audio, run=FakeRun(audio.span))


def test_too_little_memory_halves_the_batch_and_says_so(tmp_path, runner, monkeypatch):
    real = Session.run

    def run(self, arrays, check):
        if len(arrays[0]) > 1:
            raise MemoryError
        return real(self, arrays, check)

    monkeypatch.setattr(Session, "run", run)
    audio, watch = noise(2, 40_000), FakeRun(Span.whole(40_000, 44100))
    stems = runner(waveform(tmp_path), batch=4).separate(audio, run=watch)
    assert peak(stems["rest"].samples, 0.25 * audio.samples) < 1e-6
    assert any("set batch to" in said for said in watch.warnings)

    def never(self, arrays, check):
        raise MemoryError

    monkeypatch.setattr(Session, "run", never)
    with pytest.raises(NetworkError, match="not enough memory"):
        runner(waveform(tmp_path)).separate(audio, run=FakeRun(audio.span))


def test_progress_never_goes_back_and_ends_at_one(tmp_path, runner):
    audio = noise(6, 40_000, layout="5.1")
    run = FakeRun(audio.span)
    runner(waveform(tmp_path), shifts=2, swap=True).separate(audio, run=run)
    done = [one for one in run.seen if one]
    assert done == sorted(done) and done[-1] == 1.0 and len(set(done)) > 12


def slow(folder):
    """A network of a thousand matrix products: seconds of work in one call."""
    nodes = [helper.make_node("MatMul", ["m", "m"], ["x0"])]
    nodes += [helper.make_node("MatMul", [f"x{i}", "m"], [f"x{i + 1}"]) for i in range(1000)]
    nodes += [helper.make_node("ReduceMean", ["x1000"], ["mean"], keepdims=0)]
    nodes += [helper.make_node("Mul", ["mean", "in"], ["out"])]
    # The product hangs on the input, or it would be folded when the network is loaded.
    nodes[0] = helper.make_node("Mul", ["m", "first"], ["x0"])
    nodes.insert(0, helper.make_node("ReduceMean", ["in"], ["first"], keepdims=0))
    shape = ["b", 2, SAMPLES]
    network = tiny.network({"in": shape}, {"out": shape}, nodes, {"m": np.eye(900, dtype=np.float32)})
    return tiny.stored(folder, tiny.manifest("waveform", ["a"], name="slow", parameters={"samples": SAMPLES}), network)


def test_cancelling_ends_within_a_segment(tmp_path, sessions, monkeypatch):
    class Stopped(FakeRun):
        def check(self) -> None:
            raise Cancelled

    calls, is_over = [], module._is_over
    monkeypatch.setattr(module, "_is_over", lambda call, seconds: calls.append(call) or is_over(call, seconds))
    audio = noise(2, SAMPLES)
    with pytest.raises(Cancelled):
        Runner(slow(tmp_path), Settings(overlap=1), sessions, Recent()).separate(audio, run=Stopped(audio.span))
    assert calls and all(call.exception() is not None for call in calls), "the whole segment was waited for"


def test_one_network_runs_at_a_time_and_waiting_can_be_cancelled(tmp_path, monkeypatch):
    pool = Sessions()
    model = slow(tmp_path)
    session, other = (pool.get(model.files[0], model.digest, threads=threads) for threads in (2, 1))
    sound = np.zeros([1, *session.inputs[0].shape[1:]], np.float32)
    inside, enough = threading.Event(), threading.Event()

    def stopped_later():
        inside.set()
        if enough.is_set():
            raise Cancelled

    def refuse():
        raise Cancelled

    def run():
        with pytest.raises(Cancelled):
            session.run([sound], stopped_later)

    thread = threading.Thread(target=run)
    thread.start()
    assert inside.wait(60)
    monkeypatch.setattr(other, "_caller", None)  # which would run it
    with pytest.raises(Cancelled):
        other.run([sound], refuse)
    enough.set()
    thread.join()


def test_a_segment_that_two_tiles_want_is_run_once():
    recent, ran, made = Recent(), [], []

    def make():
        ran.append(1)
        time.sleep(0.05)
        return np.ones(3, np.float32)

    tiles = [threading.Thread(target=lambda: made.append(recent.made("segment", make, lambda: None))) for _ in range(4)]
    for tile in tiles:
        tile.start()
    for tile in tiles:
        tile.join()
    assert len(ran) == 1 and len(made) == 4 and all(each is made[0] for each in made)


def test_what_could_not_be_made_is_left_to_who_waits():
    recent = Recent()
    assert recent.promise("segment") and not recent.promise("segment")
    waiting = threading.Thread(target=lambda: recent.made("segment", lambda: np.ones(1, np.float32), lambda: None))
    waiting.start()
    recent.settle(["segment"])
    waiting.join(5)
    assert not waiting.is_alive() and recent.get("segment", lambda: None) is not None


def test_what_computes_is_noted_and_falling_back_is_said(tmp_path, runner):
    audio = noise(2, 9000)
    run = FakeRun(audio.span)
    runner(waveform(tmp_path)).separate(audio, run=run)
    assert run.notes == {"provider": "cpu"} and not run.warnings
    runner(waveform(tmp_path), provider="tensorrt").separate(audio, run=run)
    assert (
        run.notes == {"provider": "cpu"}
        and "tensorrt is not available here, so the model runs on cpu" in run.warnings[0]
    )


def test_beyond_its_ends_a_normalised_song_is_silent(tmp_path, sessions, monkeypatch):
    fed, real = [], Session.run
    monkeypatch.setattr(Session, "run", lambda self, arrays, check: fed.append(arrays[0]) or real(self, arrays, check))
    manifest = tiny.manifest("htdemucs-waveform", STEMS, parameters={"samples": SAMPLES})
    model = tiny.stored(tmp_path, manifest, tiny.stacked([1, 2, SAMPLES], (0.75, 0.25)))
    audio = Audio.of(0.5 + 0.1 * np.random.default_rng(0).standard_normal((2, 4000)), 44100)
    Runner(model, Settings(), sessions, Recent()).separate(audio, run=FakeRun(audio.span), level=Level(0.5, 0.1))
    (given,) = fed
    assert not given[..., :1000].any() and not given[..., 5000:].any() and np.abs(given[..., 1000:5000].mean()) < 0.1


def test_samples_that_are_no_numbers_are_named_with_the_segments_time(tmp_path, runner):
    """A root of what is negative from 0.27 s on."""
    manifest = tiny.manifest("waveform", ["a"], parameters={"samples": SAMPLES})
    shape = ["b", 2, SAMPLES]
    network = tiny.network({"in": shape}, {"out": shape}, [helper.make_node("Sqrt", ["in"], ["out"])])
    model = tiny.stored(tmp_path, manifest, network)
    audio = Audio.of(np.repeat(np.array([[0.25, -0.25]], np.float32), 2 * SAMPLES, axis=1).repeat(2, axis=0), 44100)
    with pytest.raises(NetworkError, match=r"'waveform' gave samples that are not numbers .* segment from 0\.27 s"):
        runner(model, overlap=1.0).separate(audio, run=FakeRun(audio.span))
