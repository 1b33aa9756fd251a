"""What people do to the canvas, and what the editor asks of the view in return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from midistems_graph.document.graph import Address, Edge
from midistems_graph.editor.model.bodies import Path
from midistems_graph.editor.model.plane import Point, Rect
from midistems_graph.editor.model.scene_items import Hit


@dataclass(frozen=True, slots=True)
class Event:
    """A pointer event at a point of the canvas, or a key (`Escape` alone matters to gestures).

    `scale` is how many world units a pixel has; `turn` is how far the wheel was turned, up is positive.
    """

    kind: Literal["down", "move", "up", "double", "wheel", "key"]
    at: Point = (0.0, 0.0)
    button: Literal["left", "right", "middle"] = "left"
    shift: bool = False
    ctrl: bool = False
    alt: bool = False
    scale: float = 1.0
    turn: float = 0.0
    key: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """The document changed for good: one step of the history."""

    label: str


@dataclass(frozen=True, slots=True)
class AskForNode:
    """Open the palette at a point; with a port, only what fits it, to be wired to it (`commands.add_wired`).

    `side` is the side of the port: what is asked for an output takes its value.
    """

    at: Point
    port: Address | None = None
    side: Literal["in", "out", ""] = ""


@dataclass(frozen=True, slots=True)
class Audition:
    """Play what flows here: `port` as the canvas names it, `flat` as a run does (None: nothing to hear yet)."""

    port: Address
    flat: Address | None
    edge: Edge | None = None


@dataclass(frozen=True, slots=True)
class ContextMenu:
    """Open the menu for what is under the pointer."""

    at: Point
    hit: Hit


@dataclass(frozen=True, slots=True)
class EditText:
    """Let a text be typed: the name of a node, the title of a frame, a note."""

    item: str


@dataclass(frozen=True, slots=True)
class Entered:
    """Another body is on the canvas."""

    path: Path


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence for the person, why something was not done."""

    sentence: str


Effect = Commit | AskForNode | Audition | ContextMenu | EditText | Entered | Said


@dataclass(frozen=True, slots=True)
class LooseWire:
    """A wire that is being drawn: from a port to the pointer, or to the port under it.

    `allowed` says whether it may end here, `sentence` why not.
    """

    start: Point
    end: Point
    side: Literal["in", "out"]
    kind: str
    allowed: bool = True
    sentence: str = ""
    target: Hit | None = None


@dataclass(frozen=True, slots=True)
class Overlay:
    """What is drawn above the scene while a gesture lasts."""

    wire: LooseWire | None = None
    box: Rect | None = None
    insert: Edge | None = None
    """The edge that a dropped node would be put on."""
