import numpy as np
import pytest
import soxr
from songs import song_of_the_demo

from midistems_graph.node import Audio, Span, Stems
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.measure.offset import offset
from midistems_nodes.phase.align import align, offset_model

RATE = 8000
RNG = np.random.default_rng(3)


def sound(channels=2, length=24000):
    """Noise without its highest tenth, which a fractional delay cannot move exactly."""
    spectrum = np.fft.rfft(RNG.standard_normal((channels, length)))
    spectrum[:, int(0.9 * spectrum.shape[1]) :] = 0
    quiet = np.hanning(length)
    return Audio.of((0.1 * quiet * np.fft.irfft(spectrum, length)).astype(np.float32), RATE)


def delayed(audio, samples):
    """Moved to later by any number of samples, exactly (around the ends, which are silent)."""
    frequency = np.fft.rfftfreq(audio.span.frames)
    spectrum = np.fft.rfft(audio.samples) * np.exp(-2j * np.pi * frequency * samples)
    return audio.with_samples(np.fft.irfft(spectrum, audio.span.frames).astype(np.float32))


def aligned(audio, reference, **knobs):
    model = offset_model(
        Tiles(audio, 3001), Tiles(reference, 3001), **_only(knobs, "max_delay", "polarity", "follow"), run=FakeRun()
    )
    return align(audio, reference, model, **knobs, run=FakeRun())


def _only(knobs, *names):
    return {name: value for name, value in knobs.items() if name in names}


@pytest.mark.parametrize("delay", [0, 5, -31, 12.37, -200.75, 0.5])
@pytest.mark.parametrize("factor", [1.0, -0.5])
def test_a_moved_sound_comes_back(delay, factor):
    reference = sound()
    moved = delayed(reference, delay)
    back = aligned(moved.with_samples(moved.samples * np.float32(factor)), reference, level=True)
    error = np.sum((back.samples - reference.samples) ** 2) / np.sum(reference.samples**2)
    assert 10 * np.log10(error) < -60


def test_whole_samples_are_moved_without_a_filter():
    reference = sound()
    late = np.zeros_like(reference.samples)
    late[:, 40:] = reference.samples[:, :-40]
    back = aligned(reference.with_samples(late), reference)
    assert np.array_equal(back.samples[:, :-40], reference.samples[:, :-40])


def test_level_and_polarity_stay_where_they_are_not_asked_for():
    reference = sound()
    upside_down = reference.with_samples(-0.5 * reference.samples)
    assert np.array_equal(aligned(upside_down, reference).samples, 0.5 * reference.samples)
    with_bias = aligned(reference.with_samples(0.5 * reference.samples), reference, polarity=False)
    assert np.array_equal(with_bias.samples, 0.5 * reference.samples)


def test_figures_are_in_milliseconds_and_db():
    reference = sound()
    moved = delayed(reference, 20)
    found = offset(Tiles(moved.with_samples(-2 * moved.samples), 5000), Tiles(reference, 5000), run=FakeRun())
    assert found.delay.value == pytest.approx(2.5, abs=1e-3)
    assert found.level.value == pytest.approx(20 * np.log10(2), abs=1e-2)
    assert found.likeness.value == pytest.approx(-1, abs=1e-3)


def test_tiles_do_not_matter():
    reference, moved = (audio := sound()), delayed(audio, 33.3)
    one, many = (offset(Tiles(moved, n), Tiles(reference, n), run=FakeRun()) for n in (24000, 777))
    assert one.delay.value == pytest.approx(many.delay.value, abs=1e-9)


def test_a_window_is_the_same_as_the_whole_song():
    reference = sound()
    moved = delayed(reference, 100.25)
    knobs = {"max_delay": 0.02}
    model = offset_model(Tiles(moved), Tiles(reference), **knobs, run=FakeRun())
    whole = align(moved, reference, model, **knobs, run=FakeRun())
    wide, inner = Span(9000, 15000, 24000, RATE), Span(9400, 14600, 24000, RATE)
    part = align(moved.crop(wide), reference.crop(wide), model, **knobs, run=FakeRun())
    assert np.abs(part.crop(inner).samples - whole.crop(inner).samples).max() < 1e-6


def test_strangers_are_said_and_silence_stays():
    run = FakeRun()
    offset_model(Tiles(sound()), Tiles(sound()), run=run)
    assert "hardly resemble" in run.warnings[0]
    silent = sound().with_samples(np.zeros((2, 24000)))
    assert not aligned(silent, sound()).samples.any()


def mixed(stems):
    return Audio.of(np.sum([audio.samples for audio in stems.audio.values()], axis=0, dtype=np.float32), stems.rate)


def from_another_clock(audio, ppm, delay, factor):
    """Resampled by another library as by a clock that is off by millionths, then moved by an exact fraction."""
    slow = soxr.resample(audio.samples.T.astype(float), audio.rate, audio.rate * (1 + ppm * 1e-6), quality="VHQ").T
    size = 1 << 19
    spectrum = np.fft.rfft(slow, size) * np.exp(-2j * np.pi * np.fft.rfftfreq(size) * delay)
    return audio.with_samples((factor * np.fft.irfft(spectrum, size)[:, : audio.span.frames]).astype(np.float32))


def error_db(found, true, inner=slice(None)):
    error, whole = (np.sum(np.square(x[:, inner], dtype=float)) for x in (found.samples - true.samples, true.samples))
    return 10 * np.log10(error / whole)


def test_a_stem_set_of_another_clock_comes_back():
    stems = song_of_the_demo(9)
    reference = mixed(stems)
    strange = stems.map({n: from_another_clock(a, 20, 1234.5, -0.4) for n, a in stems.audio.items()})
    model = offset_model(Tiles(strange, 441000), Tiles(reference, 441000), follow="drift", run=FakeRun())
    assert model.notes["drift"] == pytest.approx(20, abs=0.05)
    back = align(strange, reference, model, follow="drift", level=True, run=FakeRun())
    inner = slice(4000, -4000)  # what was moved beyond the ends is gone
    for name, audio in stems.audio.items():
        assert error_db(back.audio[name], audio, inner) < -60, name
    assert error_db(mixed(back), reference, inner) < -60


def test_one_stem_tells_where_its_whole_set_belongs():
    stems = song_of_the_demo(9)
    late = Stems({"drums": from_another_clock(stems.audio["drums"], -40, 300.25, 1)})
    model = offset_model(Tiles(late, 441000), Tiles(mixed(stems), 441000), follow="drift", run=FakeRun())
    back = align(late, mixed(stems), model, follow="drift", run=FakeRun())
    assert error_db(back.audio["drums"], stems.audio["drums"], slice(4000, -4000)) < -40


def test_a_delay_that_wanders_is_followed():
    reference = mixed(song_of_the_demo(6))
    n = reference.span.frames
    wow = 20 * np.sin(2 * np.pi * np.arange(n) / n)  # samples, one turn in the whole stretch
    fine = soxr.resample(reference.samples.T.astype(float), 44100, 8 * 44100, quality="VHQ").T
    at = np.clip((np.arange(n) - wow) * 8, 0, 8 * n - 2)
    part = at - np.floor(at)
    wavy = (1 - part) * fine[:, at.astype(int)] + part * fine[:, at.astype(int) + 1]
    strange = reference.with_samples(wavy.astype(np.float32))
    knobs = {"follow": "curve", "max_delay": 0.01}
    model = offset_model(Tiles(strange, 441000), Tiles(reference, 441000), **knobs, run=FakeRun())
    back = align(strange, reference, model, **knobs, run=FakeRun())
    assert error_db(strange, reference) > -3
    assert error_db(back, reference, slice(22050, -22050)) < -30


def test_an_edit_makes_the_delay_jump():
    reference = mixed(song_of_the_demo(6))
    cut = reference.span.frames // 2
    strange = np.array(reference.samples)
    strange[:, cut - 2000 : -2000] = reference.samples[:, cut:]  # two thousand samples are missing from there on
    knobs = {"follow": "curve", "max_delay": 0.1}
    moved = reference.with_samples(strange)
    model = offset_model(Tiles(moved, 441000), Tiles(reference, 441000), **knobs, run=FakeRun())
    back = align(moved, reference, model, **knobs, run=FakeRun())
    around = 2 * (1 << 15)
    assert error_db(back, reference, slice(0, cut - around)) < -40
    assert error_db(back, reference, slice(cut + around, -22050)) < -40
