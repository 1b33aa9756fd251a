"""`midistems-graph [GRAPH] [SONG]`: the editor's window on files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from midistems_graph.cli.codes import Exit, Refused

GRAPHS = frozenset({".json", ".mgraph"})


def open_editor(files: Sequence[str]) -> Exit:
    """Open the editor on a graph file and a song, in any order; without them on its welcome. Raises Refused."""
    graph, song = sorted_files(files)
    from midistems_graph.editor.view.display import NoDisplay, check_display

    try:
        check_display()
    except NoDisplay as reason:
        raise Refused(Exit.WINDOW, str(reason)) from None
    from midistems_graph.editor.app import run_editor

    return Exit(run_editor(graph, song))


def sorted_files(files: Sequence[str]) -> tuple[Path | None, Path | None]:
    """The graph and the song among the files; raises Refused for what is not there or is there twice."""
    found: dict[bool, Path] = {}
    for name in files:
        path = Path(name)
        is_graph = path.suffix.lower() in GRAPHS
        if not path.is_file():
            code = Exit.GRAPH if is_graph else Exit.INPUT if path.suffix else Exit.USAGE
            raise Refused(code, f"{name} is no file and no command; see midistems-graph --help")
        if is_graph in found:
            raise Refused(Exit.USAGE, f"the editor opens one {'graph' if is_graph else 'song'}; {name} is a second one")
        found[is_graph] = path
    return found.get(True), found.get(False)
