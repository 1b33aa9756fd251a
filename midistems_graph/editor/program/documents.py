"""The document and its file: the welcome, opening, saving and leaving."""

from __future__ import annotations

import time
from pathlib import Path

from midistems_graph.audio.demo import demo_folder
from midistems_graph.document.files import load, save
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.model.journal import Journal
from midistems_graph.editor.model.recent import Recent
from midistems_graph.editor.program.listener import Listener
from midistems_graph.editor.view.bench import Bench
from midistems_graph.editor.view.browser import Browser
from midistems_graph.editor.view.menu import Row

GRAPHS = (".json", ".mgraph")
SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff", ".opus", ".m4a")


class Documents:
    """Which file the bench shows. A document that is opened or begun is heard with the listener's song."""

    def __init__(self, bench: Bench, listener: Listener, file: Path | None, recent: Recent) -> None:
        self.bench, self.listener, self.recent = bench, listener, recent
        self.journal = Journal(file)
        self.file = file
        bench.commands |= {"new": self._new, "open": self._ask_open, "save": self.save, "save_as": self._ask_save}
        bench.commands["quit"] = self.quit
        listener.song_bound = self._remember_song

    def open(self) -> None:
        """Begin, when the window is there."""
        bench = self.bench
        bench.window.asked_to_close = self.quit
        self.browser = Browser(bench.menu, lambda: ((bench.window.size[0] / 2 - 280, 90), bench.window.size))
        self._name_file()
        if message := self.journal.open():
            bench.say(message, wrong=True)

    def close(self) -> None:
        self.journal.close()

    def tick(self) -> None:
        """Before every frame: keep a copy of what is not saved yet."""
        if self.bench.editor.dirty:
            self.journal.keep(self.bench.editor.state.graph, time.monotonic())

    @property
    def title(self) -> str:
        """What the window is called."""
        return f"{self.file.name if self.file else self.bench.file} - midistems-graph"

    def welcome(self) -> None:
        """Offer presets, recent files and the demo song."""
        presets = sorted(demo_folder().parent.glob("*.json"))
        rows = [Row("", "Presets")]
        for path in presets:
            try:
                graph = load(path)
            except DocumentError:
                continue
            rows.append(Row(str(path), graph.title or path.stem, f"{len(graph.nodes)} nodes", note=graph.description))
        recent = self.recent.there.graphs[:6]
        if recent:
            rows.append(Row("", "Recent"))
            rows += [Row(str(path), path.name, str(path.parent)) for path in recent]
        rows += [Row("", "Begin"), Row("<demo>", "The demo song"), Row("<empty>", "An empty canvas")]

        def found(query: str) -> list[Row]:
            return [row for row in rows if not query or (row.id and query.lower() in f"{row.title} {row.hint}".lower())]

        def chosen(row: str) -> None:
            if row == "<demo>":
                self.listener.bind_demo()
            elif row != "<empty>":
                self.open_file(Path(row), as_preset=Path(row) in presets)
                if self.listener.song is None:
                    self.listener.bind_demo()

        width, height = self.bench.window.size
        self.bench.menu.open(
            (width / 2 - 280, 100),
            found,
            chosen,
            search="what would you like to open?",
            width=560,
            inside=(width, height),
        )

    def open_file(self, path: Path, *, as_preset: bool = False) -> bool:
        """Open a graph file; a preset becomes an untitled document."""
        try:
            graph = load(path)
        except DocumentError as error:
            self.bench.say(str(error), wrong=True)
            return False
        self.journal.close()
        self.file = None if as_preset else path
        self.journal = Journal(self.file)
        self.listener.forget()
        self.bench.show_document(graph, path.stem if as_preset else path.name)
        if not as_preset:
            self.recent = self.recent.with_graph(path)
            self.recent.save()
            if message := self.journal.open():
                self.bench.say(message, wrong=True)
        self.listener.changed()
        self._name_file()
        return True

    def save(self) -> None:
        if self.file is None:
            self._ask_save()
        else:
            self.save_as(self.file)

    def save_as(self, path: Path) -> bool:
        """Write the document to a file; False (and a sentence) if that cannot be done."""
        try:
            save(self.bench.editor.state.graph, path)
        except DocumentError as error:
            self.bench.say(str(error), wrong=True)
            return False
        self.file = path
        self.journal.saved(path)
        self.bench.editor.mark_saved()
        self.recent = self.recent.with_graph(path)
        self.recent.save()
        self.bench.say(f"saved {path.name}")
        self._name_file()
        self.bench.refresh()
        return True

    def quit(self) -> None:
        """Close the window; with unsaved work ask first."""
        if not self.bench.editor.dirty:
            self.bench.window.stop()
            return
        rows = [
            Row("", f"{self.bench.file} has changes that are not saved"),
            Row("save", "Save and quit"),
            Row("quit", "Quit without saving"),
            Row("stay", "Stay"),
        ]

        def chosen(row: str) -> None:
            if row == "save":
                self.save()
            if row == "quit" or (row == "save" and not self.bench.editor.dirty):
                self.bench.window.stop()

        width, height = self.bench.window.size
        self.bench.menu.open((width / 2 - 180, height / 2 - 60), lambda _: rows, chosen, width=360)

    def _new(self) -> None:
        if self.bench.editor.dirty:
            raise Refused("the document has changes that are not saved; save it first, or undo them")
        self.file = None
        self.listener.forget()
        self.bench.show_document(Graph())
        self.listener.changed()
        self._name_file()
        self.welcome()

    def _ask_open(self) -> None:
        self.browser.ask_open("open a graph or a song", (*GRAPHS, *SOUNDS), self._opened)

    def _opened(self, path: Path) -> None:
        if path.suffix.lower() not in GRAPHS:
            self.listener.bind(path)
        elif self.bench.editor.dirty:
            self.bench.say("the document has changes that are not saved; save it first, or undo them", wrong=True)
        else:
            self.open_file(path)

    def _ask_save(self) -> None:
        self.browser.ask_save("save the graph", ".json", lambda path: (self.save_as(path), None)[1])

    def _remember_song(self, song: Path) -> None:
        self.recent = self.recent.with_song(song)

    def _name_file(self) -> None:
        self.listener.folder = self.file.parent if self.file else None
        if self.file is not None:
            self.bench.file = self.file.name
            self.browser.folder = self.file.parent
        self.bench.window.set_title(self.title)
        self.bench.refresh()
