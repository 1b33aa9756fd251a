"""Text files that the programs write beside stems: tables, pictures and pages."""

from __future__ import annotations

from pathlib import Path

from midistems_graph.cli.codes import Exit, Refused


def written(path: Path, text: str) -> None:
    """Put a file in its place, whole. Raises Refused."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError as error:
        raise Refused(Exit.OUTPUT, f"{path} cannot be written: {error.strerror or error}") from None
