"""The files and folders of a graph's inputs beside the song, while it is heard on the canvas."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.program.arrivals import SONG_FILES
from midistems_graph.editor.program.documents import Documents
from midistems_graph.editor.view.browser import FOLDER
from midistems_graph.editor.view.menu import Row
from midistems_graph.engine.binding import SONG


class FurtherInputs:
    """Adds the command `inputs`: a list of the inputs with what each is bound to, and the choice of another."""

    def __init__(self, documents: Documents) -> None:
        self.documents, self.bench, self.listener = documents, documents.bench, documents.listener
        self.bench.commands["inputs"] = self.ask

    def ask(self) -> None:
        slots = self.bench.editor.state.graph.inputs
        further = sorted(name for name in slots if name != SONG)
        if not further:
            raise Refused("this graph takes a song alone; give a load node another input to have more")
        rows = [Row("", "what the graph takes beside the song")]
        for name in further:
            bound = self.listener.further.get(name)
            rows.append(
                Row(f"file {name}", f"{name}: a file", bound.name if bound else "", note=slots[name].description)
            )
            rows.append(Row(f"folder {name}", f"{name}: a folder", "", note=slots[name].description))
        width, height = self.bench.window.size
        at = (width / 2 - 200, height / 2 - 20 * len(rows))
        self.bench.menu.open(at, lambda _: rows, self._chosen, width=400, inside=(width, height))

    def _chosen(self, row: str) -> None:
        what, name = row.split(" ", 1)
        self.documents.browser.ask_open(FOLDER if what == "folder" else SONG_FILES, partial(self._bind, name))

    def _bind(self, name: str, path: Path) -> None:
        self.listener.further = {**self.listener.further, name: path}
        if self.listener.song is not None:
            self.listener.bind(self.listener.song)
        self.bench.say(f"{name} is {path.name}")
