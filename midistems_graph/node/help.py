"""A node's help: its docstring, completed by what the annotations of shared ports and knobs say.

Nodes of a family share knobs and ports, as an annotation: `Hop = Annotated[int, Range(1, 32768), "Samples between
frames."]`, `Song = Annotated[Audio, "The sound to split."]`. Its text is the description wherever the docstring has no
entry of that name.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import Protocol

_SECTIONS = re.compile(r"\n\n(?=\w+\n-+\n)")
_ENTRIES = re.compile(r"\n(?=\S)")
_PARAMETERS = "Parameters\n----------"


class Shared(Protocol):
    """A port or knob; `shared` is what its annotation says of it, if anything."""

    @property
    def name(self) -> str: ...

    @property
    def shared(self) -> str: ...


def completed(docstring: str, parameters: Iterable[Shared]) -> str:
    """An unindented docstring in which all that annotations describe has an entry, in the order of `parameters`."""
    sections = _SECTIONS.split(docstring)
    place = next((i for i, section in enumerate(sections) if section.startswith(_PARAMETERS)), None)
    body = "" if place is None else sections[place].removeprefix(_PARAMETERS).strip("\n")
    entries = {text.split(maxsplit=1)[0]: text for text in _ENTRIES.split(body) if text}
    told = list(entries)
    after = 0
    for one in parameters:
        if one.name in entries:
            after = told.index(one.name) + 1
        elif one.shared:
            entries[one.name] = f"{one.name}\n" + textwrap.indent(textwrap.fill(one.shared, 112), "    ")
            told.insert(after, one.name)
            after += 1
    if not told:
        return docstring
    written = "\n".join([_PARAMETERS, *(entries[name] for name in told)])
    sections[slice(1, 1) if place is None else slice(place, place + 1)] = [written]
    return "\n\n".join(sections)
