"""`run-graph --list`: the presets."""

from __future__ import annotations

import json

from midistems_graph.cli.codes import Exit
from midistems_graph.cli.plain_text import clean
from midistems_graph.document.presets import presets


def print_presets(as_json: bool) -> Exit:
    """One line per preset: its name and its title."""
    found = presets()
    if as_json:
        print(json.dumps([{"name": preset.name, "title": preset.title} for preset in found], indent=1))
        return Exit.DONE
    width = max((len(preset.name) for preset in found), default=0)
    for preset in found:
        print(f"{clean(preset.name):<{width}}  {clean(preset.title)}".rstrip())
    return Exit.DONE
