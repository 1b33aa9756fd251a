"""Why a node ran, in sentences for people, from the lines in which the store tells differences."""

from __future__ import annotations

import re
from collections.abc import Iterable

_STRETCH = "stretch:"
_CHANGE = re.compile(r"(?P<what>[^:]+): (?P<old>.*) -> (?P<new>.*)\Z", re.DOTALL)


def in_words(lines: Iterable[str]) -> str:
    """`knob cutoff: 200 -> 150` becomes `cutoff went from 200 to 150`; several are joined.

    That the nearest result is one of another stretch is no reason, but where there is no other.
    """
    told = list(lines)
    reasons = [line for line in told if not line.startswith(_STRETCH)]
    return "; ".join(map(_in_words, reasons)) if reasons or not told else "this stretch has not been computed before"


def _in_words(line: str) -> str:
    match = _CHANGE.match(line)
    if match is None:
        return line.removeprefix("knob ")
    what, old, new = match["what"], match["old"], match["new"]
    kind, _, name = what.partition(" ")
    match kind:
        case "input":
            return f"what flows into {name} changed"
        case "file":
            return f"the file of {name} changed"
        case "library":
            return f"{name} went from version {old} to {new}"
        case "knob":
            return f"{name.replace('_', ' ')} went from {old} to {new}"
    return f"the {what} went from {old} to {new}"
