"""What is selected on the canvas: nodes and edges by name, frames and notes by their number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from midistems_graph.document.graph import Body, Edge
from midistems_graph.editor.model.bodies import all_edges
from midistems_graph.editor.model.scene_items import Hit


@dataclass(frozen=True, slots=True)
class Selection:
    """A set of things on the canvas; `|`, `-` and `^` work as with sets."""

    nodes: frozenset[str] = frozenset()
    edges: frozenset[Edge] = frozenset()
    frames: frozenset[int] = frozenset()
    notes: frozenset[int] = frozenset()

    @classmethod
    def of(
        cls,
        nodes: Iterable[str] = (),
        edges: Iterable[Edge] = (),
        frames: Iterable[int] = (),
        notes: Iterable[int] = (),
    ) -> Selection:
        return cls(frozenset(nodes), frozenset(edges), frozenset(frames), frozenset(notes))

    @classmethod
    def under(cls, hit: Hit, body: Body) -> Selection:
        """What was hit, as a selection; ports and the two boxes of a group's ports select nothing."""
        match hit.kind:
            case "node" if hit.id in body.nodes:
                return cls.of(nodes=[hit.id])
            case "edge" | "route":
                return cls.of(edges=[e for e in all_edges(body) if str(e) == hit.id])
            case "frame":
                return cls.of(frames=[number(hit.id)])
            case "note":
                return cls.of(notes=[number(hit.id)])
        return cls()

    @classmethod
    def everything(cls, body: Body) -> Selection:
        return cls.of(body.nodes, (), range(len(body.view.frames)), range(len(body.view.notes)))

    def __bool__(self) -> bool:
        return bool(self.nodes or self.edges or self.frames or self.notes)

    def __or__(self, other: Selection) -> Selection:
        return Selection(
            self.nodes | other.nodes, self.edges | other.edges, self.frames | other.frames, self.notes | other.notes
        )

    def __sub__(self, other: Selection) -> Selection:
        return Selection(
            self.nodes - other.nodes, self.edges - other.edges, self.frames - other.frames, self.notes - other.notes
        )

    def __xor__(self, other: Selection) -> Selection:
        return Selection(
            self.nodes ^ other.nodes, self.edges ^ other.edges, self.frames ^ other.frames, self.notes ^ other.notes
        )

    def __ge__(self, other: Selection) -> bool:
        return not (other - self)

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all of it in the scene; what changes its look is the difference of two."""
        frames = (f"frame:{i}" for i in self.frames)
        notes = (f"note:{i}" for i in self.notes)
        return frozenset((*self.nodes, *map(str, self.edges), *frames, *notes))

    def within(self, body: Body) -> Selection:
        """What of it a body still has."""
        return Selection(
            self.nodes & body.nodes.keys(),
            self.edges & all_edges(body) if self.edges else self.edges,
            frozenset(i for i in self.frames if i < len(body.view.frames)),
            frozenset(i for i in self.notes if i < len(body.view.notes)),
        )


def number(item_id: str) -> int:
    """The number of a frame or a note by its id in the scene."""
    return int(item_id.partition(":")[2])
