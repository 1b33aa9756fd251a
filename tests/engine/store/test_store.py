"""The promises of a store, held by every implementation."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from midistems_graph.audio import codec
from midistems_graph.audio.values import (
    Audio,
    Features,
    Magnitude,
    Mask,
    Number,
    Phase,
    Scores,
    Separator,
    Span,
    Spectrogram,
    Stems,
    StftSettings,
    Text,
)
from midistems_graph.engine.store import MissingValue

names = st.text(max_size=8)
reals = st.floats(width=32)


@st.composite
def spans(draw, longest=3000):
    start, stop, total = sorted(draw(st.tuples(*[st.integers(0, longest)] * 3)))
    return Span(start, stop, total, draw(st.sampled_from([8000, 44100, 48000])))


@st.composite
def audios(draw, span=None, channels=None):
    span = span or draw(spans())
    shape = (channels or draw(st.integers(1, 6)), span.frames)
    return Audio(draw(npst.arrays(np.float32, shape, elements=reals, fill=reals)), span)


@st.composite
def bins(draw):
    span, stft = draw(spans()), StftSettings(draw(st.sampled_from([16, 64])), 16, "hann")
    kind = draw(st.sampled_from([Spectrogram, Magnitude, Phase, Mask]))
    shape = (draw(st.integers(1, 2)), len(span.stft_frames(stft.hop)), stft.n_bins)
    real = draw(npst.arrays(np.float32, shape, elements=reals, fill=reals))
    return kind(real * np.complex64(1 + 0.5j) if kind is Spectrogram else real, span, stft)


@st.composite
def stem_sets(draw):
    span, channels = draw(spans()), draw(st.integers(1, 2))
    stems = draw(st.dictionaries(names, audios(span, channels), min_size=1, max_size=3))
    return Stems(stems, draw(st.booleans()))


plain = npst.boolean_dtypes() | npst.integer_dtypes() | npst.floating_dtypes() | npst.complex_number_dtypes()
features = st.builds(
    Features,
    st.dictionaries(names, npst.arrays(plain, npst.array_shapes(min_dims=0, min_side=0)), max_size=3),
    st.dictionaries(names, st.floats()),
)
knob = st.integers(-(2**60), 2**60) | st.booleans() | names | st.floats(allow_nan=False)
values = st.one_of(
    audios(),
    bins(),
    stem_sets(),
    features,
    st.builds(Number, st.floats(), names),
    st.builds(Text, st.text()),
    st.builds(Scores, st.dictionaries(names, st.dictionaries(names, st.floats())), st.dictionaries(names, names)),
    st.builds(Separator, names, st.lists(st.tuples(names, knob)).map(tuple), names),
)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # huge numbers overflow while the values are being made
@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(value=values)
def test_every_kind_of_value_comes_back_as_it_was(store, put, value):
    record = put(store, "unit", value)
    again = store.get(record.outputs["out0"])
    assert type(again) is type(value)
    assert codec.digest(again) == codec.digest(value) == record.outputs["out0"]


def test_a_unit_is_found_with_all_that_was_said_about_it(store, put, noise, key):
    record = put(store, "unit", noise(1), Number(2.0), seconds=3.5, tile="7")
    assert store.find(key("unit")) == record
    assert (record.seconds, record.nbytes, record.facts) == (3.5, 800_000, {"tile": "7"})
    assert store.find(key("another")) is None


def test_a_unit_without_outputs_is_found(store, put, key):
    assert store.find(key("unit")) is None
    assert put(store, "unit") == store.find(key("unit"))


def test_a_value_written_once_is_shared_by_equal_units(store, put, noise, key):
    first = put(store, "first", noise(1))
    size = store.size()
    second = put(store, "second", noise(1))
    assert second.outputs == first.outputs
    assert store.size() == size >= 800_000
    assert store.find(key("first")) and store.find(key("second"))


def test_arrays_from_the_store_cannot_be_changed(store, put, noise):
    for samples in (10, 100_000):  # read, and mapped
        audio = store.get(put(store, f"unit {samples}", noise(1, samples)).outputs["out0"])
        with pytest.raises(ValueError, match="read-only"):
            audio.samples[0, 0] = 1.0


def test_a_cropped_value_is_stored_as_what_it_shows(store, put, noise):
    part = noise(1).crop(Span(50_000, 90_000, 100_000, 44100))
    again = store.get(put(store, "part", part).outputs["out0"])
    np.testing.assert_array_equal(again.samples, part.samples)
    assert again.span == part.span


def test_an_unknown_digest_is_a_missing_value(store):
    for digest in ("0" * 64, "../../../etc/passwd", ""):
        with pytest.raises(MissingValue):
            store.get(digest)


def test_values_stay_usable_after_the_store_is_closed(store, put, noise):
    audio = store.get(put(store, "unit", noise(1)).outputs["out0"])
    store.clear()
    store.close()
    np.testing.assert_array_equal(audio.samples, noise(1).samples)


def test_a_unit_that_ran_again_leaves_only_its_last_result(store, put, noise, key):
    old = put(store, "unit", noise(1))
    new = put(store, "unit", noise(2))
    assert store.find(key("unit")) == new
    assert store.size() < 2 * 800_000
    with pytest.raises(MissingValue):
        store.get(old.outputs["out0"])


def test_clearing_a_song_keeps_what_other_songs_share(store, put, noise, key):
    put(store, "a", noise(1), noise(2), song="a")
    shared = put(store, "b", noise(2), song="b")
    assert set(store.songs()) == {"a", "b"}
    before = store.size()
    assert store.clear("a") == before - store.size() >= 800_000
    assert store.find(key("a")) is None
    assert store.find(key("b")) == shared
    assert store.songs() == {"b": store.size()}


def test_clearing_leaves_only_what_is_pinned(store, put, noise, key):
    pinned = put(store, "pinned", noise(1)).outputs["out0"]
    put(store, "free", noise(2))
    assert store.pin([pinned])
    store.clear()
    assert store.find(key("pinned")) is None
    assert codec.digest(store.get(pinned)) == pinned
    store.unpin([pinned])
    store.clear()
    assert store.size() == 0


def test_a_value_pinned_twice_needs_both_taken_back(store, put):
    digest = put(store, "unit", Number(1.0)).outputs["out0"]
    store.pin([digest])
    store.pin([digest])
    store.unpin([digest])
    store.clear()
    assert store.get(digest) == Number(1.0)


def test_what_was_pinned_twice_may_be_taken_back_in_one_call(store, put):
    digest = put(store, "unit", Number(1.0)).outputs["out0"]
    store.pin([digest])
    store.pin([digest])
    store.unpin([digest, digest])
    store.clear()
    with pytest.raises(MissingValue):
        store.get(digest)


def test_pinning_tells_when_a_value_is_gone(store, put):
    digest = put(store, "unit", Number(1.0)).outputs["out0"]
    assert store.pin([digest])
    assert not store.pin([digest, "0" * 64])


def test_explain_names_the_knob_that_was_turned(store, put):
    put(store, "unit", Number(1.0), **{"knob n_fft": "2048", "knob hop": "512", "tile": "0"})
    facts = {"knob n_fft": "4096", "knob hop": "512", "tile": "0"}
    assert store.explain("refine/hpss", "separate.hpss", "song", facts) == ["knob n_fft: 2048 -> 4096"]


def test_explain_compares_with_the_nearest_unit_of_the_same_tile(store, put):
    put(store, "far", Number(1.0), **{"knob n_fft": "2048", "knob hop": "1", "input mixture": "a" * 64, "tile": "0"})
    put(store, "near", Number(2.0), **{"knob n_fft": "2048", "knob hop": "2", "input mixture": "b" * 64, "tile": "0"})
    put(store, "other", Number(3.0), **{"knob n_fft": "4096", "knob hop": "2", "input mixture": "c" * 64, "tile": "1"})
    facts = {"knob n_fft": "2048", "knob hop": "2", "input mixture": "c" * 64, "tile": "0"}
    why = store.explain("refine/hpss", "separate.hpss", "song", facts)
    assert why == ["input mixture: bbbbbbbb -> cccccccc"]


def test_explain_names_what_came_and_went(store, put):
    put(store, "unit", Number(1.0), **{"knob old": "1"})
    why = store.explain("refine/hpss", "separate.nmf", "song", {"knob new": "2"})
    assert why == ["knob new: 2 is new", "knob old: 1 is gone", "node type: separate.hpss -> separate.nmf"]


def test_explain_says_when_there_is_nothing_to_compare_with(store, put):
    put(store, "unit", Number(1.0), node="elsewhere")
    put(store, "unit", Number(1.0), song="another song")
    assert store.explain("refine/hpss", "separate.hpss", "song", {}) == ["it has not been computed before"]


def test_explain_has_nothing_to_say_about_a_result_that_is_there(store, put):
    put(store, "unit", Number(1.0), tile="0")
    assert store.explain("refine/hpss", "separate.hpss", "song", {"tile": "0"}) == []


def test_a_sound_store_verifies(store, put, noise):
    put(store, "unit", noise(1), Number(1.0))
    report = store.verify()
    assert report.sound and report.checked == 2


def test_threads_share_a_store(store, put, key):
    def work(i: int) -> float:
        put(store, f"unit {i}", Number(i % 10), node=f"node {i}")
        found = store.find(key(f"unit {i}"))
        assert found and store.pin(found.outputs.values())
        value = store.get(found.outputs["out0"]).value
        store.unpin(found.outputs.values())
        return value

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(work, range(100))) == [i % 10 for i in range(100)]
    assert store.verify().checked == 10
