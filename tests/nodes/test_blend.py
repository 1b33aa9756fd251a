import numpy as np
import pytest

from midistems_graph.audio.stft import stft
from midistems_graph.node import Audio, NodeError, Stems, StftSettings
from midistems_graph.node.testing import FakeRun
from midistems_nodes.blend.ensemble import ensemble
from midistems_nodes.blend.ensemble_stft import ensemble_stft
from midistems_nodes.blend.mix import crossfade, mix, residual
from midistems_nodes.blend.order import median

RUN = FakeRun()


def sound(seed, length=5003, rate=44100, channels=2):
    return Audio.of(np.random.default_rng(seed).standard_normal((channels, length)).astype(np.float32), rate)


A, B, C = (sound(seed) for seed in range(3))


def test_a_mix_is_the_sum_also_of_stems_by_name():
    assert np.allclose(mix((A, B, C)).samples, A.samples + B.samples + C.samples, atol=1e-6)
    both = mix((Stems({"x": A, "y": B}, True), Stems({"y": C, "x": C}, True)))
    assert list(both) == ["x", "y"] and both.complete
    assert np.array_equal(both["y"].samples, B.samples + C.samples)


def test_the_residual_of_all_parts_is_nothing():
    mixture = mix((A, B, C))
    assert np.abs(residual(mixture, (A, Stems({"b": B, "c": C}))).samples).max() < 1e-6
    assert np.array_equal(residual(A, ()).samples, A.samples)


def test_crossfade_goes_from_one_to_the_other():
    assert np.array_equal(crossfade(A, B, amount=0.0).samples, A.samples)
    assert np.array_equal(crossfade(A, B, amount=1.0).samples, B.samples)
    assert np.allclose(crossfade(A, B, amount=0.25).samples, 0.75 * A.samples + 0.25 * B.samples, atol=1e-6)


@pytest.mark.parametrize(("other", "said"), [
    (sound(1, rate=48000), "44100 Hz and another 48000 Hz"),
    (sound(1, length=9), "inputs must be equally long"),
    (sound(1, channels=1), "2 channels and another 1"),
])  # fmt: skip
def test_signals_that_do_not_match_are_refused(other, said):
    with pytest.raises(NodeError, match=said):
        mix((A, other))


def test_sets_of_other_names_and_no_signals_are_refused():
    with pytest.raises(NodeError, match=r"stems x, another y; .* stems.rename"):
        crossfade(Stems({"x": A}), Stems({"y": A}))
    with pytest.raises(NodeError, match="nothing is connected to signals"):
        mix(())


def test_ensembles_in_the_waveform():
    stack = np.stack([A.samples, B.samples, C.samples])
    sizes = np.abs(stack)
    for method, expected in {
        "average": stack.mean(axis=0),
        "median": np.median(stack, axis=0),
        "min": np.take_along_axis(stack, sizes.argmin(axis=0)[None], 0)[0],
        "max": np.take_along_axis(stack, sizes.argmax(axis=0)[None], 0)[0],
    }.items():
        assert np.allclose(ensemble((A, B, C), method=method, run=RUN).samples, expected, atol=1e-6), method


def test_weights_count_and_must_fit():
    expected = (3 * A.samples + B.samples) / 4
    assert np.allclose(ensemble((A, B), weights=(3.0, 1.0), run=RUN).samples, expected, atol=1e-6)
    with pytest.raises(NodeError, match="1 numbers for 2 estimates"):
        ensemble((A, B), weights=(1.0,), run=RUN)


@pytest.mark.parametrize("count", range(1, 8))
def test_the_median_is_the_median(count):
    parts = list(np.random.default_rng(count).standard_normal((count, 50, 7)).astype(np.float32))
    assert np.allclose(median(parts), np.median(np.stack(parts), axis=0), atol=1e-7)


def test_a_median_drops_an_outlier():
    assert np.array_equal(ensemble((A, A, B), method="median", run=RUN).samples, A.samples)
    assert np.abs(ensemble_stft((A, A, B), method="median", run=RUN).samples - A.samples).max() < 3e-6


def test_spectral_ensembles_take_the_weakest_and_the_strongest_bin():
    """Two tones that lie in one estimate each: min loses both, max keeps both."""
    time = np.arange(22050) / 44100
    low, high = (Audio.of(np.sin(2 * np.pi * f * time), 44100) for f in (440, 5000))
    both = mix((low, high))
    size = {}
    for method in ("min", "max", "average"):
        out = ensemble_stft((low, high), method=method, run=RUN)
        size[method] = np.abs(stft(out, StftSettings()).bins[0, 10])
    reference = np.abs(stft(both, StftSettings()).bins[0, 10])
    assert size["min"].max() < 0.01 * reference.max()
    assert np.abs(size["max"] - reference).max() < 0.01 * reference.max()
    assert np.abs(size["average"] - reference / 2).max() < 0.01 * reference.max()


def test_the_spectral_average_is_the_average():
    average = ensemble_stft((A, B), method="average", run=RUN)
    assert np.abs(average.samples - (A.samples + B.samples) / 2).max() < 3e-6
