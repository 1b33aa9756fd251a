"""Desk and engine together, on their own threads: a knob is turned and the sound follows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
from small_decks import RATE, SONG, noise

from midistems_graph.audio.output_silent import SilentOut
from midistems_graph.document.graph import Address, Edge, Graph, Node
from midistems_graph.editor.audition.deck import Deck
from midistems_graph.editor.audition.figures import Question
from midistems_graph.editor.audition.takes import Take
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.live.engine import LiveEngine
from midistems_graph.engine.live.events import StretchReady
from midistems_graph.engine.store import MemoryStore
from midistems_graph.node import NodeLibrary, installed

LOUD = Address("loud", "out")
GRAPH = Graph(
    nodes={"song": Node("io.load"), "band": Node("filter.filter"), "loud": Node("filter.gain")},
    edges=frozenset({Edge.parse("song.out", "band.signal"), Edge.parse("band.out", "loud.signal")}),
)


def soon(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def test_a_knob_is_turned_and_the_sound_follows_from_the_same_moment(tmp_path: Path) -> None:
    song = noise(1)
    soundfile.write(tmp_path / "song.wav", song.samples.T, RATE, subtype="FLOAT")
    bindings = Bindings.open({"song": tmp_path / "song.wav"})
    live = LiveEngine(NodeLibrary.of(installed()), MemoryStore(), jobs=2)
    deck = Deck(live, SONG, out=SilentOut(RATE, 256), mixture=Address("song", "out"))
    ended = threading.Event()

    def listen() -> None:
        while not ended.is_set():
            if isinstance(live.events.get(), StretchReady):
                deck.computed()

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        live.show(GRAPH, bindings)
        deck.start()
        deck.loop(2 * RATE, 4 * RATE)
        deck.seek(2 * RATE)
        deck.hear(Take.of(LOUD))
        deck.play()
        soon(lambda: deck.status.levels.power[0] > 1e-4 and not deck.status.waiting)

        def level() -> float:
            return deck.measure(Question("db", Take.of(LOUD), deck.region, deck.edits))

        before = level()
        edited = GRAPH.with_knob("loud", "gain", -20.0)
        live.show(edited, bindings)
        deck.changed()
        soon(lambda: not deck.status.stale)
        assert abs(level() - before + 20) < 0.01
        assert 2 * RATE <= deck.sample <= 4 * RATE
        value = live.read(LOUD, (Fraction(2), Fraction(4)))
        assert value is not None
        deck.exporter(tmp_path / "heard.wav", deck.region)()
        written, _ = soundfile.read(tmp_path / "heard.wav", dtype="float32")
        assert np.array_equal(written.T, value.samples)  # type: ignore[union-attr]
    finally:
        deck.close()
        ended.set()
        live.show(Graph(), bindings)
        live.want(LOUD, (Fraction(0), Fraction(1)))
        live.close()
        listener.join(5)
    assert not listener.is_alive()
