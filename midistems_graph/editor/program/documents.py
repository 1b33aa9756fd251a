"""The document and its file: opening, saving, work that a crash left, leaving."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from midistems_graph.audio.files import SOUND_EXTENSIONS
from midistems_graph.document.files import load, save
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.editor.model.edit import Edit
from midistems_graph.editor.model.journal import Journal, Recovered, discard, recover, recover_unsaved, set_aside
from midistems_graph.editor.model.recent import Recent
from midistems_graph.editor.program.listener import Listener
from midistems_graph.editor.view.bench import Bench
from midistems_graph.editor.view.browser import Browser, Kind
from midistems_graph.editor.view.fonts import unreadable
from midistems_graph.editor.view.menu import Row
from midistems_graph.editor.view.notice import Notice
from midistems_graph.engine.locked import CannotLock, carry
from midistems_graph.rules.script import SUFFIX, load_graph

LOOK_EVERY = 1.0
"""Seconds between looks at the file: whether another window or program touched it."""

GRAPH_FILES = Kind("a graph", (".json", ".mgraph"))
SCRIPTS = Kind("a script", (SUFFIX,))
"""Read, never executed; a document that was begun with one is saved as a graph file."""
NAMED_FILES = Kind("a sound file", tuple(sorted(SOUND_EXTENSIONS)))
NAMED_FOLDERS = Kind("a folder", (), folders=True)
"""What knobs name."""


class Documents:
    """Which file the bench shows. A document that is opened or begun is heard with the listener's song."""

    def __init__(self, bench: Bench, listener: Listener, browser: Browser, file: Path | None, recent: Recent) -> None:
        self.bench, self.listener, self.browser, self.recent = bench, listener, browser, recent
        self.journal = Journal(file)
        self.file = file
        self._look_at = 0.0
        self._title = ""
        bench.commands |= {"new": self.new_canvas, "save": self.save, "save_as": self.ask_save, "quit": self.quit}
        bench.choose_file = lambda folder, chosen: browser.ask_open(NAMED_FOLDERS if folder else NAMED_FILES, chosen)
        listener.song_bound = self._remember_song
        listener.recalled = lambda song: self.recent.inputs_of(song)

    def open(self) -> None:
        """Begin, when the window is there."""
        self.bench.window.asked_to_close = self.quit
        self._name_file()
        self.say_unreadable("names in this graph", " ".join(names_in(self.bench.editor.state.graph)))
        if self.file is not None:
            self.recent = self.recent.with_graph(self.file)
            self._begin_file(self.file, self.bench.editor.saved)

    def close(self) -> None:
        self.journal.close()
        self.recent.save()

    def tick(self) -> None:
        """Before every frame: keep a copy of what is not saved yet, notice what others do with the file."""
        now = time.monotonic()
        if self.bench.editor.dirty:
            self.journal.keep(self.bench.editor.state.graph, now)
        if self.title != self._title:
            self._title = self.title
            self.bench.window.set_title(self._title)
        if now > self._look_at:
            self._look_at = now + LOOK_EVERY
            self._look_around()

    @property
    def title(self) -> str:
        """What the window is called; a star says that there is something to save."""
        return f"{self.bench.file}{' *' if self.bench.editor.dirty else ''} - midistems-graph"

    # Opening

    def open_file(self, path: Path) -> None:
        """Open a graph file in place of the document, which may be saved first."""
        self.ask_first(lambda: self._show_file(path))

    def open_preset(self, path: Path) -> None:
        """Begin a new document with what a preset, or a script, holds."""
        self.ask_first(lambda: self._show_preset(path))

    def begin(self, graph: Graph, name: str) -> None:
        """Begin a new document with a graph that has no file."""
        self.ask_first(lambda: self._show(graph, None, name))

    def take_over(self, graph: Graph) -> None:
        """The document with knobs that were turned elsewhere; one step of the history."""
        if graph != self.bench.editor.state.graph:
            self.bench.editor.apply(Edit(graph, "turn knobs"))
            self.bench.refresh()

    def new_canvas(self) -> None:
        """Begin with nothing."""
        self.ask_first(lambda: self._show(Graph(), None, "untitled"))

    def take_up(self, found: Recovered) -> None:
        """Go on with work that a crash left; undo goes back to what is in the file."""
        self.bench.editor.apply(Edit(found.graph, "take up unsaved work"))
        self.journal.keep(found.graph, time.monotonic(), at_once=True)
        discard(found)
        self.bench.editor.look_at_all()
        self.bench.refresh()

    def begin_with(self, found: Recovered) -> None:
        """Go on with work that never had a file."""

        def begin() -> None:
            self._show(Graph(), None, "untitled")
            self.take_up(found)

        self.ask_first(begin)

    @property
    def left_without_file(self) -> list[Recovered]:
        """Work that never had a file and was not saved when its window died, the last first."""
        return recover_unsaved()

    def ask_first(self, then: Callable[[], object]) -> None:
        """Do something that ends the document; with unsaved work ask what becomes of it."""
        if not self.bench.editor.dirty:
            then()
            return
        rows = [
            Row("", f"{self.bench.file} has changes that are not saved"),
            Row("save", "Save them"),
            Row("drop", "Go on without saving"),
            Row("stay", "Stay here", "Esc"),
        ]

        def chosen(row: str) -> None:
            if row == "drop":
                then()
            elif row == "save":
                self._saved_then(then)

        width, height = self.bench.window.size
        self.bench.menu.open((width / 2 - 180, height / 2 - 60), lambda _: rows, chosen, width=360)

    # Saving

    def save(self) -> None:
        self._saved_then(lambda: None)

    def ask_save(self, then: Callable[[], object] = lambda: None) -> None:
        def chosen(path: Path) -> None:
            if self.save_as(path):
                then()

        self.browser.ask_save(GRAPH_FILES, chosen, self.bench.file)

    def save_as(self, path: Path) -> bool:
        """Write the document to a file; False (and a sentence) if that cannot be done."""
        graph = self.bench.editor.state.graph
        try:
            if self.file is not None:
                carry(graph, self.file.parent, path.parent)
            save(graph, path)
        except (DocumentError, CannotLock) as error:
            self.bench.say(str(error), wrong=True)
            return False
        self.file = path
        self.journal.saved(path)
        self.bench.editor.mark_saved()
        self.bench.notices.withdraw("file")
        self.recent = self.recent.with_graph(path)
        self.recent.save()
        self.bench.say(f"saved {path.name}")
        self._name_file()
        return True

    def say_unreadable(self, what: str, text: str) -> None:
        """Letters that no font here has are said, not only shown as question marks."""
        if words := unreadable(text):
            self.bench.notices.say(Notice("letters", f"{what}: {words}"))

    def quit(self) -> None:
        """Close the window; with unsaved work ask first."""
        self.ask_first(self.bench.window.stop)

    # Parts

    def _saved_then(self, then: Callable[[], object]) -> None:
        if self.file is None:
            self.ask_save(then)
        elif self.save_as(self.file):
            then()

    def _show_file(self, path: Path) -> None:
        try:
            graph = load(path)
        except DocumentError as error:
            self.bench.say(str(error), wrong=True)
            return
        self._show(graph, path, path.name)
        self.recent = self.recent.with_graph(path)
        self.recent.save()
        self._begin_file(path, graph)

    def _show_preset(self, path: Path) -> None:
        try:
            self._show(load_graph(path), None, path.stem)
        except DocumentError as error:
            self.bench.say(str(error), wrong=True)

    def _show(self, graph: Graph, file: Path | None, name: str) -> None:
        self.journal.close()
        self.file, self.journal = file, Journal(file)
        self.listener.forget()
        self.bench.show_document(graph, name)
        self._name_file()
        self.listener.changed()
        self.say_unreadable("names in this graph", " ".join(names_in(graph)))

    def _begin_file(self, path: Path, saved: Graph) -> None:
        """Say who else has the file open, and offer work on it that a crash left."""
        found = recover(path, load(path) if path.is_file() else saved)
        if found is not None:
            found = set_aside(found)
            self.bench.notices.say(
                Notice(
                    "recovery",
                    f"Work on {path.name} that was not saved is there, left by a crash ({when(found)}).",
                    (
                        ("Take it up", lambda: self.take_up(found)),
                        ("Throw it away", lambda: discard(found)),
                        ("Later", lambda: None),
                    ),
                )
            )
        if message := self.journal.open():
            self.bench.notices.say(Notice("windows", message))

    def _look_around(self) -> None:
        if message := self.journal.noticed():
            self.bench.notices.say(Notice("windows", message))
        if message := self.journal.changed_outside():
            file = self.file
            again = (("Open it again", lambda: self._reload(file)),) if file is not None and file.is_file() else ()
            self.bench.notices.say(Notice("file", message, (*again, ("Keep what is here", lambda: None))))

    def _reload(self, path: Path | None) -> None:
        if path is not None:
            self.open_file(path)

    def _remember_song(self, song: Path) -> None:
        self.recent = self.recent.with_song(song, self.listener.further)
        self.recent.save()

    def _name_file(self) -> None:
        self.listener.folder = self.bench.folder = self.file.parent if self.file else None
        if self.file is not None:
            self.bench.file = self.file.name
            self.browser.folder = self.file.parent
            self.listener.locking.opened(self.file.parent)
        self.bench.refresh()


def names_in(graph: Graph) -> Iterator[str]:
    """All that is written on the canvas of a graph and of its groups."""
    yield graph.title
    for body in (graph, *graph.groups.values()):
        yield from (node.label or "" for node in body.nodes.values())
        yield from (frame.title for frame in body.view.frames)
        yield from (note.text for note in body.view.notes)


def when(found: Recovered) -> str:
    """When work was left: `today, 14:05`."""
    written, now = time.localtime(found.written), time.localtime()
    day = "today" if written[:3] == now[:3] else time.strftime("%Y-%m-%d", written)
    return f"{day}, {time.strftime('%H:%M', written)}"
