"""The files and folders of a graph's inputs beside the song, while it is heard on the canvas.

They belong to their song: they are remembered with it, and another song has its own.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from midistems_graph.document.flatten import Unfolding
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.program.arrivals import SONG_FILES
from midistems_graph.editor.program.documents import Documents
from midistems_graph.editor.view.browser import FOLDER
from midistems_graph.editor.view.menu import Row
from midistems_graph.engine.augment import folder_inputs
from midistems_graph.engine.binding import SONG, BoundFile, InputProblem


class FurtherInputs:
    """Adds the command `inputs`: a list of the inputs with what each is bound to, and the choice of another.

    It comes back after a choice while an input is open.
    """

    def __init__(self, documents: Documents) -> None:
        self.documents, self.bench, self.listener = documents, documents.bench, documents.listener
        self.bench.commands["inputs"] = self.ask

    def ask(self) -> None:
        slots = self.bench.editor.state.graph.inputs
        further = sorted(name for name in slots if name != SONG)
        if not further:
            raise Refused("this graph takes a song alone; give a load node another input to have more")
        try:
            folders = folder_inputs(self.bench.editor.state.graph, self.bench.editor.library)
        except Unfolding as error:
            raise Refused(str(error)) from None
        rows = [Row("", "what the graph takes beside the song")]
        for name in further:
            bound, what = self.listener.further.get(name), "folder" if name in folders else "file"
            lacks = "may stay open" if slots[name].optional else "needed"
            said = bound.name if bound else lacks
            rows.append(Row(f"{what} {name}", f"{name}: a {what}", said, note=slots[name].description))
        width, height = self.bench.window.size
        at = (width / 2 - 200, height / 2 - 20 * len(rows))
        self.bench.menu.open(at, lambda _: rows, self._chosen, width=400, inside=(width, height))

    def _chosen(self, row: str) -> None:
        what, name = row.split(" ", 1)
        self.documents.browser.ask_open(FOLDER if what == "folder" else SONG_FILES, partial(self._bind, name))

    def _bind(self, name: str, path: Path) -> None:
        try:
            BoundFile.open(path)
        except InputProblem as problem:
            self.bench.say(str(problem), wrong=True)
            return
        listener = self.listener
        further = {**listener.further, name: path}
        if listener.song is None:
            listener.further = further
        elif not listener.go_on_with(listener.song, further):
            return
        self.bench.say(f"{name} is {path.name}")
        if not self.listener.further.keys() >= self.bench.editor.state.graph.inputs.keys() - {SONG}:
            self.ask()
