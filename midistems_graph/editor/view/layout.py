"""Where the parts of the window lie, in pixels."""

from __future__ import annotations

from dataclasses import dataclass

from midistems_graph.editor.model.plane import Rect

TOP, TRANSPORT, STATUS = 40.0, 42.0, 24.0
INSPECTOR = 300.0
LEAST_CANVAS = 120.0
"""What the strip leaves of the canvas in any case."""


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
    def of(cls, width: float, height: float, scale: float, *, inspector: bool, listening: float) -> Layout:
        """Divide a window; the inspector takes a third at most, `listening` is the height of the strip (0: none)."""
        side = min(INSPECTOR * scale, width / 3) if inspector else 0.0
        top = TOP * scale
        status = height - STATUS * scale
        transport = status - TRANSPORT * scale
        views = max(transport - listening * scale, min(transport, top + LEAST_CANVAS * scale))
        return cls(
            Rect(0, 0, width, top),
            Rect(0, top, width - side, max(views, top + 1)),
            Rect(width - side, top, width, max(views, top + 1)),
            Rect(0, views, width - side, transport),
            Rect(width - side, views, width, transport),
            Rect(0, transport, width, status),
            Rect(0, status, width, height),
        )
