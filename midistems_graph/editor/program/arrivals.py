"""Files that come from outside: chosen, pasted as paths, named on the command line of another window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from midistems_graph.audio.files import MEDIA_EXTENSIONS, SOUND_EXTENSIONS, is_sound
from midistems_graph.document.graph import DocumentError
from midistems_graph.document.presets import presets
from midistems_graph.editor.model import clipboard
from midistems_graph.editor.model.arrange import with_places
from midistems_graph.editor.model.plane import GRID, Point, Rect
from midistems_graph.editor.program.documents import GRAPH_FILES, SCRIPTS, Documents
from midistems_graph.editor.view.browser import Kind
from midistems_graph.editor.view.clips import clipboard_text
from midistems_graph.engine.binding import sound_files
from midistems_graph.rules.script import load_graph

SONG_FILES = Kind("a song", (*sorted(SOUND_EXTENSIONS), *sorted(MEDIA_EXTENSIONS)))
INSERTED = Kind("a graph", (*GRAPH_FILES.suffixes, *SCRIPTS.suffixes))
ANY_FILES = Kind("a graph or a song", (*INSERTED.suffixes, *SONG_FILES.suffixes))
MOST = 500
"""Songs that are taken at once."""


class Arrivals:
    """Opens files by what they are; `songs` gets sound files. Adds `open`, `import` and the paste of paths."""

    def __init__(self, documents: Documents, songs: Callable[[Sequence[Path]], None]) -> None:
        self.documents, self._songs = documents, songs
        self.bench = documents.bench
        ask = documents.browser.ask_open
        self.bench.commands["open"] = lambda: ask(ANY_FILES, lambda path: self.take([path]))
        self.bench.commands["import"] = lambda: ask(INSERTED, self.insert)
        for name in ("paste", "paste_wired"):
            self.bench.commands[name] = self._paster(self.bench.commands[name])

    def take(self, paths: Sequence[Path]) -> None:
        """Open what there is among some paths: one graph, and songs; the songs of a folder too."""
        there = [path for path in paths if path.exists()]
        graphs = [path for path in there if path.suffix.lower() in INSERTED.suffixes]
        songs = [path for path in there if path.is_file() and is_sound(path)]
        for folder in (path for path in there if path.is_dir()):
            songs += sound_files(folder)
        if songs:
            self._songs(songs[:MOST])
        if graphs:
            own = any(preset.path.resolve() == graphs[0].resolve() for preset in presets())
            own = own or graphs[0].suffix.lower() in SCRIPTS.suffixes
            (self.documents.open_preset if own else self.documents.open_file)(graphs[0])
        if not graphs and not songs:
            names = ", ".join(path.name for path in paths[:3])
            self.bench.say(f"{names} is no graph and no sound file that can be read", wrong=True)

    def insert(self, path: Path) -> None:
        """Put the nodes of a graph file beside those that are there; its file stays as it is."""
        editor = self.bench.editor
        try:
            graph = with_places(load_graph(path), editor.library)
        except DocumentError as error:
            self.bench.say(str(error), wrong=True)
            return
        self.bench.sheet.close()
        if self.bench.edit(lambda: clipboard.insert(editor.state, graph, below(editor.scene.bounds))):
            self.bench.do("look_at_selection")
            self.bench.say(f"put {path.name} into this graph; undo takes it away")

    def _paster(self, paste: Callable[[], None]) -> Callable[[], None]:
        def pasted() -> None:
            paths = paths_in(clipboard_text())
            if paths:
                self.take(paths)
            else:
                paste()

        return pasted


def below(bounds: Rect | None) -> Point | None:
    """A free place for an imported graph: under what is there."""
    return None if bounds is None else (bounds.left, bounds.bottom + 4 * GRID)


def paths_in(text: str) -> list[Path]:
    """The files and folders that a text names, one a line, as file managers copy them; empty if it is another text."""
    lines = [line.strip().strip("'\"") for line in text.strip().splitlines() if line.strip()]
    paths = []
    for line in lines[:MOST]:
        path = Path(unquote(urlsplit(line).path)) if line.startswith("file://") else Path(line).expanduser()
        if len(line) > 4096 or "\0" in line or not path.is_absolute() or not path.exists():
            return []
        paths.append(path)
    return paths
