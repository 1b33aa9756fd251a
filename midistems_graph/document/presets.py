"""The graphs that come with the program, by name: `four_stems` stands for graphs/four_stems.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


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
