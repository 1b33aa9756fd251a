"""The editor put together: document, window, sound and runs."""

from __future__ import annotations

import sys
from pathlib import Path

from midistems_graph.document.files import load
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.settings import Settings
from midistems_graph.node.library import installed

NO_WINDOW = 7
"""The exit code where no window can be opened."""

NO_GRAPH = 3
"""The exit code where the graph cannot be read."""


def run_editor(graph_path: Path | None = None, song_path: Path | None = None) -> int:
    """Open the editor on a graph and a song (the welcome without them) and return the exit code when it is closed."""
    from midistems_graph.editor.view.display import NoDisplay, check_display

    try:
        check_display()
        graph = load(graph_path) if graph_path else Graph()
    except NoDisplay as reason:
        print(f"midistems-graph: {reason}", file=sys.stderr)
        return NO_WINDOW
    except DocumentError as error:
        print(f"midistems-graph: {error}", file=sys.stderr)
        return NO_GRAPH
    from midistems_graph.editor.view.bench import Bench

    settings, _ = Settings.load()
    bench = Bench(Editor(installed(), graph), settings)
    bench.open()
    try:
        bench.window.run(lambda: False)
    finally:
        bench.close()
    return 0
