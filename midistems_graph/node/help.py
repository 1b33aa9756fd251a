"""A node's help: its docstring, completed by what the annotations of shared knobs say.

Nodes of a family share knobs, as an annotation: `Hop = Annotated[int, Range(1, 32768), "Samples between frames."]`. Its
text is the knob's description wherever the docstring has no entry of that name.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from midistems_graph.node.knob import Knob

_SECTIONS = re.compile(r"\n\n(?=\w+\n-+\n)")
_PARAMETERS = "Parameters\n----------"


def completed(docstring: str, knobs: Sequence[Knob]) -> str:
    """An unindented docstring in which every knob that its annotation describes has an entry."""
    sections = _SECTIONS.split(docstring)
    place = next((i for i, section in enumerate(sections) if section.startswith(_PARAMETERS)), None)
    told = {line.partition(" :")[0] for line in sections[place].splitlines()} if place is not None else set()
    entries = [_entry(knob) for knob in knobs if knob.shared and knob.name not in told]
    if not entries:
        return docstring
    if place is None:
        place = 1
        sections.insert(place, _PARAMETERS)
    sections[place] = "\n".join([sections[place], *entries])
    return "\n\n".join(sections)


def _entry(knob: Knob) -> str:
    return f"{knob.name}\n" + textwrap.indent(textwrap.fill(knob.shared, 112), "    ")
