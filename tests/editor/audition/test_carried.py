"""Previews out of a graph file are heard until the edge itself is there, and are nothing more than heard."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from small_decks import RATE, SONG, Shelf, edge, noise, take

from midistems_graph.audio.output_clock import FakeClock
from midistems_graph.audio.values import Audio, Span, Stems
from midistems_graph.document.graph import Edge, Graph, Node
from midistems_graph.document.previews import EdgePreview, made_of
from midistems_graph.editor.audition.audible import NotAudible
from midistems_graph.editor.audition.carried import Carried, CarriedPreviews, encoded
from midistems_graph.editor.audition.deck import Deck
from midistems_graph.editor.audition.offline import NotComputed

GRAPH = Graph(
    nodes={"song": Node("io.load"), "a": Node("filter.gain")}, edges=frozenset([Edge.parse("song.out", "a.signal")])
)
SONG_DIGEST = "cd" * 32
TONE = np.sin(2 * np.pi * 440 * np.arange(12 * RATE) / RATE)
SOUND = noise(1).with_samples(np.stack([TONE, 0.5 * TONE]).astype(np.float32))


def preview(start: int = 2, seconds: int = 5, stem: str = "", sound: Audio = SOUND) -> EdgePreview:
    part = sound.samples[:, start * RATE : (start + seconds) * RATE]
    content = encoded([part[:, : 3 * RATE], part[:, 3 * RATE :]], RATE)
    return EdgePreview("a.out", made_of(GRAPH, ["a"])["a"], SONG_DIGEST, start, seconds, 12, RATE, content, stem)


def test_what_is_read_is_the_sound_of_its_stretch() -> None:
    carried = Carried(preview())
    assert carried.stretch == (2, 7)
    value = carried.read(edge("a"), (Fraction(1), Fraction(3)))
    assert value is not None and value.span == Span(RATE, 3 * RATE, 5 * RATE, RATE)
    expected = SOUND.samples[:, 3 * RATE : 5 * RATE]
    error = np.sum((value.samples - expected) ** 2) / np.sum(expected**2)
    assert 10 * np.log10(error) < -20


def test_stems_of_one_edge_are_a_set_that_is_mixed() -> None:
    low, high = SOUND, SOUND.with_samples(np.ascontiguousarray(SOUND.samples[::-1]))
    stems = (preview(stem="low", sound=low), preview(stem="high", sound=high), preview(start=3, stem="elsewhere"))
    previews = CarriedPreviews()
    previews.show(replace(GRAPH, previews=stems), SONG_DIGEST)
    carried = previews.preview(edge("a"))
    assert carried is not None
    value = carried.read(edge("a"), (Fraction(0), Fraction(1)))
    assert isinstance(value, Stems) and list(value) == ["low", "high"]
    shelf = Shelf({"a": noise(5), "song": noise(6)})
    shelf.computing.add(edge("a"))
    clock = FakeClock(RATE, 64)
    deck = Deck(shelf, SONG, out=clock, previews=previews)
    deck.start(threads=False)
    deck.seek(3 * RATE)
    deck.hear(take("a", "high"))
    deck.play()
    for _ in range(40):
        deck.pager.fetch_all()
        deck.player.pump()
        heard = clock.take().T
    at = deck.sample - heard.shape[1]
    assert np.allclose(heard, high.samples[:, at : at + heard.shape[1]], atol=0.1)
    assert deck.tracks.stems(edge("a")) == ("low", "high")


def test_it_holds_only_for_the_same_edge_of_the_same_song() -> None:
    previews, carrying = CarriedPreviews(), replace(GRAPH, previews=(preview(),))

    def there(graph: Graph, song: str) -> bool:
        previews.show(graph, song)
        return previews.preview(edge("a")) is not None

    assert there(carrying, SONG_DIGEST) and there(carrying, "")
    first = previews.preview(edge("a"))
    assert there(carrying, SONG_DIGEST) and previews.preview(edge("a")) is first, "it is not decoded again"
    assert not there(carrying, "ee" * 32)
    assert not there(carrying.with_knob("a", "gain", 3.0), SONG_DIGEST)
    assert not there(GRAPH, SONG_DIGEST)


@pytest.mark.parametrize("content", [b"", b"OggS", preview().sound[:200], preview().sound[:-500][::-1], b"RIFF" * 100])
def test_damaged_sound_is_a_sentence(content: bytes) -> None:
    with pytest.raises(NotAudible, match=r"the preview of a\.out in the file is damaged"):
        Carried(replace(preview(), sound=content)).read(edge("a"), (Fraction(0), Fraction(1)))


def test_a_deck_plays_it_until_the_edge_is_computed_and_never_measures_it() -> None:
    previews = CarriedPreviews()
    previews.show(replace(GRAPH, previews=(preview(),)), SONG_DIGEST)
    shelf = Shelf({"a": noise(5), "song": noise(6)})
    shelf.computing.add(edge("a"))
    clock = FakeClock(RATE, 64)
    deck = Deck(shelf, SONG, out=clock, previews=previews)
    deck.start(threads=False)
    deck.seek(3 * RATE)
    deck.hear(take("a"))
    deck.play()

    def listen() -> np.ndarray:
        for _ in range(40):
            deck.pager.fetch_all()
            deck.player.pump()
            heard = clock.take()
        return heard.T

    heard = listen()
    assert deck.status.previewed and not deck.status.waiting
    at = deck.sample - heard.shape[1]
    assert np.allclose(heard, SOUND.samples[:, at : at + heard.shape[1]], atol=0.1)
    with pytest.raises(NotComputed):
        deck.exporter(Path("never.wav"), (0, RATE))()
    shelf.computing.clear()
    deck.computed()
    heard = listen()
    at = deck.sample - heard.shape[1]
    assert not deck.status.previewed
    assert np.array_equal(heard, noise(5).samples[:, at : at + heard.shape[1]])
