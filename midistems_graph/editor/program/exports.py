"""The graph for other eyes and other programs: as a picture, as a Python script, in the other encoding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from midistems_graph.document.files import save
from midistems_graph.document.graph import DocumentError
from midistems_graph.document.picture import to_svg
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.model.settings_file import write_bytes
from midistems_graph.editor.program.documents import GRAPH_FILES, Documents
from midistems_graph.editor.program.preview_export import PreviewExport
from midistems_graph.editor.view.browser import Kind
from midistems_graph.editor.view.fonts import font_files
from midistems_graph.editor.view.menu import Row
from midistems_graph.rules.pictured import ports_of
from midistems_graph.rules.script import write_script

PREVIEWED = Kind("a copy with previews", (".mgraph",))

ZOOM = 2.0
"""Pixels of a PNG per unit of the picture: sharp on a page and on a dense screen."""


class Exports:
    """Adds the command `export`."""

    def __init__(self, documents: Documents) -> None:
        self.documents, self.bench = documents, documents.bench
        self._previews = PreviewExport(self.bench, lambda: documents.listener.ears)
        self.bench.commands["export"] = self._ask

    def close(self) -> None:
        self._previews.close()

    def _ask(self) -> None:
        if not self.bench.editor.state.graph.nodes:
            raise Refused("the graph is empty; there is nothing to export")
        ways: dict[str, tuple[str, str, Kind, Callable[[Path], None]]] = {
            "svg": ("A picture, SVG", "sharp at any size", Kind("the picture", (".svg",)), self.write_svg),
            "png": ("A picture, PNG", "pixels", Kind("the picture", (".png",)), self.write_png),
            "py": ("A Python script", "builds it and runs it", Kind("the script", (".py",)), self.write_script),
            "hear": ("A copy that can be heard", self._previews.told, PREVIEWED, self._previews.write),
            "copy": ("A copy of the file", "JSON or msgpack", GRAPH_FILES, self.write_copy),
        }
        rows = [Row("", "Export the graph"), *(Row(name, way[0], way[1]) for name, way in ways.items())]

        def chosen(name: str) -> None:
            _, _, kind, write = ways[name]
            self.documents.browser.ask_save(kind, lambda path: self._do(write, path), self.bench.file)

        width, _ = self.bench.window.size
        self.bench.menu.open((width / 2 - 180, 120), lambda _: rows, chosen, width=360)

    def _do(self, write: Callable[[Path], None], path: Path) -> None:
        try:
            write(path)
        except Refused as refused:
            self.bench.say(str(refused), wrong=True)

    def write_svg(self, path: Path) -> None:
        self._write(path, self._svg().encode())

    def write_png(self, path: Path) -> None:
        try:
            import resvg_py
        except ImportError:
            self.bench.say(
                "pictures as PNG need the package resvg-py (pip install resvg-py); SVG needs none", wrong=True
            )
            return
        fonts = [str(file) for file in font_files()]
        self._write(path, bytes(resvg_py.svg_to_bytes(svg_string=self._svg(), zoom=ZOOM, font_files=fonts)))

    def write_script(self, path: Path) -> None:
        try:
            script = write_script(self.bench.editor.state.graph, path.name, self.bench.editor.library)
        except DocumentError as error:
            self.bench.say(str(error), wrong=True)
        else:
            self._write(path, script.encode())

    def write_copy(self, path: Path) -> None:
        """The file as it stands on the canvas, elsewhere; the document stays with its own file."""
        try:
            save(self.bench.editor.state.graph, path)
        except DocumentError as error:
            self.bench.say(str(error), wrong=True)
        else:
            self.bench.say(f"wrote {path.name}")

    def _svg(self) -> str:
        return to_svg(self.bench.editor.state.graph, ports_of(self.bench.editor.library), heading=True)

    def _write(self, path: Path, content: bytes) -> None:
        if write_bytes(path, content):
            self.bench.say(f"wrote {path.name}")
        else:
            self.bench.say(f"{path} cannot be written; choose another folder", wrong=True)
