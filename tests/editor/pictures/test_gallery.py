"""Pictures on a thread: at once what is there, more as it is computed, nothing drawn twice that did not change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_engine import Edges, take
from made_songs import RATE, noise

from midistems_graph.audio.stft import stft
from midistems_graph.audio.values import Audio, Mask, Number, Stems, StftSettings
from midistems_graph.editor.audition.takes import difference
from midistems_graph.editor.pictures.cache import PictureCache
from midistems_graph.editor.pictures.gallery import Gallery
from midistems_graph.editor.pictures.wishes import Kind, Made, Wish

SECONDS = 12
SONG = noise(SECONDS * RATE)
HALF = SONG.with_samples(SONG.samples * 0.5)
TONE = Audio.of(np.tile(np.sin(2 * np.pi * 1000 * np.arange(SECONDS * RATE) / RATE), (2, 1)), RATE)


class Wall:
    """Takes the pictures of a gallery and waits for them."""

    def __init__(self, edges: Edges, folder: Path) -> None:
        self.edges = edges
        self.seen: dict[str, Made] = {}
        self.count = 0
        self._news = threading.Condition()
        self.gallery = Gallery(edges, self._hang, PictureCache(folder))

    def _hang(self, made: Made) -> None:
        with self._news:
            self.seen[made.wish.pane] = made
            self.count += 1
            self._news.notify_all()

    def until(self, there: Callable[[Made], bool], pane: str = "a") -> Made:
        with self._news:
            assert self._news.wait_for(lambda: pane in self.seen and there(self.seen[pane]), timeout=60)
            return self.seen[pane]

    def whole(self, *wishes: Wish) -> Made:
        """The finished picture of the first wish."""
        self.gallery.want(wishes)
        return self.until(lambda made: made.wish == wishes[0] and made.share == 1.0)


@pytest.fixture
def hang(tmp_path: Path) -> Iterator[Callable[[Edges], Wall]]:
    walls: list[Wall] = []

    def make(edges: Edges) -> Wall:
        walls.append(Wall(edges, tmp_path))
        return walls[-1]

    yield make
    for wall in walls:
        wall.gallery.close()


def wish(name: str, kind: Kind = "spectrogram", stop: float = SECONDS, **more: object) -> Wish:
    return Wish("a", kind, take(name), 0.0, stop, 300, 100, **more)  # type: ignore[arg-type]


def test_a_tone_is_seen_and_read_where_it_is(hang: Callable[[Edges], Wall]) -> None:
    made = hang(Edges(tone=TONE)).whole(wish("tone"))
    assert made.picture is not None and made.picture.shape == (100, 300, 4) and made.picture.dtype == np.float32
    assert made.value(0.5, 1000) == "0 dB" and int(made.value(0.5, 8000).split()[0]) < -80


def test_a_waveform_tells_its_peaks(hang: Callable[[Edges], Wall]) -> None:
    made = hang(Edges(tone=TONE)).whole(wish("tone", "waveform"))
    assert made.value(0.5, 0) == "peak 0.0 / 0.0 dB"


def test_it_grows_with_what_is_computed(hang: Callable[[Edges], Wall]) -> None:
    edges = Edges(song=SONG)
    edges.until["song"] = Fraction(0)
    wall = hang(edges)
    wall.gallery.want([wish("song")])
    assert wall.until(lambda made: made.share == 0).picture is None
    edges.until["song"] = Fraction(8)
    wall.gallery.poke()
    half = wall.until(lambda made: made.share > 0.5)
    assert half.strips[0].seen[:180].all() and not half.strips[0].seen[-60:].any()
    del edges.until["song"]
    wall.gallery.poke()
    assert wall.until(lambda made: made.share == 1).strips[0].seen.all()


def test_an_edit_draws_anew_only_what_it_changes(hang: Callable[[Edges], Wall]) -> None:
    edges = Edges(song=SONG, half=HALF)
    wall = hang(edges)
    wall.whole(wish("song"))
    wall.whole(wish("half"))
    reads = edges.reads
    wall.whole(wish("song"))
    assert edges.reads == reads
    edges.values["half"], edges.versions["half"] = TONE, 1
    wall.gallery.poke()
    wall.gallery.want([wish("half")])
    assert wall.until(lambda made: made.value(0.5, 1000) == "0 dB").share <= 1
    assert edges.reads > reads


def test_a_finished_picture_is_found_on_disk(hang: Callable[[Edges], Wall]) -> None:
    first = hang(Edges(song=SONG))
    first.whole(wish("song"))
    first.gallery.close()
    again = Edges(song=SONG)
    made = hang(again).whole(wish("song"))
    assert again.reads == 1  # a moment, for rate and channels
    assert made.picture is not None and np.array_equal(made.picture, first.seen["a"].picture)


def test_two_edges_and_what_differs(hang: Callable[[Edges], Wall]) -> None:
    made = hang(Edges(song=SONG, half=HALF)).whole(wish("song", "difference", other=take("half")))
    assert made.value(0.5, 3000) in ("+6 dB", "+7 dB", "+5 dB")


def test_the_difference_of_equal_sound_is_silent(hang: Callable[[Edges], Wall]) -> None:
    wall = hang(Edges(song=SONG, same=SONG))
    nothing = Wish("a", "spectrogram", difference(take("song"), take("same")), 0.0, SECONDS, 300, 100)
    assert wall.whole(nothing).value(0.5, 3000) == "-120 dB"


@pytest.mark.parametrize(("channel", "level"), [("side", 0.0), ("left", 1.0), ("mid", 1.0)])
def test_channels(hang: Callable[[Edges], Wall], channel: str, level: float) -> None:
    made = hang(Edges(tone=TONE)).whole(wish("tone", "waveform", channel=channel))
    assert made.envelope is not None and made.envelope.high.shape[0] == 1
    assert made.envelope.high.max() == pytest.approx(level, abs=1e-3)


def test_a_mask_shows_factors_and_has_no_waveform(hang: Callable[[Edges], Wall]) -> None:
    bins = stft(SONG, StftSettings()).bins
    mask = Mask(np.full(bins.shape, 0.5, np.float32), SONG.span, StftSettings())
    wall = hang(Edges(mask=mask))
    assert wall.whole(wish("mask")).value(0.5, 1000) == "× 0.50"
    wall.gallery.want([wish("mask", "waveform")])
    assert "no waveform" in wall.until(lambda made: bool(made.sentence)).sentence


def test_what_has_no_picture_says_so(hang: Callable[[Edges], Wall]) -> None:
    wall = hang(Edges(number=Number(3.0)))
    wall.gallery.want([wish("number")])
    assert "number" in wall.until(lambda made: bool(made.sentence)).sentence


def test_stems_have_a_curve_each(hang: Callable[[Edges], Wall]) -> None:
    quiet = TONE.with_samples(TONE.samples * 0.1)
    inks = ((255, 0, 0), (0, 255, 0))
    made = hang(Edges(set=Stems({"loud": TONE, "quiet": quiet}))).whole(wish("set", "stems", inks=inks))
    assert made.value(0.5, 0) == "loud -3 dB   quiet -23 dB"
    assert made.curves is not None and made.curves.seen.all()


def test_the_newest_wish_wins(hang: Callable[[Edges], Wall]) -> None:
    wall = hang(Edges(song=SONG))
    for stop in (12.0, 6.0, 3.0, 1.0):
        wall.gallery.want([wish("song", stop=stop)])
    last = wall.until(lambda made: made.wish.stop == 1.0)
    assert last.picture is not None
