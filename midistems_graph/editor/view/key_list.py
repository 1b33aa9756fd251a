"""All commands that have a key, as lines to search and to choose from."""

from __future__ import annotations

from collections.abc import Callable

from midistems_graph.editor.model.commands import COMMANDS
from midistems_graph.editor.model.shortcuts import Shortcuts
from midistems_graph.editor.view.menu import Menu, Row

WIDTH = 440


def open_keys(menu: Menu, inside: tuple[int, int], shortcuts: Shortcuts, do: Callable[[str], None]) -> None:
    """List commands with their keys; the one that is chosen is done."""
    at = inside[0] / 2 - WIDTH / 2, 90
    hint = "commands and their keys"
    menu.open(at, lambda query: command_rows(shortcuts, query), do, search=hint, width=WIDTH, inside=inside)


def command_rows(shortcuts: Shortcuts, query: str) -> list[Row]:
    """Commands, by their names, whose title or keys hold what was typed."""
    rows = []
    for command in COMMANDS.values():
        chords = ", ".join(shortcuts.chords(command.name))
        if chords and query.lower() in f"{command.about} {command.title} {chords}".lower():
            rows.append(Row(command.name, command.title, chords))
    return rows
