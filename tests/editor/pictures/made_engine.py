"""Edges without an engine: values by name, computed up to some second."""

from __future__ import annotations

from fractions import Fraction

from midistems_graph.audio.values import Span, Timed, Value
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.takes import Take


def take(name: str, stem: str = "") -> Take:
    return Take.of(Address(name, "out"), stem)


class Edges:
    """Plays the engine. `until` are the seconds that are computed of each edge, `versions` what its lineage tells."""

    def __init__(self, **values: Value) -> None:
        self.values = values
        self.until: dict[str, Fraction] = {}
        self.versions: dict[str, int] = {}
        self.reads = 0

    def read(self, address: Address, stretch: tuple[Fraction, Fraction]) -> Value | None:
        value = self.values[address.node]
        self.reads += 1
        if not isinstance(value, Timed) or stretch[1] > self._end(address.node):
            return None if isinstance(value, Timed) else value
        return value.crop(Span.of_seconds(*stretch, Fraction(value.span.total, value.rate), value.rate))

    def ready(self, address: Address) -> tuple[tuple[Fraction, Fraction], ...]:
        end = self._end(address.node)
        return ((Fraction(0), end),) if end else ()

    def lineage(self, address: Address) -> str:
        return f"{address} {self.versions.get(address.node, 0)}" if address.node in self.values else ""

    def _end(self, name: str) -> Fraction:
        value = self.values[name]
        whole = Fraction(value.span.total, value.rate) if isinstance(value, Timed) else Fraction(1)
        return min(self.until.get(name, whole), whole)
