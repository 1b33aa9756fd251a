"""What is heard of edges that are not computed, or only in part, or as a preview."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from small_decks import FADE, RATE, A, B, Desk, Shelf, edge, shelf, take

from midistems_graph.audio.values import Audio, Float32, Span, Value
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.figures import Question
from midistems_graph.editor.audition.offline import NotComputed


@pytest.fixture
def desk() -> Desk:
    return Desk(shelf())


def test_what_is_not_computed_is_silence_that_says_so_and_fades_in_when_it_comes(desk: Desk) -> None:
    desk.shelf.computing.add(edge("b"))
    desk.playing("a").listen(2000)
    desk.deck.hear(take("b"))
    desk.listen(desk.blind)
    heard = desk.listen(1000)
    assert not heard.any()
    assert desk.deck.status.waiting
    assert desk.shelf.wanted[edge("b")][1] == 0
    desk.shelf.computing.clear()
    desk.deck.computed()
    heard = desk.listen(2000)
    at = desk.deck.sample - heard.shape[1]
    assert not desk.deck.status.waiting
    assert np.array_equal(heard[:, -500:], B.samples[:, at : at + heard.shape[1]][:, -500:])
    begin = int(np.argmax(heard[0] != 0))
    rising = np.abs(heard[0, begin : begin + FADE]) <= np.abs(B.samples[0, at + begin : at + begin + FADE])
    assert rising.all()


class Stretch(Shelf):
    """Has no more than a stretch of the song."""

    there = Fraction(2), Fraction(4)

    def read(self, address: Address, stretch: tuple[Fraction, Fraction]) -> Value | None:
        inside = self.there[0] <= stretch[0] and stretch[1] <= self.there[1]
        return super().read(address, stretch) if inside else None


def test_a_loop_is_heard_to_its_ends_when_nothing_else_is_computed() -> None:
    desk = Desk(Stretch({"a": A, "song": A}))
    desk.deck.loop(2 * RATE, 4 * RATE)
    heard = desk.playing("a", at=2 * RATE).listen(3 * RATE)
    assert not desk.deck.status.waiting
    assert np.array_equal(heard[:, 2000 : 2 * RATE], A.samples[:, 2 * RATE + 2000 - 64 : 4 * RATE - 64])


def test_what_is_resampled_wants_a_little_more_than_the_loop() -> None:
    shelf = Stretch({"a": A, "song": A})
    desk = Desk(shelf, rate=RATE * 3 // 2)
    desk.deck.loop(2 * RATE, 4 * RATE)
    desk.playing("a", at=2 * RATE).listen(RATE)
    start, stop = shelf.wanted[edge("a")][0]
    assert 1.9 < start < 2 and 4 < stop < 4.1
    assert desk.deck.status.waiting
    shelf.there = start, stop
    desk.deck.computed()
    desk.listen(3 * RATE)
    assert not desk.deck.status.waiting


def test_the_song_comes_in_softly_where_its_computed_part_begins(desk: Desk) -> None:
    desk.shelf.from_second[edge("b")] = 2
    desk.playing("b", at=RATE)
    heard = desk.listen(RATE + 1000)
    at = desk.deck.sample - heard.shape[1]
    edge_at = 2 * RATE - at
    assert not heard[:, :edge_at].any()
    gap = RATE // 200
    assert np.allclose(heard[:, edge_at + gap :], B.samples[:, 2 * RATE + gap : at + heard.shape[1]])
    assert np.abs(heard[0, edge_at]) < np.abs(B.samples[0, 2 * RATE]) * 0.1 + 1e-6


def test_after_an_edit_the_old_sound_goes_on_until_the_new_one_is_there(desk: Desk) -> None:
    desk.playing("a").listen(2000)
    desk.shelf.values[edge("a")] = B
    desk.shelf.computing.add(edge("a"))
    desk.deck.changed()
    heard = desk.listen(2000)
    at = desk.deck.sample - heard.shape[1]
    assert np.array_equal(heard, A.samples[:, at : at + heard.shape[1]])
    assert desk.deck.status.stale
    desk.shelf.computing.clear()
    desk.deck.computed()
    desk.listen(desk.blind)
    heard = desk.listen(1000)
    at = desk.deck.sample - heard.shape[1]
    assert np.array_equal(heard, B.samples[:, at : at + heard.shape[1]])
    assert not desk.deck.status.stale


class Excerpt:
    """A preview of the seconds 2 to 4."""

    stretch = (Fraction(2), Fraction(4))

    def __init__(self, samples: Float32) -> None:
        self.sound = Audio.of(samples[:, 2 * RATE : 4 * RATE], RATE)

    def read(self, address: Address, stretch: tuple[Fraction, Fraction]) -> Audio:
        return self.sound.crop(Span.of_seconds(*stretch, Fraction(2), RATE))


def test_a_preview_is_heard_at_its_place_until_the_true_sound_is_there(desk: Desk) -> None:
    guess = 0.5 * A.samples
    desk.shelf.computing.add(edge("b"))
    desk.playing("a", at=2 * RATE).listen(2000)
    desk.deck.hear(take("b"))
    desk.listen(desk.blind)
    assert desk.deck.status.waiting
    desk.shelf.previews[edge("b")] = Excerpt(guess)
    desk.deck.computed()
    desk.listen(desk.blind)
    heard = desk.listen(1024)
    at = desk.deck.sample - heard.shape[1]
    assert np.array_equal(heard, guess[:, at : at + heard.shape[1]])
    assert desk.deck.status.previewed and not desk.deck.status.waiting
    desk.shelf.computing.clear()
    desk.deck.computed()
    before = desk.deck.sample
    heard = desk.listen(desk.blind + 1024)
    places = slice(before, before + heard.shape[1])
    only_guess = np.all(heard == guess[:, places], axis=0)
    only_true = np.all(heard == B.samples[:, places], axis=0)
    begin, end = int(np.argmin(only_guess)), heard.shape[1] - int(np.argmin(only_true[::-1]))
    assert only_guess[:begin].all() and only_true[end:].all() and end - begin == FADE, "without a gap"
    assert not desk.deck.status.previewed


def test_beyond_its_stretch_a_preview_is_silence_that_waits(desk: Desk) -> None:
    desk.shelf.computing.add(edge("b"))
    desk.shelf.previews[edge("b")] = Excerpt(A.samples)
    desk.playing("b", at=3 * RATE).listen(2000)
    assert desk.deck.status.previewed
    desk.deck.seek(6 * RATE)
    desk.listen(desk.blind)
    assert not desk.listen(1000).any()
    assert desk.deck.status.waiting and not desk.deck.status.previewed


def test_a_preview_is_neither_measured_nor_exported(desk: Desk, tmp_path: Path) -> None:
    desk.shelf.computing.add(edge("b"))
    desk.shelf.previews[edge("b")] = Excerpt(A.samples)
    desk.playing("b", at=3 * RATE).listen(2000)
    with pytest.raises(NotComputed):
        desk.deck.measure(Question("lufs", take("b"), (2 * RATE, 4 * RATE), 0))
    with pytest.raises(NotComputed):
        desk.deck.exporter(tmp_path / "b.wav", (2 * RATE, 4 * RATE))()
    assert list(tmp_path.iterdir()) == []


def test_what_was_computed_asks_for_nothing_anew(desk: Desk) -> None:
    desk.playing("a").listen(1000)
    desk.shelf.wanted.clear()
    desk.deck.computed()
    desk.listen(1000)
    assert desk.shelf.wanted == {}, "a cancelled run stays cancelled"
