"""What a search found, beside the canvas: points whose knobs are taken, tags that say what every node adds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from midistems_graph.document.graph import Graph
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.model.knobs import take_settings
from midistems_graph.editor.program.documents import Documents
from midistems_graph.editor.runs.found_search import Found, NoSearch, Point, read_search
from midistems_graph.editor.view.browser import FOLDER
from midistems_graph.editor.view.found_panel import FoundHands, FoundPanel, badge_of
from midistems_graph.editor.view.palette import Palette
from midistems_graph.editor.view.pointer import Key


class FoundSearches:
    """Adds the command `found`: the folder of a sweep or an ablation map, shown in the place of the inspector."""

    def __init__(self, documents: Documents) -> None:
        self.documents, self.bench = documents, documents.bench
        self.panel: FoundPanel | None = None
        self._taken: tuple[Graph, int] | None = None
        self._look: tuple[Palette, float, float] | None = None
        self.begins: Callable[[], None] = lambda: None
        """Called before a search is shown."""
        self.bench.commands["found"] = self.switch
        self.bench.keys.append(self._key)
        beside = self.bench.beside
        self.bench.beside = lambda: self.bench.found_area if self._is_open else beside()

    @property
    def _look_now(self) -> tuple[Palette, float, float]:
        """What the panel is made with; when that changes it is made anew."""
        window = self.bench.window
        return window.palette, window.scale, self.bench.layout.inspector.width

    @property
    def _is_open(self) -> bool:
        return self.panel is not None and self.panel.is_open and not self.bench.settings_panel.is_open

    def switch(self) -> None:
        """Choose a search, or close the one that is shown."""
        if self.panel is not None and self.panel.is_open:
            self.close()
        else:
            self.documents.browser.ask_open(FOLDER, self.show)

    def show(self, folder: Path) -> None:
        """Show the search in a folder."""
        try:
            found = read_search(folder)
        except NoSearch as error:
            self.bench.say(str(error), wrong=True)
            return
        if self.bench.settings_panel.is_open:
            self.bench.looks.switch_settings()
        self.begins()
        self._open(found)
        if not found.is_sweep:
            self.bench.canvas.set_badges({one.node: badge_of(one) for one in found.contributions})

    def close(self) -> None:
        if self.panel is not None and self.panel.is_open:
            self.panel.close()
            self.bench.canvas.set_badges({})
            self.bench.arrange()

    def tick(self) -> None:
        """Before every frame: the point whose knobs the graph has is marked until the graph is another one."""
        if self.panel is not None and self.panel.found is not None:
            if self._look != self._look_now:
                self._open(self.panel.found)
            graph = self.bench.editor.state.graph
            self.panel.show_taken(self._taken[1] if self._taken is not None and self._taken[0] is graph else 0)

    def _open(self, found: Found) -> None:
        bench = self.bench
        if self.panel is None:
            self.panel = FoundPanel(bench.found_area, FoundHands(self.take, self._go, self.close))
        self._look = palette, scale, width = self._look_now
        self.panel.open(found, palette, scale, width)
        bench.arrange()

    def take(self, point: Point) -> None:
        """Set the knobs of a point: one step, which undo takes back."""
        editor = self.bench.editor
        label = f"take point {point.number}"
        try:
            edit = take_settings(editor.state, editor.library, point.settings, label)
        except Refused as refused:
            self.bench.say(str(refused), wrong=True)
            return
        if self.bench.edit(lambda: edit):
            self._taken = editor.state.graph, point.number
            told = ", ".join(f"{knob} {value}" for knob, value in point.settings.items())
            self.bench.say(f"point {point.number}: {told}")

    def _go(self, node: str) -> None:
        self.bench.editor.select(node)
        self.bench.refresh()

    def _key(self, key: Key) -> bool:
        if key.name != "Escape" or not self._is_open or self.bench.editor.gesture is not None:
            return False
        self.close()
        return True
