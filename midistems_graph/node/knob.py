"""Knobs: parameters of a node, and which values they take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from midistems_graph.document.graph import KnobValue
from midistems_graph.node.contract import FileBelowGraph, FolderBelowGraph, InputName, ModelName, Range

KnobKind = Literal["int", "float", "bool", "text", "choice", "numbers", "texts"]
FileRule = FileBelowGraph | FolderBelowGraph | InputName | ModelName


class KnobError(ValueError):
    """A knob's value is refused: the sentence names the knob, the value and what is allowed."""


@dataclass(frozen=True)
class Knob:
    """A parameter that is set on the node (or driven by a Number or Text edge).

    `shared` is what its annotation says of it, where nodes share the annotation; their docstrings need not.
    """

    name: str
    kind: KnobKind
    default: KnobValue
    range: Range | None = None
    choices: tuple[str | int, ...] = ()
    file: FileRule | None = None
    shared: str = ""

    def coerce(self, value: object) -> KnobValue:
        """The value in the knob's own type (1.0 becomes 1 for an int); raises KnobError."""
        match self.kind:
            case "bool":
                if isinstance(value, bool):
                    return value
                raise self._refused(value, "true or false")
            case "int":
                if isinstance(value, float) and value.is_integer():
                    value = int(value)
                if isinstance(value, bool) or not isinstance(value, int):
                    raise self._refused(value, f"a whole number, {self.allowed}")
                return self._in_range(value)
            case "float":
                if isinstance(value, bool) or not isinstance(value, int | float):
                    raise self._refused(value, self.allowed)
                return self._in_float_range(value)
            case "choice":
                for choice in self.choices:
                    same_number = isinstance(value, float) and isinstance(choice, int) and value == choice
                    if (type(value) is type(choice) and value == choice) or same_number:
                        return choice
                raise self._refused(value, "one of " + ", ".join(map(str, self.choices)))
            case "text":
                if isinstance(value, str):
                    return value
                raise self._refused(value, "text")
            case "numbers":
                if isinstance(value, list | tuple) and all(
                    isinstance(v, int | float) and not isinstance(v, bool) for v in value
                ):
                    return tuple(self._in_float_range(v) for v in value)
                raise self._refused(value, "a list of numbers")
            case "texts":
                if isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
                    return tuple(value)
                raise self._refused(value, "a list of texts")

    def parse(self, text: str) -> KnobValue:
        """A value typed by a person (`--set node.knob=text`); raises KnobError."""
        match self.kind:
            case "bool":
                words = {"true": True, "yes": True, "on": True, "1": True}
                words |= {"false": False, "no": False, "off": False, "0": False}
                return self.coerce(words.get(text.strip().lower(), text))
            case "int" | "float":
                return self.coerce(_number(text))
            case "choice":
                by_text = {str(choice): choice for choice in self.choices}
                return self.coerce(by_text.get(text, text))
            case "numbers":
                return self.coerce([_number(part) for part in text.split(",") if part.strip()])
            case "texts":
                return self.coerce([part.strip() for part in text.split(",") if part.strip()])
            case "text":
                return text

    @property
    def allowed(self) -> str:
        """What may be set, in words."""
        if self.range:
            unit = f" {self.range.unit}" if self.range.unit else ""
            return f"{_in_full(self.range.low)} to {_in_full(self.range.high)}{unit}"
        if self.choices:
            return "one of " + ", ".join(map(str, self.choices))
        plain = {"bool": "true or false", "text": "text", "texts": "a list of texts", "numbers": "a list of numbers"}
        return plain.get(self.kind, "a number")

    def _in_range(self, value: float) -> float:
        if value != value or value in (float("inf"), float("-inf")):
            raise self._refused(value, self.allowed)
        if self.range and not self.range.low <= value <= self.range.high:
            raise self._refused(value, self.allowed)
        return value

    def _in_float_range(self, value: float) -> float:
        try:
            return self._in_range(float(value)) + 0.0  # + 0.0 turns -0.0 into 0.0
        except OverflowError:  # a whole number too large for a float
            raise self._refused(value, self.allowed) from None

    def _refused(self, value: object, allowed: str) -> KnobError:
        shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "..."
        return KnobError(f"knob {self.name!r} cannot be {shown}; allowed: {allowed}")


def _in_full(bound: float) -> str:
    """`2147483647` and `0.5`; only what is too long to read gets an exponent."""
    return str(int(bound)) if float(bound).is_integer() and abs(bound) < 1e12 else f"{bound:g}"


def _number(text: str) -> float | str:
    """A whole number stays one: beyond 2^53 a float would round it."""
    for reader in (int, float):
        try:
            return reader(text)
        except ValueError:
            continue
    return text
