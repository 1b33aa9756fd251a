"""Which graph a word of the command line means: a file, a script, or one of those that come with the program."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.document.presets import presets

SUFFIXES = (".json", ".mgraph", ".py")


def is_graph(word: str) -> bool:
    """Whether a word of a command line that may also name a song means a graph."""
    return Path(word).suffix.lower() in SUFFIXES or (
        not Path(word).exists() and any(preset.name == word for preset in presets())
    )


def graph_of(file: Path) -> Graph:
    """The graph in a file; a script (`.py`) is read, never executed. Raises Refused."""
    from midistems_graph.rules.script import load_graph

    try:
        return load_graph(file)
    except DocumentError as error:
        raise Refused(Exit.GRAPH, str(error)) from None


def graph_file(name: str) -> Path:
    """The file that a GRAPH of the command line means; raises Refused for a name that is neither."""
    path = Path(name)
    if path.suffix.lower() in SUFFIXES or len(path.parts) > 1 or path.exists():
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
