import numpy as np
import pytest
import scipy.signal

from midistems_graph.node import Audio, NodeError, Span, Stems
from midistems_graph.node.testing import FakeRun
from midistems_nodes.filter.band import band
from midistems_nodes.filter.crossover import crossover
from midistems_nodes.filter.fade import fade
from midistems_nodes.filter.fir import convolve, lowpass_taps
from midistems_nodes.filter.gain import gain
from midistems_nodes.filter.shelf import shelf

RATE = 48000
RUN = FakeRun()


def noise(length=30011, channels=2):
    return Audio.of(np.random.default_rng(1).standard_normal((channels, length)).astype(np.float32), RATE)


def response_db(kind, **knobs):
    """Gain in dB at frequencies, from the filter's impulse response."""
    click = np.zeros((1, 2 * RATE), np.float32)
    click[0, RATE] = 1
    out = band(Audio.of(click, RATE), kind=kind, run=RUN, **knobs).samples[0]
    gains = np.abs(np.fft.rfft(out.astype(np.float64)))
    return lambda hz: 20 * np.log10(gains[np.asarray(hz) * 2] + 1e-12)


def test_gain_is_decibels_and_polarity():
    audio = noise()
    assert np.allclose(gain(audio, gain=20.0).samples, 10 * audio.samples)
    assert np.array_equal(gain(audio, invert=True).samples, -audio.samples)
    both = gain(Stems({"a": audio, "b": audio}), gain=-20.0)
    assert np.allclose(both["b"].samples, audio.samples / 10)


@pytest.mark.parametrize(("kind", "passed", "stopped"), [
    ("lowpass", [20, 500, 940], [1061, 2000, 20000]),
    ("highpass", [1061, 2000, 20000], [20, 500, 940]),
    ("bandpass", [1061, 2000, 2940], [20, 940, 3061, 20000]),
    ("notch", [20, 940, 3061, 20000], [1061, 2000, 2940]),
])  # fmt: skip
def test_filters_pass_and_stop_what_they_say(kind, passed, stopped):
    response = response_db(kind, cutoff=1000.0, upper=3000.0, width=120.0)
    assert np.abs(response(passed)).max() < 0.01
    assert response(stopped).max() < -95
    assert response([1000]) == pytest.approx(-6.02, abs=0.05)


def test_a_filter_moves_nothing_in_time():
    click = np.zeros((1, 9001), np.float32)
    click[0, 4500] = 1
    out = band(Audio.of(click, RATE), kind="lowpass", run=RUN).samples[0]
    assert np.argmax(out) == 4500
    assert np.allclose(out, out[::-1], atol=1e-7)


def test_a_cutoff_above_half_the_rate_changes_nothing():
    audio = noise()
    assert np.allclose(band(audio, kind="lowpass", cutoff=30000.0, run=RUN).samples, audio.samples, atol=1e-6)


def test_edges_in_the_wrong_order_are_refused():
    with pytest.raises(NodeError, match=r"upper edge \(500 Hz\) must lie above the cutoff \(1000 Hz\)"):
        band(noise(), kind="notch", upper=500.0, run=RUN)


@pytest.mark.parametrize("length", [1, 2, 100, 6400, 300_007])
def test_fast_convolution_is_convolution(length):
    audio = noise(length, 1)
    taps = lowpass_taps(1000.0, 400.0, RATE)
    exact = scipy.signal.fftconvolve(audio.samples[0].astype(np.float64), taps.astype(np.float64))
    half = len(taps) // 2
    assert np.abs(convolve(audio.samples, taps, RUN)[0] - exact[half : half + length]).max() < 2e-6


def test_crossover_bands_sum_to_the_input():
    audio = noise()
    low, high = crossover(audio, cutoff=500.0, run=RUN)
    assert np.abs(low.samples + high.samples - audio.samples).max() < 1e-6
    assert np.std(low.samples) < 0.2 * np.std(high.samples)


@pytest.mark.parametrize(("shape", "middle"), [
    ("linear", 0.5), ("smooth", 0.5), ("equal_power", 0.5**0.5), ("exponential", 10**-1.5)
])  # fmt: skip
def test_fades_have_their_shape_at_the_ends_of_the_song_alone(shape, middle):
    ones = Audio.of(np.ones((1, 1001), np.float32), 100)
    out = fade(ones, fade_in=2.0, fade_out=4.0, shape=shape).samples[0]
    assert out[0] == out[-1] == 0
    assert out[100] == out[-201] == pytest.approx(middle)
    assert np.all(out[200:601] == 1)
    inner = ones.crop(Span(300, 500, 1001, 100))
    assert np.array_equal(fade(inner, fade_in=2.0, fade_out=4.0, shape=shape).samples, inner.samples)


def test_bass_and_treble_are_what_they_say_and_meet_half_way():
    click = np.zeros((1, 2 * RATE), np.float32)
    click[0, 0] = 1
    made = shelf(Audio.of(click, RATE), low=-3.0, high=9.0, frequency=1000.0, run=RUN).samples[0]
    gains = 20 * np.log10(np.abs(np.fft.rfft(made.astype(np.float64))))
    assert gains[[0, 2 * 20, 2 * 1000, 2 * 24000]] == pytest.approx([-3, -3, 3, 9], abs=0.02)


@pytest.mark.parametrize("frequency", [50.0, 1000.0, 10000.0])
def test_bass_and_treble_can_be_undone(frequency):
    audio, knobs = noise(200_011), {"low": 24.0, "high": -24.0, "frequency": frequency, "run": RUN}
    made = shelf(audio, **knobs)
    back = shelf(made, undo=True, **knobs)
    assert np.abs(back.samples - audio.samples).max() < 1e-4  # what float32 holds of what was 48 dB softer
