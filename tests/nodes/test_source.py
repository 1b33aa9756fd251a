import numpy as np
import pytest

from midistems_graph.node import NodeError, Span
from midistems_graph.node.testing import FakeRun
from midistems_nodes.source.impulses import impulses
from midistems_nodes.source.noise import noise
from midistems_nodes.source.sine import sine
from midistems_nodes.source.sweep import sweep


def run(start=0, stop=96000, total=96000, rate=48000):
    return FakeRun(Span(start, stop, total, rate))


def power_between(samples, rate, low, high):
    power = np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2
    frequency = np.fft.rfftfreq(len(samples), 1 / rate)
    return power[(frequency >= low) & (frequency < high)].sum()


def test_a_sine_is_the_formula_ten_hours_into_a_song():
    start = 10 * 3600 * 48000
    tone = sine(frequency=999.7, level=-6.0, phase=30.0, channels=1, run=run(start, start + 4800, start + 4800))
    n = np.arange(start, start + 4800).astype(np.longdouble)
    exact = 10 ** (-6 / 20) * np.sin(2 * np.pi * ((np.longdouble("999.7") * n / 48000 + 30 / 360) % 1))
    assert np.abs(tone.samples[0] - exact).max() < 1e-6


def test_a_sine_above_half_the_rate_is_silent():
    assert not sine(frequency=24000.0, run=run()).samples.any()


def test_a_sweep_passes_its_pitches_in_equal_time_per_octave():
    tone = sweep(low=100.0, high=6400.0, duration=1.5, level=0.0, channels=1, run=run()).samples[0]
    crossings = np.flatnonzero((tone[:-1] < 0) & (tone[1:] >= 0)) / 48000
    frequency, middle = 1 / np.diff(crossings), (crossings[:-1] + crossings[1:]) / 2
    expected = 100 * 64 ** (middle / 1.5)
    inside = (middle < 1.49) & (frequency > 1)
    assert np.allclose(frequency[inside & (expected < 2000)], expected[inside & (expected < 2000)], rtol=0.05)
    assert not tone[72000:].any()
    assert np.abs(tone).max() == pytest.approx(1, abs=1e-4)


def test_a_sweep_beyond_half_the_rate_is_refused():
    with pytest.raises(NodeError, match="at most at 24000 Hz"):
        sweep(high=30000.0, run=run())


def test_impulses_stand_where_they_should():
    clicks = impulses(start=0.25, interval=0.5, level=-20.0, run=run()).samples
    assert np.flatnonzero(clicks[0]).tolist() == [12000, 36000, 60000, 84000]
    assert clicks[1].max() == pytest.approx(0.1)
    assert np.flatnonzero(impulses(start=1.0, interval=0.0, run=run()).samples[0]).tolist() == [48000]
    dense = impulses(start=1.9999, interval=1e-12, run=run()).samples[0]
    assert np.flatnonzero(dense).tolist() == [*range(95995, 96000)]


@pytest.mark.parametrize("colour", ["white", "pink"])
@pytest.mark.parametrize(("start", "stop"), [(0, 1), (8191, 8193), (20000, 50001), (95999, 96000)])
def test_noise_is_the_same_in_every_window(colour, start, stop):
    whole = noise(colour=colour, seed=3, run=run()).samples
    part = noise(colour=colour, seed=3, run=run(start, stop)).samples
    assert np.array_equal(part, whole[:, start:stop])


@pytest.mark.parametrize("colour", ["white", "pink"])
def test_noise_has_its_level_and_independent_channels_and_seeds(colour):
    song = run(stop=960000, total=960000)
    one = noise(colour=colour, level=-20.0, run=song).samples
    other = noise(colour=colour, level=-20.0, seed=1, run=song).samples
    assert 20 * np.log10(np.sqrt(np.mean(one**2))) == pytest.approx(-20, abs=0.3)
    assert abs(np.corrcoef(one)[0, 1]) < 0.05
    assert abs(np.corrcoef(one[0], other[0])[0, 1]) < 0.05


def test_white_noise_is_even_per_hertz_and_pink_noise_per_octave():
    song = run(stop=480000, total=480000)
    white, pink = (noise(colour=c, channels=1, run=song).samples[0] for c in ("white", "pink"))
    ratio = power_between(white, 48000, 4000, 8000) / power_between(white, 48000, 1000, 2000)
    assert 10 * np.log10(ratio) == pytest.approx(6.02, abs=0.3)
    ratio = power_between(pink, 48000, 8000, 16000) / power_between(pink, 48000, 125, 250)
    assert 10 * np.log10(ratio) == pytest.approx(0, abs=0.7)
