"""Which part of the canvas is seen: world units to pixels of the window and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from midistems_graph.editor.model.plane import Point, Rect


@dataclass(frozen=True)
class Camera:
    """A part of the world on a rectangle of pixels, alike in both directions."""

    seen: Rect
    pixels: Rect

    @classmethod
    def on(cls, wanted: Rect, pixels: Rect) -> Camera:
        """As wide as is wanted around the same middle; the height follows from the shape of the window."""
        (x, y), width = wanted.center, wanted.width
        height = width * max(pixels.height, 1.0) / max(pixels.width, 1.0)
        return cls(Rect(x - width / 2, y - height / 2, x + width / 2, y + height / 2), pixels)

    @property
    def scale(self) -> float:
        """World units of one pixel."""
        return self.seen.width / max(self.pixels.width, 1.0)

    def world(self, at: Point) -> Point:
        return (
            self.seen.left + (at[0] - self.pixels.left) * self.scale,
            self.seen.top + (at[1] - self.pixels.top) * self.scale,
        )

    def pixel(self, at: Point) -> Point:
        return (
            self.pixels.left + (at[0] - self.seen.left) / self.scale,
            self.pixels.top + (at[1] - self.seen.top) / self.scale,
        )


Measure = Callable[[str, float], float]
"""How wide a text is at a size, in the units of the size."""
