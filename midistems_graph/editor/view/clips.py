"""Copy, cut and paste through the clipboard of the system, as text."""

from __future__ import annotations

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model import clipboard
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.plane import Point


def clipboard_text() -> str:
    """What was copied, in this program or another."""
    return dpg.get_clipboard_text() or ""


def clipboard_commands(editor: Editor, where: Callable[[], Point]) -> dict[str, Callable[[], None]]:
    """The commands by their names; what is pasted goes `where` says."""

    def copy() -> None:
        dpg.set_clipboard_text(clipboard.copy(editor.state))

    def cut() -> None:
        text, edit = clipboard.cut(editor.state, editor.insight)
        dpg.set_clipboard_text(text)
        editor.apply(edit)

    def paste(*, incoming: bool) -> None:
        editor.apply(clipboard.paste(editor.state, clipboard_text(), where(), incoming=incoming))

    return {
        "copy": copy,
        "cut": cut,
        "paste": lambda: paste(incoming=False),
        "paste_wired": lambda: paste(incoming=True),
    }
