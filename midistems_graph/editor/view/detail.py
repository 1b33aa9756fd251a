"""How much of a graph is drawn at a zoom."""

from __future__ import annotations

from dataclasses import dataclass

from midistems_graph.editor.view.node_cards import level_of

NAMES_SCALE = 1.3
"""World units per pixel up to which stems are named on edges."""


@dataclass(frozen=True)
class Detail:
    """How much is drawn: the level of cards, the scale that lines are made for, whether stems are named."""

    level: int
    scale: float
    named: bool

    @classmethod
    def at(cls, scale: float, ui_scale: float = 1.0) -> Detail:
        """The detail at so many world units per pixel and an interface scale."""
        scale = float(f"{scale:.7g}")  # when one moves, the last digits differ
        return cls(level_of(scale * ui_scale), scale, scale * ui_scale <= NAMES_SCALE)
