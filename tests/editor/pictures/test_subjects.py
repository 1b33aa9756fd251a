from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from made_engine import Edges, take
from made_songs import RATE, noise

from midistems_graph.audio.stft import stft
from midistems_graph.audio.values import Audio, Span, Stems, StftSettings
from midistems_graph.editor.audition.takes import Part, Take, difference
from midistems_graph.editor.pictures.sources import NotDrawable
from midistems_graph.editor.pictures.subjects import Subject, joined, one_channel, there

SONG, OTHER = noise(3 * RATE, seed=1), noise(3 * RATE, seed=2)
PART = Span(RATE, 2 * RATE, 3 * RATE, RATE)


def read(edges: Edges, of: Take, span: Span = PART, channel: str = "mean") -> np.ndarray:
    subject = Subject(edges, of, Span.whole(span.total, span.rate), there(edges, of), channel)  # type: ignore[arg-type]
    value = subject.read(span)
    assert isinstance(value, Audio) and value.span == span
    return value.samples


def test_an_edge_is_what_flows_there_and_a_stem_is_itself() -> None:
    edges = Edges(song=SONG, stems=Stems({"voice": SONG, "rest": OTHER}))
    assert np.array_equal(read(edges, take("song")), SONG.crop(PART).samples)
    assert np.array_equal(read(edges, take("stems", "rest")), OTHER.crop(PART).samples)
    assert np.allclose(read(edges, take("stems")), (SONG.samples + OTHER.samples)[:, RATE : 2 * RATE])


def test_a_take_of_several_parts_is_their_sum_with_gains() -> None:
    edges = Edges(song=SONG, other=OTHER)
    mixed = Take((Part(take("song").addresses[0], gain=0.5), Part(take("other").addresses[0], gain=2.0)))
    assert np.allclose(read(edges, mixed), 0.5 * SONG.crop(PART).samples + 2 * OTHER.crop(PART).samples)
    assert not read(edges, difference(take("song"), take("song"))).any()


def test_the_difference_of_two_rates_is_small_for_the_same_tone() -> None:
    def tone(rate: int) -> Audio:
        return Audio.of(np.sin(2 * np.pi * 1000 * np.arange(3 * rate) / rate), rate)

    edges = Edges(a=tone(44100), b=tone(48000))
    assert np.abs(read(edges, difference(take("a"), take("b")))).max() < 1e-4


def test_what_is_computed_of_all_parts_can_be_read() -> None:
    edges = Edges(song=SONG, other=OTHER)
    edges.until["other"] = Fraction(3, 2)
    both = difference(take("song"), take("other"))
    assert there(edges, both) == ((Fraction(0), Fraction(3, 2)),)
    subject = Subject(edges, both, SONG.span, there(edges, both))
    assert subject.read(PART) is None and subject.read(Span(0, RATE, 3 * RATE, RATE)) is not None
    assert replace(subject, there=()).read(Span(0, 1, 3 * RATE, RATE)) is None


def test_neighbouring_stretches_are_one() -> None:
    second = [Fraction(k) for k in range(6)]
    assert joined([(second[2], second[3]), (second[0], second[1]), (second[1], second[2]), (second[4], second[5])]) == [
        (second[0], second[3]),
        (second[4], second[5]),
    ]


@pytest.mark.parametrize("channel", ["left", "right", "mid", "side"])
def test_one_channel_of_two(channel: str) -> None:
    left, right = SONG.samples
    wanted = {"left": left, "right": right, "mid": (left + right) / 2, "side": (left - right) / 2}[channel]
    assert np.allclose(one_channel(SONG.samples, channel)[0], wanted, atol=1e-7)  # type: ignore[arg-type]
    alone = one_channel(SONG.samples[:1], channel)[0]  # type: ignore[arg-type]
    assert np.array_equal(alone, np.zeros_like(left) if channel == "side" else left)


def test_sound_and_a_spectrogram_are_not_mixed() -> None:
    edges = Edges(song=SONG, bins=stft(SONG, StftSettings()))
    for a, b in (("song", "bins"), ("bins", "song")):
        with pytest.raises(NotDrawable, match="look at one edge at a time"):
            read(edges, difference(take(a), take(b)))
