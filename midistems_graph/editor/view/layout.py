"""Where the parts of the window lie, in pixels."""

from __future__ import annotations

from dataclasses import dataclass

from midistems_graph.editor.model.plane import Rect

TOP, TRANSPORT, STATUS = 40.0, 42.0, 24.0
INSPECTOR, LISTENING = 300.0, 132.0


@dataclass(frozen=True)
class Layout:
    """The rectangles of the parts; those that are closed have no area."""

    top: Rect
    canvas: Rect
    inspector: Rect
    listening: Rect
    desk: Rect
    transport: Rect
    status: Rect

    @classmethod
    def of(cls, width: float, height: float, scale: float, *, inspector: bool, listening: bool) -> Layout:
        """Divide a window; in a narrow one the inspector takes a third at most."""
        side = min(INSPECTOR * scale, width / 3) if inspector else 0.0
        top = TOP * scale
        status = height - STATUS * scale
        transport = status - TRANSPORT * scale
        views = transport - (LISTENING * scale if listening else 0.0)
        return cls(
            Rect(0, 0, width, top),
            Rect(0, top, width - side, max(views, top + 1)),
            Rect(width - side, top, width, max(views, top + 1)),
            Rect(0, views, width - side, transport),
            Rect(width - side, views, width, transport),
            Rect(0, transport, width, status),
            Rect(0, status, width, height),
        )
