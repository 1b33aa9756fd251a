"""The editor put together: a window with one document and one song."""

from __future__ import annotations

import sys
from pathlib import Path

from midistems_graph.document.files import load
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.recent import Recent
from midistems_graph.editor.model.settings import Settings
from midistems_graph.editor.program.documents import Documents
from midistems_graph.editor.program.listener import Listener
from midistems_graph.editor.view.bench import Bench
from midistems_graph.node.library import installed

NO_WINDOW = 7
"""The exit code where no window can be opened."""

NO_GRAPH = 3
"""The exit code where the graph cannot be read."""


class App:
    """The bench with what its commands need: documents and a listener. Each part adds its own commands."""

    def __init__(self, graph: Graph, file: Path | None, song: Path | None, settings: Settings, recent: Recent) -> None:
        self.bench = Bench(Editor(installed(), graph), settings)
        self.listener = Listener(self.bench)
        self.documents = Documents(self.bench, self.listener, file, recent)
        self._song = song

    def open(self, *, visible: bool = True, size: tuple[int, int] | None = None) -> None:
        self.bench.open(self.documents.title, visible=visible, size=size)
        self.listener.open()
        self.documents.open()
        if self._song is not None:
            self.listener.bind(self._song)
        if self.documents.file is None and not self.bench.editor.state.graph.nodes:
            self.documents.welcome()

    def run(self) -> None:
        self.bench.window.run(self.tick)

    def tick(self) -> bool:
        """Before every frame; whether something moves."""
        self.documents.tick()
        return self.listener.tick()

    def close(self) -> None:
        self.documents.close()
        self.listener.close()
        self.bench.close()
        self.bench.settings.save()


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
    settings, _ = Settings.load()
    app = App(graph, graph_path, song_path, settings, Recent.load())
    try:
        app.open()
        app.run()
    finally:
        app.close()
    return 0
