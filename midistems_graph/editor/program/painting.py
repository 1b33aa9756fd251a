"""Painting at the bench: strokes drawn in the strip go into the document behind the edge that is heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from midistems_graph.audio.strokes import Stroke, StrokeError
from midistems_graph.document.graph import Address
from midistems_graph.editor.model.edit import Edit, Refused
from midistems_graph.editor.model.events import Audition
from midistems_graph.editor.model.paint import Tool, add_stroke, canvas_port, strokes_of
from midistems_graph.editor.model.stroke_edit import change_strokes, remove_strokes, with_gain
from midistems_graph.editor.view.bench import Bench
from midistems_graph.editor.view.ears import Ears
from midistems_graph.editor.view.pointer import Key


class Painting:
    """The tool in hand, and what it does to the document of a bench. `ears` tells what is heard."""

    def __init__(self, bench: Bench, ears: Callable[[], Ears | None]) -> None:
        self.bench, self._ears = bench, ears
        self.tool: Tool | None = None
        self._last = Tool()
        self._behind: dict[Address, Audition] = {}
        """What was heard before the first stroke made a node, by that node's output."""
        self.chosen: frozenset[int] = frozenset()
        """The numbers of the strokes that are changed."""
        bench.keys.append(self._key)
        bench.commands |= {
            "paint": self._toggle,
            "paint_shape": lambda: self.take(self._last.next("shape")),
            "paint_edit": lambda: self.take(replace(self._last, shape="edit")),
            "paint_gain": lambda: self.take(self._last.next("gain_db")),
            "paint_width": lambda: self.take(self._last.next("size")),
        }

    def take(self, tool: Tool) -> None:
        """Paint with another tool; another level is also that of the chosen strokes."""
        before, self.tool = self._last, tool
        self._last = tool
        if not tool.edits:
            self.chosen = frozenset()
        elif self.chosen and tool.gain_db != before.gain_db:
            strokes = self.strokes()
            self.reshape({number: with_gain(strokes[number], tool.gain_db) for number in self.chosen})

    def paint(self, stroke: Stroke) -> None:
        """A stroke was drawn on what is heard."""
        editor, heard = self.bench.editor, self._heard()
        if heard is None:
            return
        made: list[Address] = []

        def edit() -> Edit:
            port = canvas_port(editor.state, editor.insight, heard)
            edit, painted = add_stroke(editor.state, editor.library, editor.insight, port, stroke)
            made.extend((port, painted))
            return edit

        if not self.bench.edit(edit):
            return
        port, painted = made
        flat = editor.insight.flat_source(editor.state.path, painted)
        if flat is not None and painted != port:
            self._behind[flat] = Audition(port, heard)
            self.bench.audition(Audition(painted, flat))

    def pick(self, numbers: frozenset[int]) -> None:
        """Choose some of the strokes; the level of the first is then that of the tool."""
        self.chosen = numbers
        if numbers:
            self.tool = self._last = replace(self._last, gain_db=round(self.strokes()[min(numbers)].gain_db))

    def reshape(self, changed: Mapping[int, Stroke]) -> None:
        """Strokes were moved, pulled, or got another level."""
        self._change(lambda port: change_strokes(self.bench.editor.state, self.bench.editor.library, port, changed))

    def _change(self, make: Callable[[Address], Edit]) -> None:
        editor, heard = self.bench.editor, self._heard()
        if heard is not None:
            self.bench.edit(lambda: make(canvas_port(editor.state, editor.insight, heard)))

    def _key(self, key: Key) -> bool:
        """Delete takes the chosen strokes away, Escape lets go of them, then of the tool."""
        if self.tool is None or not self.tool.edits or key.name not in ("Delete", "Backspace", "Escape"):
            return False
        numbers, self.chosen = self.chosen, frozenset()
        if key.name == "Escape":
            self.tool = self.tool if numbers else None
            return True
        if numbers:
            editor = self.bench.editor
            self._change(lambda port: remove_strokes(editor.state, editor.library, port, numbers))
        return bool(numbers)

    def strokes(self) -> tuple[Stroke, ...]:
        """The strokes behind what is heard."""
        editor, heard = self.bench.editor, self._heard()
        if heard is None:
            return ()
        try:
            port = canvas_port(editor.state, editor.insight, heard)
            return tuple(Stroke.parse(text) for text in strokes_of(editor.state, port))
        except (Refused, StrokeError):
            return ()

    def changed(self) -> None:
        """The document is another one: if the painted node was undone, what it was made from is heard again."""
        if self.chosen and max(self.chosen) >= len(self.strokes()):
            self.chosen = frozenset()
        heard, known = self._heard(), self.bench.editor.insight.map
        if heard in self._behind and known is not None and heard.node not in known.flat.nodes:
            self.bench.audition(self._behind.pop(heard))

    def _heard(self) -> Address | None:
        ears = self._ears()
        take = ears.take if ears is not None else None
        return take.parts[0].address if take is not None and len(take.parts) == 1 else None

    def _toggle(self) -> None:
        if self.tool is None and self._heard() is None:
            raise Refused("hear an edge first; then paint on its spectrogram")
        self.tool = self._last if self.tool is None else None
