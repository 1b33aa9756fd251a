"""All commands that have a key, as lines to search and to choose from."""

from __future__ import annotations

from midistems_graph.editor.model.commands import COMMANDS
from midistems_graph.editor.model.shortcuts import Shortcuts
from midistems_graph.editor.view.menu import Row


def command_rows(shortcuts: Shortcuts, query: str) -> list[Row]:
    """Commands, by their names, whose title or keys hold what was typed."""
    rows = []
    for command in COMMANDS.values():
        chords = ", ".join(shortcuts.chords(command.name))
        if chords and query.lower() in f"{command.about} {command.title} {chords}".lower():
            rows.append(Row(command.name, command.title, chords))
    return rows
