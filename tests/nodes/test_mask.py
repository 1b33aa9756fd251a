import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midistems_graph.node import Audio, Magnitude, Mask, NodeError, Span, Spectrogram, StftSettings
from midistems_graph.node.testing import FakeRun
from midistems_nodes.mask.apply import apply
from midistems_nodes.mask.paint import paint
from midistems_nodes.mask.share import share
from midistems_nodes.mask.soft import soft

SETTINGS = StftSettings(16, 8)
SPAN = Span.whole(320, 8000)
RUN = FakeRun()


def values(kind, seed=0, channels=2, scale=1.0):
    bins = scale * np.random.default_rng(seed).random((channels, 41, 9)).astype(np.float32)
    return kind(bins, SPAN, SETTINGS)


@settings(max_examples=30)
@given(st.floats(0.1, 10), st.floats(-30, 30), st.integers(2, 4), st.booleans())
def test_masks_of_all_sources_sum_to_one(power, exponent, count, binary):
    magnitudes = [values(Magnitude, seed, scale=10.0**exponent) for seed in range(count)]
    masks = [
        soft(m, tuple(o for o in magnitudes if o is not m), power=power, binary=binary, run=RUN) for m in magnitudes
    ]
    assert np.allclose(sum(mask.bins for mask in masks), 1, atol=1e-6)


def test_power_two_is_the_wiener_mask_and_one_the_ratio_mask():
    a, b = values(Magnitude, 1), values(Magnitude, 2)
    assert np.allclose(soft(a, (b,), power=2.0, run=RUN).bins, a.bins**2 / (a.bins**2 + b.bins**2), atol=1e-6)
    assert np.allclose(soft(a, (b,), power=1.0, run=RUN).bins, a.bins / (a.bins + b.bins), atol=1e-6)
    assert np.array_equal(soft(a, (b,), binary=True, run=RUN).bins, (a.bins > b.bins).astype(np.float32))


def test_silence_is_shared_equally():
    silent = values(Magnitude, scale=0)
    for binary in (False, True):
        assert np.allclose(soft(silent, (silent, silent), binary=binary, run=RUN).bins, 1 / 3)
    assert np.allclose(share(values(Mask, scale=0), (values(Mask, scale=0),)).bins, 0.5)


def test_shared_masks_sum_to_one():
    masks = [values(Mask, seed, scale=2) for seed in range(3)]
    shared = [share(m, tuple(o for o in masks if o is not m)) for m in masks]
    assert np.allclose(sum(m.bins for m in shared), 1, atol=1e-6)
    assert np.allclose(shared[0].bins * masks[1].bins, shared[1].bins * masks[0].bins, atol=1e-6)


def test_a_mask_multiplies_every_bin_and_one_channel_serves_all():
    spectrogram, mono = values(Spectrogram), values(Mask, 5, channels=1)
    assert np.array_equal(apply(spectrogram, mono).bins, spectrogram.bins * mono.bins)
    with pytest.raises(NodeError, match="3 channels does not fit a spectrogram of 2"):
        apply(spectrogram, values(Mask, channels=3))


RATE = 44100
TONES = (300.0, 1000.0, 4000.0)


def tones(seconds=4.0, channels=2):
    """Three tones, as loud as each other."""
    time = np.arange(int(seconds * RATE)) / RATE
    return Audio.of(np.tile(sum(0.1 * np.sin(2 * np.pi * hz * time) for hz in TONES), (channels, 1)), RATE)


def levels(audio, start, stop):
    """Levels in dB of the three tones on a stretch."""
    part = audio.samples[0, int(start * RATE) : int(stop * RATE)].astype(np.float64)
    bins = np.abs(np.fft.rfft(part * np.hanning(len(part)))) / len(part) * 4
    return [20 * np.log10(bins[round(hz * len(part) / RATE)] / 0.1 + 1e-12) for hz in TONES]


def test_what_is_painted_is_softer_and_nothing_else():
    painted = paint(tones(), strokes=("rectangle -40 1,700 3,1500",), run=RUN)
    assert levels(painted, 1.5, 2.5) == pytest.approx([0, -40, 0], abs=0.2)


@settings(max_examples=25)
@given(
    st.sampled_from(
        [
            "rectangle -40 {a},200 {b},9000",
            "lasso 6 {a},100 {b},5000 {a},9000",
            "brush -12 0.05,4 {a},300 {b},500",
            "harmonic -60 20 {a},110 {b},120",
        ]
    ),
    st.floats(0, 4),
    st.floats(0.001, 1),
    st.sampled_from([512, 4096]),
)
def test_samples_that_no_stroke_reaches_are_the_very_ones_that_came_in(shape, start, length, n_fft):
    song = Audio.of(0.2 * np.random.default_rng(3).standard_normal((2, 4 * RATE)), RATE)
    text = shape.format(a=f"{start:.6f}", b=f"{start + length:.6f}")
    painted = paint(song, strokes=(text,), n_fft=n_fft, run=RUN)
    around = 0.05 if "brush" in shape else 0.0
    low = int((start - around) * RATE) - n_fft
    high = int((start + length + around) * RATE) + n_fft
    same = painted.samples.view(np.int32) == song.samples.view(np.int32)
    assert same[:, : max(low, 0)].all() and same[:, max(high, 0) :].all()
    if start < 3.5:
        assert not same.all()


def test_without_strokes_and_beyond_the_song_it_is_the_same_sound():
    song = tones(1.0)
    assert paint(song, run=RUN) is song
    assert paint(song, strokes=("rectangle -40 5,100 6,200",), run=RUN) is song


def test_a_stroke_holds_at_every_fft_size():
    for n_fft in (1024, 2048, 8192):
        painted = paint(tones(), strokes=("rectangle -30 1,700 3,1500",), n_fft=n_fft, run=RUN)
        assert levels(painted, 1.5, 2.5) == pytest.approx([0, -30, 0], abs=0.3)


def test_levels_of_strokes_that_overlap_add_up():
    twice = paint(tones(), strokes=("rectangle -20 1,700 3,1500", "lasso -20 1,700 3,700 3,1500 1,1500"), run=RUN)
    assert levels(twice, 1.5, 2.5)[1] == pytest.approx(-40, abs=0.3)


def test_a_harmonic_selection_takes_all_multiples_of_a_pitch():
    painted = paint(tones(), strokes=("harmonic -40 30 1,100 3,100",), run=RUN)
    assert levels(painted, 1.5, 2.5) == pytest.approx([-40, -40, -40], abs=1)
    painted = paint(tones(), strokes=("harmonic -40 30 1,150 3,150",), run=RUN)
    assert levels(painted, 1.5, 2.5) == pytest.approx([-40, 0, 0], abs=0.5)


def test_the_last_and_first_samples_can_be_painted():
    song = tones(1.0)
    painted = paint(song, strokes=("rectangle -120 0,0 1,22050",), run=RUN)
    assert np.abs(painted.samples).max() < 1e-5


def test_what_is_no_stroke_is_refused_in_a_sentence():
    with pytest.raises(NodeError, match="'circle 3' is no stroke; write one such as 'rectangle"):
        paint(tones(0.1), strokes=("circle 3",), run=RUN)
    with pytest.raises(NodeError, match="300 dB; allowed: -120 to 24 dB"):
        paint(tones(0.1), strokes=("rectangle 300 0,1 1,2",), run=RUN)
