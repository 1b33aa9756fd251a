"""Previews are drawn where nothing is computed, at their place, and give way to what is."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from midistems_graph.audio.values import Audio, Span, Value
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.pages import Interval
from midistems_graph.editor.pictures.stand_ins import WithPreviews

RATE, EDGE = 1000, Address("a", "out")


class Excerpt:
    """Seconds 2 to 5 of a song of eight."""

    stretch: Interval = (Fraction(2), Fraction(5))

    def read(self, address: Address, stretch: Interval) -> Value | None:
        samples = np.arange(3 * RATE, dtype=np.float32)[None]
        return Audio(samples, Span.whole(3 * RATE, RATE)).crop(Span.of_seconds(*stretch, Fraction(3), RATE))


class Engine:
    """Has nothing until `computed`."""

    computed = False

    def __init__(self) -> None:
        self.excerpt: Excerpt | None = Excerpt()

    def lineage(self, address: Address) -> str:
        return "true"

    def ready(self, address: Address) -> tuple[Interval, ...]:
        return ((Fraction(0), Fraction(8)),) if self.computed else ()

    def read(self, address: Address, stretch: Interval) -> Value | None:
        return None

    def preview(self, address: Address) -> Excerpt | None:
        return self.excerpt


def test_a_preview_is_drawn_in_the_time_of_the_song() -> None:
    engine = Engine()
    seen = WithPreviews(engine, engine, Fraction(8))
    assert seen.ready(EDGE) == (Excerpt.stretch,)
    value = seen.read(EDGE, (Fraction(3), Fraction(4)))
    assert isinstance(value, Audio) and value.span == Span(3 * RATE, 4 * RATE, 8 * RATE, RATE)
    assert np.array_equal(value.samples[0], np.arange(RATE, 2 * RATE))
    assert seen.read(EDGE, (Fraction(0), Fraction(1))) is None
    assert seen.read(EDGE, (Fraction(4), Fraction(6))) is None


def test_its_picture_is_never_taken_for_the_true_one() -> None:
    engine = Engine()
    seen = WithPreviews(engine, engine, Fraction(8))
    first = seen.lineage(EDGE)
    assert first == seen.lineage(EDGE) != "true"
    engine.excerpt = Excerpt()
    assert seen.lineage(EDGE) not in (first, "true")
    engine.computed = True
    assert seen.lineage(EDGE) == "true" and seen.ready(EDGE) == ((Fraction(0), Fraction(8)),)
    engine.computed, engine.excerpt = False, None
    assert seen.lineage(EDGE) == "true" and seen.ready(EDGE) == ()
