"""The laws of nodes, held by every node type of every installed pack; see examples.py for the small songs."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from examples import Example, LawRun, Shape, arrays_of, digest, examples, name_of, scaled
from hypothesis import given, settings
from hypothesis import strategies as st

from midistems_graph.audio.values import Timed, join
from midistems_graph.node import Audio, Cancelled, Curves, Magnitude, NodeError, Phase, Spectrogram, Stems, installed

EXAMPLES = list(examples())
SIGNALS = (Audio, Stems, Spectrogram, Magnitude)
SONG = Shape(8000, 2, 20011)
SHORT = Shape(44100, 2, 4099)
ODD = [Shape(8000, 1, 1), Shape(48000, 2, 2), Shape(192000, 3, 1001), Shape(22050, 1, 1009), SHORT]


def every(applies: Callable[[Example], object] = lambda example: True) -> pytest.MarkDecorator:
    """Try a law on all examples that it applies to."""
    return pytest.mark.parametrize("example", [example for example in EXAMPLES if applies(example)], ids=name_of)


def result(example: Example, shape: Shape = SHORT, **settings: object) -> dict[str, object]:
    return example(example.inputs(shape), LawRun(example.whole(shape), **settings))


@dataclass(frozen=True)
class Done:
    """What an example makes of the short song, and the progress that it tells."""

    outputs: Mapping[str, object]
    seen: Sequence[float]


def short(example: Example) -> Done:
    """Run once: values are immutable, so that many laws may look at them."""
    return _short(EXAMPLES.index(example))


@functools.cache
def _short(place: int) -> Done:
    example, inputs = EXAMPLES[place], EXAMPLES[place].inputs(SHORT)
    run = LawRun(example.whole(SHORT))
    model = example.model(inputs, LawRun(run.span))
    return Done(example.call(inputs, model, run), run.seen)


def nearly(value: object, reference: object, db: float = -120) -> None:
    """All arrays equal to so many dB below the largest value."""
    for one, other in zip(arrays_of(value), arrays_of(reference), strict=True):
        assert one.shape == other.shape
        difference = np.abs(one - other)
        if isinstance(value, Phase):
            difference = np.minimum(difference, 2 * np.pi - difference)
        assert np.max(difference, initial=0) <= 10 ** (db / 20) * np.max(np.abs(other), initial=1e-30)


@pytest.mark.parametrize("node_type", installed(), ids=lambda t: t.id)
def test_every_port_and_knob_is_documented(node_type):
    names = [port.name for port in node_type.inputs] + [knob.name for knob in node_type.knobs]
    told = {name for name, text in node_type.parameter_docs.items() if text}
    assert told - {"learned"} == set(names)
    assert node_type.title and node_type.summary


@every()
def test_inputs_stay_as_they_are_and_results_repeat(example):
    inputs = example.inputs(SHORT)
    before = digest(inputs)
    again = example(inputs, LawRun(example.whole(SHORT)))
    assert digest(inputs) == before
    assert digest(again) == digest(short(example).outputs)


@every(lambda example: example.type.takes_run)
def test_threads_change_no_bit(example):
    assert digest(result(example, threads=3)) == digest(short(example).outputs)


@every()
@pytest.mark.parametrize("shape", ODD, ids=lambda s: f"{s.rate}Hz-{s.channels}ch-{s.length}")
def test_length_rate_and_channels_are_kept_and_all_is_finite(example, shape):
    try:
        outputs = short(example).outputs if shape is SHORT else result(example, shape)
    except NodeError:
        if shape.channels == 2 and shape.length > 2:
            raise
        return  # a clear answer is one too
    for value in outputs.values():
        if isinstance(value, Timed):
            assert value.span == example.whole(shape)
            if not isinstance(value, Curves):  # which speak of all channels together
                assert value.channels == (shape.channels if example.type.inputs else 2)
            assert all(np.isfinite(array).all() for array in arrays_of(value))


@every(lambda example: example.type.keeps_gain and example.makes_signals)
def test_gain_in_is_gain_out_and_silence_stays_silence(example):
    inputs, run = example.inputs(SHORT), LawRun(example.whole(SHORT))
    loud = short(example).outputs
    soft = example({name: scaled(value, 0.125) for name, value in inputs.items()}, LawRun(run.span))
    silent = example({name: scaled(value, 0) for name, value in inputs.items()}, LawRun(run.span))
    for name, value in loud.items():
        if isinstance(value, SIGNALS):
            nearly(soft[name], scaled(value, 0.125))
            assert not any(array.any() for array in arrays_of(silent[name]))


WINDOWS = (("0", "0.31"), ("0.9", "1.37"), ("2.2", "20011/8000"))


@every(lambda example: example.makes_signals and not example.streams)
def test_a_window_is_the_same_as_the_whole_song(example):
    whole = result(example, SONG)
    for start, stop in WINDOWS:
        for name, value in example.on_window(SONG, Fraction(start), Fraction(stop)).items():
            if isinstance(value, Timed):
                nearly(value, whole[name].crop(value.span))
            else:
                assert value == whole[name], (start, stop)


TILED = Shape(8000, 2, 12011)


@every(lambda example: example.makes_signals and not example.streams)
@settings(max_examples=2, derandomize=True, database=None)
@given(cuts=st.sets(st.integers(1, (TILED.length - 1) * 4), min_size=1, max_size=4))
def test_any_tiling_gives_the_samples_of_the_whole_song(example, cuts):
    """Joins included: what lies left and right of one is held against the song in one piece."""
    if example.sees_all:  # every tile costs the song once more, and one join is like the next
        cuts = {min(cuts)}
    places = [Fraction(0), *(Fraction(cut, 4 * TILED.rate) for cut in sorted(cuts)), Fraction(TILED.length, TILED.rate)]
    whole = result(example, TILED)
    tiles = [example.on_window(TILED, *stretch) for stretch in pairwise(places)]
    for name, value in whole.items():
        if isinstance(value, Timed):
            nearly(join([tile[name] for tile in tiles]), value)


@every(lambda example: example.type.sums_to)
def test_declared_sums_hold(example):
    inputs = example.inputs(SHORT)
    outputs = short(example).outputs
    whole = inputs[example.type.sums_to].samples
    parts = arrays_of(outputs)
    largest = max(np.abs(array).max() for array in (whole, *parts))
    assert np.abs(whole - sum(parts)).max() <= 1e-6 * largest


@every(lambda example: example.type.stems or example.type.complete)
def test_what_is_declared_of_stems_comes_out(example):
    stems = example.type.stems
    found = next(value for value in short(example).outputs.values() if isinstance(value, Stems))
    names = stems(SimpleNamespace(**example.knobs)) if callable(stems) else stems
    complete = example.type.complete
    complete = complete(SimpleNamespace(**example.knobs)) if callable(complete) else complete
    assert not names or tuple(found) == tuple(names)
    assert found.complete or not complete


def sets_that_arrive(example: Example) -> list[Stems]:
    values = example.inputs(SHORT).values()
    each = [one for value in values for one in (value if isinstance(value, tuple) else (value,))]
    return [value for value in each if isinstance(value, Stems)]


@every(lambda example: example.type.apart and sets_that_arrive(example))
def test_a_stem_made_by_itself_is_that_of_the_set(example):
    names = tuple(map(tuple, sets_that_arrive(example)))
    *_, (stem, how) = example.type.apart(SimpleNamespace(**example.knobs), names).items()
    takes, inputs = iter(how.takes), {}
    for port, value in example.inputs(SHORT).items():
        several = isinstance(value, tuple)
        taken = [(one, next(takes) if isinstance(one, Stems) else "") for one in (value if several else (value,))]
        few = [Stems({name: one[name]}) if name else one for one, name in taken if name is not None]
        inputs[port] = tuple(few) if several else few[0]
    alone = replace(example, knobs={**example.knobs, **how.knobs})(inputs, LawRun(example.whole(SHORT)))
    assert digest(alone["out"][stem]) == digest(short(example).outputs["out"][stem])


@every(lambda example: example.type.takes_run)
def test_a_cancelled_run_ends_and_progress_never_goes_back(example):
    seen = short(example).seen
    assert seen == sorted(seen) and all(0 <= done <= 1 for done in seen)
    inputs, span = example.inputs(SHORT), example.whole(SHORT)
    model = example.model(inputs, LawRun(span))
    with pytest.raises(Cancelled):
        example.call(inputs, model, LawRun(span, cancel_at=0.0))
