"""How wide texts are, measured once."""

from __future__ import annotations

from contextlib import suppress

import dearpygui.dearpygui as dpg

from midistems_graph.document.boxes import text_width
from midistems_graph.editor.view.themes import TEXT_SIZE

MOST = 20_000


class TextWidths:
    """Called with a text and its size: the width in the units of the size; about right before the first frame."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, float], float] = {}

    def __call__(self, text: str, size: float) -> float:
        key = text, size
        if key not in self._known:
            measured = None
            with suppress(SystemError):
                measured = dpg.get_text_size(text)
            if not measured:
                return text_width(text, size)
            if len(self._known) > MOST:
                self._known.clear()
            self._known[key] = measured[0] / TEXT_SIZE * size  # measured at scale 1, whatever the interface's is
        return self._known[key]
