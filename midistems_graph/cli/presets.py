"""The graphs that come with the program, by name: `four_stems` stands for graphs/four_stems.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from midistems_graph.cli.codes import Exit, Refused


@dataclass(frozen=True)
class Preset:
    """A preset's name, the title in its file, and where the file lies."""

    name: str
    title: str
    path: Path


def presets() -> list[Preset]:
    """All presets by name: those of the installed package, or of the checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "presets", package.parent / "graphs"):
        if folder.is_dir():
            return [Preset(path.stem, _title(path), path) for path in sorted(folder.glob("*.json"))]
    return []


def _title(path: Path) -> str:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return "(cannot be read)"
    return str(data.get("title", "")) if isinstance(data, dict) else "(no graph)"


def graph_file(name: str) -> Path:
    """The file that a GRAPH of the command line means; raises Refused for a name that is neither."""
    path = Path(name)
    if path.suffix.lower() in (".json", ".mgraph") or len(path.parts) > 1 or path.exists():
        if not path.exists():
            raise Refused(Exit.USAGE, f"there is no graph file {name}; check the name, or see run-graph --list")
        return path
    known = {preset.name: preset for preset in presets()}
    if name in known:
        return known[name].path
    close = get_close_matches(name, known, 1)
    listed = "; ".join(f"{preset.name} ({preset.title})" for preset in known.values())
    hint = f"did you mean {close[0]}? " if close else ""
    raise Refused(
        Exit.USAGE,
        f"there is no graph file and no preset called {name!r}; {hint}Presets: {listed or 'none are installed'}",
    )
