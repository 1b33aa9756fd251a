import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midistems_graph.node import Magnitude, Mask, NodeError, Span, Spectrogram, StftSettings
from midistems_graph.node.testing import FakeRun
from midistems_nodes.mask.apply import apply
from midistems_nodes.mask.share import share
from midistems_nodes.mask.soft import soft

SETTINGS = StftSettings(16, 8)
SPAN = Span.whole(320, 8000)
RUN = FakeRun()


def values(kind, seed=0, channels=2, scale=1.0):
    bins = scale * np.random.default_rng(seed).random((channels, 41, 9)).astype(np.float32)
    return kind(bins, SPAN, SETTINGS)


@settings(max_examples=30, deadline=None)
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
