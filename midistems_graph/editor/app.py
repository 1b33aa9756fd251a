"""The editor put together: a window with one document and one song."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from midistems_graph.document.files import load
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.editor.handover import Receiver
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.recent import Recent
from midistems_graph.editor.model.settings import Settings
from midistems_graph.editor.program.arrivals import Arrivals
from midistems_graph.editor.program.documents import Documents
from midistems_graph.editor.program.exports import Exports
from midistems_graph.editor.program.found import FoundSearches
from midistems_graph.editor.program.further_inputs import FurtherInputs
from midistems_graph.editor.program.listener import Listener, opened_store
from midistems_graph.editor.program.searching import Searches
from midistems_graph.editor.program.separate import Separate
from midistems_graph.editor.program.song_deck import SongDeck
from midistems_graph.editor.program.welcome import show_welcome
from midistems_graph.editor.runs.queue import Queue
from midistems_graph.editor.view.bench import Bench
from midistems_graph.editor.view.browser import ANY_FILE, FOLDER, Browser
from midistems_graph.editor.view.fonts import begin_font
from midistems_graph.node.library import installed
from midistems_graph.rules.script import load_graph


@dataclass(frozen=True)
class Opening:
    """What the editor is asked to open: a graph file (a preset or a script becomes a new document) and songs."""

    graph: Path | None = None
    is_preset: bool = False
    songs: tuple[Path, ...] = ()


class App:
    """The bench with what its commands need: documents, a listener, and what comes in from outside.

    Each part adds its own commands.
    """

    def __init__(self, opening: Opening, settings: Settings, recent: Recent) -> None:
        """Raises DocumentError for a graph that cannot be read."""
        graph = load_graph(opening.graph) if opening.graph else Graph()
        bench = self.bench = Bench(Editor(installed(), graph), settings)
        self.browser = Browser(
            lambda: bench.menu,
            lambda: ((bench.window.size[0] / 2 - 280, 90), bench.window.size),
            lambda: (*self.documents.recent.graphs, *self.documents.recent.songs),
            recent.bookmarks,
            self._keep_bookmarks,
        )
        self.listener = Listener(bench, self.browser)
        file = None if opening.is_preset else opening.graph
        bench.file = file.name if file else opening.graph.stem if opening.graph else bench.file
        self.documents = Documents(bench, self.listener, self.browser, file, recent)
        self.arrivals = Arrivals(self.documents, self._take_songs)
        self.exports = Exports(self.documents)
        FurtherInputs(self.documents)
        self.found = FoundSearches(self.documents)
        self.songs = SongDeck(self.documents, Queue(installed(), opened_store))
        self.searches = Searches(self.documents, self.found, self.songs)
        self.separate = Separate(self.arrivals, Queue(installed(), opened_store), self.listener.hear_files)
        bench.choose_file = lambda folder, chosen: self.browser.ask_open(FOLDER if folder else ANY_FILE, chosen)
        bench.commands["welcome"] = lambda: show_welcome(self.documents, self.listener.bind_demo)
        self.receiver = Receiver(lambda paths: bench.window.jobs.post(lambda: self.arrivals.take(paths)))
        self._songs = opening.songs
        self._font: subprocess.Popen[bytes] | None = None

    def open(self, *, visible: bool = True, size: tuple[int, int] | None = None) -> None:
        """Open the window. Once the document is on the screen, the rest begins: files, sound, what is offered."""
        self.bench.open(visible=visible, size=size)
        self.listener.open()
        if visible:
            self.bench.window.frame()
        self.documents.open()
        self.receiver.open()
        self._font = begin_font() if visible else None
        if self._songs:
            self._take_songs(self._songs)
        else:
            self.listener.changed()
        if self.documents.file is None and not self.bench.editor.state.graph.nodes:
            self.bench.do("welcome")

    def run(self) -> None:
        self.bench.window.run(self.tick)

    def tick(self) -> bool:
        """Before every frame; whether something moves."""
        self.documents.tick()
        self.bench.canvas.tick()
        self.found.tick()
        self.searches.tick()
        if self._font is not None and self._font.poll() is not None:
            self._font = None
            self.bench.window.load_font()
        moves = self.bench.sheet.tick()
        return self.listener.tick() or moves

    def close(self) -> None:
        if self._font is not None:
            self._font.kill()
            self._font.wait()
        self.documents.close()
        self.receiver.close()
        self.separate.close()
        self.searches.close()
        self.songs.close()
        self.exports.close()
        self.listener.close()
        self.bench.close()
        self.bench.settings.save()

    def _take_songs(self, songs: Sequence[Path]) -> None:
        match self.bench.sheet.name:
            case "separate":
                self.separate.add_songs(songs)
            case "songs":
                self.songs.add(songs)
            case _:
                self.songs.take(songs)
                self.documents.say_unreadable("the name of this song", songs[0].name)

    def _keep_bookmarks(self, bookmarks: tuple[Path, ...]) -> None:
        self.documents.recent = replace(self.documents.recent, bookmarks=bookmarks)
        self.documents.recent.save()


def run_editor(opening: Opening) -> None:
    """Open the editor and return when it is closed; `check_display` must have passed. Raises DocumentError."""
    settings, _ = Settings.load()
    recent = Recent.load()
    if opening == Opening():
        opening = last_session(recent)
    app = App(opening, settings, recent)
    try:
        app.open()
        app.run()
    finally:
        app.close()


def last_session(recent: Recent) -> Opening:
    """The document that was open last, if it can still be read, with the last song."""
    there = recent.there
    for graph in there.graphs[:1]:
        with suppress(DocumentError):
            load(graph)
            return Opening(graph, songs=there.songs[:1])
    return Opening()
