"""The things on the canvas, boxes, wires, frames and notes, and what a pointer can hit of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from midistems_graph.document.boxes import text_width
from midistems_graph.document.graph import Address, Edge, Frame, Note
from midistems_graph.editor.model.plane import Point, Rect
from midistems_graph.editor.model.shape import PortSpot, Shape
from midistems_graph.editor.model.tracks import Track

FRAME_TITLE = 28.0
NOTE_SIZE, NOTE_LINE, NOTE_PAD = 14.0, 20.0, 10.0


class Box(NamedTuple):
    """A node on the canvas."""

    id: str
    x: float
    y: float
    shape: Shape

    @property
    def rect(self) -> Rect:
        return Rect(self.x, self.y, self.x + self.shape.width, self.y + self.shape.height)

    @property
    def header(self) -> Rect:
        """The title bar."""
        return Rect(self.x, self.y, self.x + self.shape.width, self.y + 30.0)

    def at(self, spot: PortSpot) -> Point:
        """Where a port is on the canvas."""
        return self.x + spot.at[0], self.y + spot.at[1]


class Wire(NamedTuple):
    """An edge on the canvas. `kind` names its colour (`document.colors.style_of`), empty if not known."""

    id: str
    edge: Edge
    track: Track
    kind: str
    quiet: bool
    """An end is muted or bypassed."""


class FrameBox(NamedTuple):
    id: str
    frame: Frame

    @property
    def rect(self) -> Rect:
        f = self.frame
        return Rect(f.x, f.y, f.x + f.width, f.y + f.height)


class NoteBox(NamedTuple):
    id: str
    note: Note

    @property
    def rect(self) -> Rect:
        lines = self.note.text[:4000].splitlines()[:40] or [""]
        width = max(text_width(line, NOTE_SIZE) for line in lines)
        x, y = self.note.x, self.note.y
        return Rect(x, y, x + max(width, 60.0) + 2 * NOTE_PAD, y + NOTE_LINE * len(lines) + 2 * NOTE_PAD)


Item = Box | Wire | FrameBox | NoteBox
Part = Literal["body", "title", "left", "right", "top", "bottom", "corner"]


@dataclass(frozen=True, slots=True)
class Hit:
    """What is under a point. `part` says where on it: the title of a box or frame, a side of a frame; `place` which
    of the points of an edge it is."""

    kind: Literal["port", "node", "edge", "route", "note", "frame", "empty"]
    id: str = ""
    port: PortSpot | None = None
    part: Part = "body"
    place: int = 0

    @property
    def address(self) -> Address:
        """The address of the port that was hit."""
        assert self.port is not None
        return self.port.address(self.id)


EMPTY = Hit("empty")
