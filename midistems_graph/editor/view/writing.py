"""Names of nodes, titles of frames and notes, typed where they stand on the canvas."""

from __future__ import annotations

from midistems_graph.editor.model import decor, nodes
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.view.canvas import Canvas
from midistems_graph.editor.view.hands import EditThis
from midistems_graph.editor.view.textbox import TextBox

NARROWEST = 180
FEWEST_LINES = 3


class Writing:
    """Opens the field of a bench on what is to be written."""

    def __init__(self, editor: Editor, canvas: Canvas, textbox: TextBox, edit: EditThis) -> None:
        self._editor, self._canvas, self._textbox, self._edit = editor, canvas, textbox, edit

    def begin(self, item: str) -> None:
        """Let the text of a node, frame or note be typed."""
        rect, body = self._editor.scene.rect(item), self._editor.state.body
        if rect is None:
            return
        kind, _, number = item.partition(":")
        at = self._canvas.pixel((rect.left, rect.top))
        width = max(rect.width / self._canvas.scale, NARROWEST)
        if item in body.nodes:
            self._textbox.open(at, width, body.nodes[item].label or item, lambda text: self._rename(item, text))
        elif kind in ("frame", "note"):
            text = body.view.frames[int(number)].title if kind == "frame" else body.view.notes[int(number)].text
            text = "" if kind == "note" and text == decor.UNWRITTEN else text
            lines = 1 if kind == "frame" else max(len(text.splitlines()), FEWEST_LINES)
            self._textbox.open(at, width, text, lambda typed: self._write(item, typed), lines)

    def begin_chosen(self) -> None:
        """Let the text of the one thing that is selected be typed."""
        chosen = self._editor.state.selection
        if len(chosen.ids) != 1:
            raise Refused("select one node, frame or note to change its name")
        self.begin(next(iter(chosen.ids)))

    def _rename(self, node_id: str, text: str) -> None:
        self._edit(lambda: nodes.rename(self._editor.state, node_id, text))

    def _write(self, item: str, text: str) -> None:
        self._edit(lambda: decor.write(self._editor.state, item, text))
