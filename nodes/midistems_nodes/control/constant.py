"""Numbers and texts that are set once and wired to where they are needed."""

from __future__ import annotations

from typing import Annotated

from midistems_graph.node import Number, Range, Text, node


@node("control.number", tags=("constant", "value"), derived=True, scratch=0)
def number(*, value: Annotated[float, Range(-1e12, 1e12)] = 0.0, unit: str = "") -> Number:
    """A number for other nodes' knobs.

    Parameters
    ----------
    value
        The number.
    unit
        Its unit, for display: `dB`, `Hz`, `s`.

    Notes
    -----
    Good for setting one figure in many places at once.
    """
    return Number(value, unit)


@node("control.text", tags=("constant", "value"), derived=True, scratch=0)
def text(*, value: str = "") -> Text:
    """A text for other nodes' knobs.

    Parameters
    ----------
    value
        The text, such as the name of a stem.

    Notes
    -----
    Good for setting one name in many places at once.
    """
    return Text(value)
