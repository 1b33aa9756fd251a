"""What was said in the status bar since the window opened, as lines to search."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from midistems_graph.editor.view.menu import Row
from midistems_graph.editor.view.palette import Palette

LONGEST = 300
"""Sentences that are kept."""


@dataclass(frozen=True)
class Said:
    """A sentence with the time of day, and whether something went wrong."""

    at: str
    sentence: str
    wrong: bool


def log_rows(said: Iterable[Said], query: str, palette: Palette) -> list[Row]:
    """The newest first; the whole sentence is shown for the line that is chosen."""
    found = [entry for entry in said if query.lower() in entry.sentence.lower()]
    rows = []
    for entry in reversed(found):
        dot = palette.bad if entry.wrong else palette.faint
        rows.append(Row(entry.sentence, entry.sentence, entry.at, dot, note=entry.sentence))
    return rows
