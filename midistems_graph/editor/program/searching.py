"""Sweeps and ablation maps that are begun in the editor: a form beside the canvas, and a process that does the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from midistems_graph.document.files import save
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.model.knob_words import with_unit
from midistems_graph.editor.model.knobs import knobs_of
from midistems_graph.editor.model.published import TURNED, published_knobs
from midistems_graph.editor.model.settings_file import state_folder
from midistems_graph.editor.program.documents import Documents
from midistems_graph.editor.program.found import FoundSearches
from midistems_graph.editor.program.song_deck import SongDeck
from midistems_graph.editor.runs.found_search import NoSearch, read_search
from midistems_graph.editor.runs.search_process import SearchOrder, SearchProcess
from midistems_graph.editor.view.pointer import Key
from midistems_graph.editor.view.search_form import FormHands, Row, SearchForm
from midistems_graph.node.library import NodeLibrary

GRAPH_FILE = "graph.json"
"""What a graph that has no file is called in the folder of its search."""


class Searches:
    """Adds the command `search`: the form in the place of the inspector; what is found takes its place."""

    def __init__(self, documents: Documents, found: FoundSearches, songs: SongDeck) -> None:
        self.documents, self.bench, self.found, self.songs = documents, documents.bench, found, songs
        self.form: SearchForm | None = None
        self.process: SearchProcess | None = None
        self._look: tuple[object, float] | None = None
        self.bench.commands["search"] = self.switch
        self.bench.keys.append(self._key)
        found.begins = self.close_form
        beside = self.bench.beside
        self.bench.beside = lambda: self.bench.found_area if self._is_open else beside()

    @property
    def _look_now(self) -> tuple[object, float]:
        return self.bench.window.palette, self.bench.window.scale

    @property
    def _is_open(self) -> bool:
        return self.form is not None and self.form.is_open and not self.bench.settings_panel.is_open

    def switch(self) -> None:
        """Open the form, or close it."""
        if self._is_open:
            self.close_form()
            return
        song = self._song()
        bench, graph = self.bench, self.bench.editor.state.graph
        if bench.settings_panel.is_open:
            bench.looks.switch_settings()
        self.found.close()
        if self.form is None:
            hands = FormHands(self._sweep, lambda score: self._begin("ablate", score, {}), self.cancel, self.close_form)
            self.form = SearchForm(bench.found_area, hands)
        score = "si_sdr" if self.songs.reference_of(song) else first_figure(graph, bench.editor.library)
        window, width = bench.window, bench.layout.inspector.width
        chosen = () if bench.editor.state.path else sorted(bench.editor.state.selection.nodes)
        self._look = self._look_now
        rows = rows_of(graph, chosen, bench.editor.library)
        self.form.open(rows, song.name, score, window.palette, window.scale, width)
        bench.arrange()

    def close_form(self) -> None:
        if self.form is not None and self.form.is_open:
            self.form.close()
            self.bench.arrange()

    def cancel(self) -> None:
        if self.process is not None:
            self.process.cancel()

    def close(self) -> None:
        if self.process is not None:
            self.process.close()

    def tick(self) -> None:
        """Before every frame: how far the search is, and what it found."""
        if self._is_open and self._look != self._look_now:
            self.close_form()
        process = self.process
        if process is None:
            return
        if self.form is not None:
            self.form.show_progress(process.done, process.of, busy=not process.is_over)
        if not process.is_over:
            return
        self.process = None
        folder, problem = process.order.folder, process.problem
        try:
            read_search(folder)
        except NoSearch as error:
            self.bench.say(problem or str(error), wrong=True)
            return
        self.found.show(folder)
        self.bench.say(problem or f"the search lies in {folder}", wrong=bool(problem))

    def _sweep(self, values: Mapping[str, str], score: str) -> None:
        if values:
            self._begin("sweep", score, values)
        else:
            self.bench.say("give a knob the values that are to be tried, such as 1,2,4 or 60:240:4", wrong=True)

    def _begin(self, kind: Literal["sweep", "ablate"], score: str, values: Mapping[str, str]) -> None:
        try:
            song = self._song()
            if self.process is not None:
                raise Refused("a search is at work; let it come to its end, or cancel it")
            folder = self._folder(kind)
            graph, inputs = self._file(folder), self.songs.inputs_of(song)
            order = SearchOrder(kind, graph, song, folder, score, values, self.songs.reference_of(song), inputs)
            self.process = SearchProcess(order)
        except (Refused, DocumentError, OSError) as problem:
            self.bench.say(str(problem), wrong=True)

    def _song(self) -> Path:
        song = self.songs.heard
        if song is None:
            raise Refused("open a song first (Ctrl+O): settings are tried on it")
        return song

    def _folder(self, kind: str) -> Path:
        """A new folder beside the graph file, or where the program keeps things."""
        file = self.documents.file
        parent = file.parent if file is not None else state_folder() / "searches"
        name = f"{Path(self.bench.file).stem} {'sweep' if kind == 'sweep' else 'ablation'}"
        return next(at for number in range(1, 10_000) if not (at := parent / f"{name} {number}").exists())

    def _file(self, folder: Path) -> Path:
        """The file of the document, or a copy of a document that has none."""
        if self.documents.file is None:
            folder.mkdir(parents=True)
            save(self.bench.editor.state.graph, folder / GRAPH_FILE)
            return folder / GRAPH_FILE
        if self.bench.editor.dirty:
            raise Refused("save the graph first (Ctrl+S): a search reads its file")
        return self.documents.file

    def _key(self, key: Key) -> bool:
        if key.name != "Escape" or not self._is_open or self.bench.editor.gesture is not None:
            return False
        self.close_form()
        return True


def rows_of(graph: Graph, chosen: Sequence[str], library: NodeLibrary) -> list[Row]:
    """The knobs that can be varied: those of the graph, and those of the chosen nodes."""
    rows = {}
    for one in published_knobs(graph, library):
        name = one.knob.name if graph.knobs.get(one.knob.name) == one.ends else one.id
        rows[name] = Row(name, one.knob.name.replace("_", " "), with_unit(one.knob, one.value), one.knob.allowed)
    for node_id in chosen:
        node = graph.nodes[node_id]
        for name, knob in knobs_of(graph, node, library).items():
            if knob.kind in TURNED:
                now = with_unit(knob, node.knobs.get(name, knob.default))
                at = f"{node_id}.{name}"
                rows.setdefault(at, Row(at, name.replace("_", " "), now, knob.allowed))
    return list(rows.values())


def first_figure(graph: Graph, library: NodeLibrary) -> str:
    """A figure to begin with where no true stems are known: what the first node that gives a number gives."""
    for node_id in sorted(graph.nodes):
        node_type = library.get(graph.nodes[node_id].type)
        if node_type is not None and any(port.kinds == ("number",) for port in node_type.outputs):
            return f"{node_id}.value"
    return "si_sdr"
