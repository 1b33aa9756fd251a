"""Text as it is drawn: Dear PyGui puts letters side by side from left to right, whatever their script.

So Arabic letters are joined, and what runs from right to left is turned round, before it is drawn; text that people
type into a field stays as they type it. Letters of Indic scripts are not joined: that takes glyphs without letters of
their own, which Dear PyGui cannot write.
"""

from __future__ import annotations

import re
from functools import lru_cache

BRACKETS = dict(zip("([{<«", ")]}>»", strict=True))

_FROM_THE_RIGHT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")


@lru_cache(2000)
def seen(line: str) -> str:
    """One line of text as it has to be drawn: its letters from left to right, in the forms that they are seen in.

    Lines are laid out from left to right as the interface is; names in them that run the other way do so within.
    """
    if not _FROM_THE_RIGHT.search(line):
        return line
    from arabic_reshaper import reshape
    from bidi import get_display

    return _facing(str(get_display(reshape(line), base_dir="L")))


def _facing(line: str) -> str:
    """Brackets whose order was turned round enclose again what is between them; the library leaves their shapes."""
    letters, closing = list(line), set(BRACKETS.values())
    open_: list[int] = []
    closed: list[int] = []
    for place, letter in enumerate(letters):
        if letter in BRACKETS:
            open_.append(place)
        elif letter in closing and open_ and BRACKETS[letters[open_[-1]]] == letter:
            open_.pop()
        elif letter in closing:
            closed.append(place)
    for first in closed:
        for last in open_:
            if first < last and BRACKETS[letters[last]] == letters[first]:
                letters[first], letters[last] = letters[last], letters[first]
                open_.remove(last)
                break
    return "".join(letters)
