"""What was said in the status bar since the window opened, as lines to search."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from midistems_graph.editor.view.menu import Menu, Row
from midistems_graph.editor.view.palette import Palette

WIDTH = 640

LONGEST = 300
"""Sentences that are kept."""


@dataclass(frozen=True)
class Said:
    """A sentence with the time of day, and whether something went wrong."""

    at: str
    sentence: str
    wrong: bool


def open_log(menu: Menu, inside: tuple[int, int], said: Iterable[Said]) -> None:
    """List what was said; the line that is chosen is copied."""
    menu.open(
        (inside[0] / 2 - WIDTH / 2, 90),
        lambda query: log_rows(said, query, menu.palette),
        dpg.set_clipboard_text,
        search="what was said; Enter copies a line",
        width=WIDTH,
        inside=inside,
    )


def log_rows(said: Iterable[Said], query: str, palette: Palette) -> list[Row]:
    """The newest first; the whole sentence is shown for the line that is chosen."""
    found = [entry for entry in said if query.lower() in entry.sentence.lower()]
    rows = []
    for entry in reversed(found):
        dot = palette.bad if entry.wrong else palette.faint
        rows.append(Row(entry.sentence, entry.sentence, entry.at, dot, note=entry.sentence))
    return rows
