"""A person at the canvas, for tests: graphs on one line, and a hand that clicks and drags by name.

hand = Hand("load=io.load; hpss=separate.hpss")
hand.wire("load.out", "hpss.mixture")
"""

from __future__ import annotations

from typing import Any

from midistems_graph.document.graph import Address, Edge, Graph, Group, InputSlot, Node, View
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.events import Effect, Event
from midistems_graph.editor.model.plane import Point
from midistems_graph.editor.model.shape import PortSpot, Side
from midistems_graph.node.library import installed

LIBRARY = installed()


def nodes(text: str) -> dict[str, Node]:
    parts = (part.split("=") for part in text.split(";") if part.strip())
    return {node_id.strip(): Node(type_id.strip(), "1.0.0") for node_id, type_id in parts}


def edges(text: str) -> frozenset[Edge]:
    pairs = (part.split("->") for part in text.split(";") if part.strip())
    return frozenset(Edge.parse(source.strip(), target.strip()) for source, target in pairs)


def graph(node_text: str, edge_text: str = "", **fields: Any) -> Graph:
    """A graph whose nodes stand in a row, 400 apart."""
    made = nodes(node_text)
    view = View({node_id: (400.0 * i, 0.0) for i, node_id in enumerate(made)})
    return Graph(nodes=made, edges=edges(edge_text), **{"view": view, "inputs": {"song": InputSlot()}, **fields})


def group(node_text: str, edge_text: str = "", **fields: Any) -> Group:
    """Inputs and knobs as text: `inputs={"audio": "hpss.mixture"}`; several addresses separated by spaces."""
    for name in ("inputs", "knobs"):
        fields[name] = {k: tuple(map(Address.parse, v.split())) for k, v in fields.get(name, {}).items()}
    fields["outputs"] = {k: Address.parse(v) for k, v in fields.get("outputs", {}).items()}
    made = nodes(node_text)
    view = View({node_id: (400.0 * i, 0.0) for i, node_id in enumerate(made)})
    return Group(nodes=made, edges=edges(edge_text), view=view, **fields)


class Hand:
    """An editor, and pointer events as people cause them."""

    def __init__(self, node_text: str = "", edge_text: str = "", **fields: Any) -> None:
        self.editor = Editor(LIBRARY, graph(node_text, edge_text, **fields))

    @property
    def graph(self) -> Graph:
        return self.editor.state.graph

    @property
    def selected(self) -> set[str]:
        return set(self.editor.state.selection.ids)

    @property
    def edges(self) -> set[str]:
        return set(map(str, self.editor.state.body.edges))

    def title(self, node_id: str) -> Point:
        box = self.editor.scene.boxes[node_id]
        return box.x + box.shape.width / 2, box.y + 12

    def place(self, node_id: str) -> Point:
        box = self.editor.scene.boxes[node_id]
        return box.x, box.y

    def port(self, text: str, side: Side) -> Point:
        at = Address.parse(text) if "<" not in text else Address(*text.split("."))
        spot = self.spot(at, side)
        return self.editor.scene.boxes[at.node].at(spot)

    def spot(self, at: Address, side: Side) -> PortSpot:
        spot = self.editor.scene.boxes[at.node].shape.port(side, at.port, at.index)
        assert spot is not None, f"no port {at} on the {side} side"
        return spot

    def send(self, kind: Any, at: Point, **keys: Any) -> list[Effect]:
        return self.editor.handle(Event(kind, at, **keys))

    def click(self, at: Point, **keys: Any) -> list[Effect]:
        return self.send("down", at, **keys) + self.send("up", at, **keys)

    def double(self, at: Point) -> list[Effect]:
        return self.send("double", at) + self.send("up", at)

    def press(self, start: Point, *path: Point, **keys: Any) -> None:
        """Press and move, without a release."""
        self.send("down", start, **keys)
        before = start
        for at in path:
            for k in (1, 2, 3, 4):
                self.send("move", (before[0] + (at[0] - before[0]) * k / 4, before[1] + (at[1] - before[1]) * k / 4))
            before = at

    def drag(self, start: Point, *path: Point, **keys: Any) -> list[Effect]:
        self.press(start, *path, **keys)
        return self.send("up", path[-1])

    def wire(self, source: str, target: str) -> list[Effect]:
        """Draw an edge from an output to an input."""
        return self.drag(self.port(source, "out"), self.port(target, "in"))
