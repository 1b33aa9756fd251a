"""Whether a window can be opened at all; Dear PyGui would end the process without a word."""

from __future__ import annotations

import ctypes.util
import os
import socket
import sys
from pathlib import Path


class NoDisplay(Exception):
    """There is nowhere to open a window: one sentence with the remedy."""


def check_display() -> None:
    """Raises NoDisplay where the editor could not open its window."""
    try:
        import dearpygui.dearpygui  # noqa: F401
    except ImportError as error:
        raise NoDisplay(
            f"the editor needs the package dearpygui ({error}); install midistems-graph[editor], "
            "or run graphs without a window with run-graph"
        ) from None
    if not sys.platform.startswith("linux"):
        return
    display = os.environ.get("DISPLAY", "")
    if not display:
        wayland = (
            " (of Wayland alone it can make no use; switch XWayland on)" if "WAYLAND_DISPLAY" in os.environ else ""
        )
        raise NoDisplay(
            f"there is no display to open a window on{wayland}; log in to a desktop, use ssh -X, "
            "or run the graph without a window with run-graph"
        )
    if not _answers(display):
        raise NoDisplay(f"the display {display} does not answer; check the variable DISPLAY")
    if ctypes.util.find_library("GL") is None:
        raise NoDisplay("the OpenGL library libGL is missing; install it (Debian: apt install libgl1 libgl1-mesa-dri)")


def _answers(display: str) -> bool:
    """Whether an X server listens there; only local displays are asked."""
    host, _, rest = display.rpartition(":")
    number = rest.partition(".")[0]
    if host not in ("", "unix") or not number.isdecimal():
        return True
    file = f"/tmp/.X11-unix/X{number}"
    for address in (file, f"\0{file}") if Path(file).exists() else (f"\0{file}",):
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(address)
            except OSError:
                continue
            return True
    return False
