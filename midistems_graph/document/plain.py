"""Plain data and how it is read: limits, what is plain at all, and a part of it that knows its place.

Plain means None, bool, int (64 bits), finite float, text, list, and dict with text keys: what JSON and
msgpack both hold without loss. Every check raises DocumentError with a sentence that begins with the
place (`nodes.hpss.knobs.margin`) and names the value and the remedy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from midistems_graph.document.graph import NAME, Address, DocumentError

MAX_NODES = 10_000
"""Nodes in one graph or group."""

MAX_EDGES = 100_000
"""Edges in one graph or group."""

MAX_TEXT = 65_536
"""Characters in one text."""

MAX_DEPTH = 32
"""Lists and objects inside each other."""

T = TypeVar("T")


def plain(value: object, place: str = "", depth: int = 0) -> Any:
    """A copy of plain data; raises DocumentError where it holds anything that both encodings cannot."""
    match value:
        case None | bool():
            return value
        case str():
            return _plain_text(value, place)
        case int():
            if not -(2**63) <= value < 2**63:
                raise problem(place, "a whole number of more than 64 bits cannot be kept; write a smaller one")
            return int(value)
        case float():
            if not math.isfinite(value):
                raise problem(place, f"{value} is not a number that can be computed with; write a finite one")
            return float(value)
        case list() | tuple() | dict() if depth >= MAX_DEPTH:
            raise problem(place, f"more than {MAX_DEPTH} lists and objects inside each other; a graph needs far fewer")
        case list() | tuple() | dict() if len(value) > MAX_EDGES:
            raise problem(place, f"{len(value)} entries are too many; {MAX_EDGES} are allowed")
        case list() | tuple():
            return [plain(item, f"{place}[{i}]", depth + 1) for i, item in enumerate(value)]
        case dict():
            return {_plain_key(k, place): plain(v, at(place, k), depth + 1) for k, v in value.items()}
    kind = type(value).__name__
    raise problem(place, f"a {kind} cannot be kept in a graph; write a number, a text, a list or an object")


def _plain_text(text: str, place: str) -> str:
    if len(text) > MAX_TEXT:
        raise problem(place, f"a text of {len(text)} characters is too long; {MAX_TEXT} are allowed")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise problem(place, "the text holds half of a character (a lone surrogate); write it anew") from None
    return str(text)


def _plain_key(key: object, place: str) -> str:
    if not isinstance(key, str):
        raise problem(place, f"the key {key!r:.60} is not a text; write it in quotes")
    return _plain_text(key, place)


def problem(place: str, sentence: str) -> DocumentError:
    """The error to raise about a place; the whole is called `the graph`."""
    return DocumentError(f"{place or 'the graph'}: {sentence}")


def at(place: str, key: object) -> str:
    """The place of a field; names that are no names are quoted and shortened."""
    name = key if isinstance(key, str) and NAME.match(key) else repr(key)[:60]
    return f"{place}.{name}" if place else str(name)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of plain data and its place."""

    value: Any
    place: str = ""

    def problem(self, sentence: str) -> DocumentError:
        return problem(self.place, sentence)

    @property
    def shown(self) -> str:
        """The value as messages show it."""
        return f"{self.value!r:.60}"

    def fields(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self.problem(f"{self.shown} stands where an object of named fields is needed; write {{...}}")
        return self.value

    def field(self, name: str, default: Any = None) -> Part:
        return Part(self.fields().get(name, default), at(self.place, name))

    def only(self, needed: Iterable[str], optional: Iterable[str] = ()) -> Part:
        """Itself, if it is an object with these fields and no others."""
        known = (*needed, *optional)
        for name in self.fields():
            if name not in known:
                raise problem(at(self.place, name), f"there is no such field; {', '.join(known)} are known")
        for name in needed:
            if name not in self.fields():
                raise self.problem(f"the field {name!r} is missing; add it")
        return self

    def others(self, known: frozenset[str]) -> dict[str, Any]:
        """The fields that are not known."""
        return {name: value for name, value in self.fields().items() if name not in known}

    def named(self, read: Callable[[Part], T]) -> dict[str, T]:
        """Everything in an object whose keys are names."""
        self._within(len(self.fields()), MAX_NODES)
        return {Part(key, self.place).name(): read(self.field(key)) for key in self.fields()}

    def texts(self, read: Callable[[Part], T]) -> dict[str, T]:
        """Everything in an object whose keys are any texts."""
        self._within(len(self.fields()), MAX_NODES)
        return {key: read(self.field(key)) for key in self.fields()}

    def addressed(self, read: Callable[[Part], T]) -> dict[Address, T]:
        """Everything in an object whose keys are addresses."""
        self._within(len(self.fields()), MAX_EDGES)
        return {Part(key, self.place).address(): read(self.field(key)) for key in self.fields()}

    def items(self, read: Callable[[Part], T], limit: int = MAX_NODES) -> list[T]:
        """Everything in a list."""
        if not isinstance(self.value, list):
            raise self.problem(f"{self.shown} stands where a list is needed; write [...]")
        self._within(len(self.value), limit)
        return [read(Part(item, f"{self.place}[{i}]")) for i, item in enumerate(self.value)]

    def _within(self, count: int, limit: int) -> None:
        if count > limit:
            raise self.problem(f"{count} are too many; {limit} are allowed")

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.problem(f"{self.shown} is not a text; write it in quotes")
        return self.value

    def name(self) -> str:
        if not NAME.match(self.text()):
            rule = "use letters, digits, _ and -, beginning with a letter or _ (64 at most)"
            raise self.problem(f"{self.shown} is not a name; {rule}")
        return self.text()

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.problem(f"{self.shown} is neither true nor false")
        return self.value

    def number(self) -> float:
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.problem(f"{self.shown} is not a number; write one such as 120 or 0.5")
        return float(self.value)

    def count(self) -> int:
        """A whole number from 1 upward; 2.0 counts as 2, as other tools write it."""
        number = self.number()
        if number < 1 or number != int(number):
            raise self.problem(f"{self.shown} is not a count; write a whole number from 1 upward")
        return int(self.value)

    def address(self) -> Address:
        try:
            address = Address.parse(self.text())
        except DocumentError:
            raise self.problem(f"{self.shown} is not an address; write node.port or node.port[0]") from None
        for name in (address.node, address.port):
            Part(name, self.place).name()
        return address

    def addresses(self) -> tuple[Address, ...]:
        return tuple(self.items(Part.address))
