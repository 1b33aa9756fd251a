"""A song of a few edges without an engine, and a deck on a fake clock, for the tests of listening."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from midistems_graph.audio.output_clock import FakeClock
from midistems_graph.audio.values import Audio, Float32, Span, Stems, Timed, Value
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.deck import Deck
from midistems_graph.editor.audition.pages import Preview
from midistems_graph.editor.audition.takes import Take

RATE = 8000
SECONDS = 12
SONG = Span.whole(SECONDS * RATE, RATE)


def noise(seed: int, channels: int = 2, rate: int = RATE, level: float = 0.2) -> Audio:
    return Audio.of(level * np.random.default_rng(seed).standard_normal((channels, SECONDS * rate)), rate)


def edge(name: str) -> Address:
    return Address(name, "out")


def take(name: str, stem: str = "") -> Take:
    return Take.of(edge(name), stem)


class Shelf:
    """Plays the engine: edges with their values; those in `computing` are not there yet. Remembers what is wanted."""

    def __init__(self, values: dict[str, Value]) -> None:
        self.values = {edge(name): value for name, value in values.items()}
        self.computing: set[Address] = set()
        self.previews: dict[Address, Preview] = {}
        self.from_second: dict[Address, int] = {}
        self.wanted: dict[Address, tuple[tuple[Fraction, Fraction], int]] = {}

    def read(self, address: Address, stretch: tuple[Fraction, Fraction]) -> Value | None:
        value = self.values[address]
        if address in self.computing or stretch[0] < self.from_second.get(address, 0) - 0.5:
            return None
        if not isinstance(value, Timed):
            return value
        total = Fraction(value.span.total, value.rate)
        return value.crop(Span.of_seconds(*stretch, total, value.rate))

    def preview(self, address: Address) -> Preview | None:
        return self.previews.get(address)

    def want(self, address: Address, first: tuple[Fraction, Fraction], priority: int = 0) -> None:
        self.wanted[address] = (first, priority)

    def forget(self, address: Address) -> None:
        self.wanted.pop(address, None)


class Desk:
    """A deck whose clock, pages and player go on only when `listen` is called."""

    def __init__(self, shelf: Shelf, rate: int = RATE, period: int = 64) -> None:
        self.shelf = shelf
        self.clock = FakeClock(rate, period)
        self.deck = Deck(shelf, SONG, out=self.clock, mixture=edge("song"))
        self.deck.start(threads=False)

    def listen(self, frames: int) -> Float32:
        """What comes out next, [2, frames] (whole periods)."""
        heard = []
        for _ in range(-(-frames // self.clock.period)):
            self.deck.pager.fetch_all()
            self.deck.player.pump()
            heard.append(self.clock.take())
            self.deck.player.pump()
        return np.concatenate(heard).T

    def playing(self, name: str, at: int = 0) -> Desk:
        """The same desk, playing an edge from a sample on, its ring in step."""
        self.deck.hear(take(name))
        self.deck.seek(at)
        self.deck.play()
        return self

    @property
    def blind(self) -> int:
        """After so many frames a change is heard for sure."""
        return 12 * self.clock.period


def stems(**parts: Audio) -> Stems:
    return Stems(parts)


A, B = noise(1), noise(2)
FADE = RATE // 100


def shelf() -> Shelf:
    kick, snare = noise(3), noise(4)
    return Shelf(
        {
            "song": A,
            "a": A,
            "b": B,
            "mono": noise(5, channels=1),
            "high": noise(6, rate=2 * RATE),
            "loud": A.with_samples(2 * A.samples),
            "stems": stems(kick=kick, snare=snare),
        }
    )


def place_of(heard: Float32, song: Audio) -> int:
    """Where in a song a stretch of it is, by its very samples."""
    first = np.flatnonzero(song.samples[0] == heard[0, 0])
    return next(int(n) for n in first if np.array_equal(song.samples[:, n : n + heard.shape[1]], heard))


def place_of_in(heard: Float32, start: int, stop: int) -> int:
    return start + int(np.flatnonzero(A.samples[0, start:stop] == heard[0, 0])[0])
