"""The making of a scene: what stayed the same is taken from the one before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from midistems_graph.document.graph import Body, Edge, Graph, Group, Node
from midistems_graph.editor.model.bodies import INPUTS, OUTPUTS, TERMINALS, Path, all_edges, body_at
from midistems_graph.editor.model.insight import Insight
from midistems_graph.editor.model.knob_words import told_knobs
from midistems_graph.editor.model.plane import Rect, snapped
from midistems_graph.editor.model.scene import Scene
from midistems_graph.editor.model.scene_items import Box, FrameBox, NoteBox, Wire
from midistems_graph.editor.model.shape import (
    Shape,
    Sides,
    in_order,
    shape_of,
    sides_of,
    sides_of_group,
    terminal_shape,
)
from midistems_graph.editor.model.tracks import Track

FAR = 240.0
"""How far beside a group's nodes its `<inputs>` and `<outputs>` stand."""


def scene_of(graph: Graph, insight: Insight, path: Path = (), before: Scene | None = None) -> Scene:
    """The canvas of the body that a path leads to; `before` is the last one, of the same path or not."""
    body = body_at(graph, path)
    if before is not None and (before.path != path or before.insight.library is not insight.library):
        before = None
    return _Making(graph, insight, path, body, before).scene()


class _Making:
    def __init__(self, graph: Graph, insight: Insight, path: Path, body: Body, before: Scene | None) -> None:
        self.graph, self.insight, self.path, self.body, self.before = graph, insight, path, body, before
        self.edges = before.edges if before and _same_edges(before.body, body) else all_edges(body)
        self.groups_same = before is not None and before.graph.groups == graph.groups
        self._sides: dict[str, Sides | None] = {}

    def scene(self) -> Scene:
        before = self.before
        incident = self._incident()
        boxes = self._boxes(incident)
        wires = self._wires(boxes, incident)
        view = self.body.view
        same_view = before is not None and before.body.view.frames == view.frames
        same_notes = before is not None and before.body.view.notes == view.notes
        frames = {f"frame:{i}": FrameBox(f"frame:{i}", frame) for i, frame in enumerate(view.frames)}
        notes = {f"note:{i}": NoteBox(f"note:{i}", note) for i, note in enumerate(view.notes)}
        indexed = before
        if before is not None and before.before is not None:
            indexed = before.before  # its index was never built: compare with the last one that was
        return Scene(
            self.path,
            self.graph,
            self.insight,
            self.body,
            boxes,
            wires,
            before.frames if before and same_view else frames,
            before.notes if before and same_notes else notes,
            self.edges,
            incident,
            indexed,
        )

    def _incident(self) -> Mapping[str, tuple[Edge, ...]]:
        if self.before is None:
            found: dict[str, list[Edge]] = defaultdict(list)
            for edge in self.edges:
                for node in {edge.source.node, edge.target.node}:
                    found[node].append(edge)
            return {node: tuple(edges) for node, edges in found.items()}
        if self.edges is self.before.edges:
            return self.before.incident
        incident = dict(self.before.incident)
        gone, come = self.before.edges - self.edges, self.edges - self.before.edges
        for edge in gone:
            for node in {edge.source.node, edge.target.node}:
                incident[node] = tuple(e for e in incident.get(node, ()) if e != edge)
        for edge in come:
            for node in {edge.source.node, edge.target.node}:
                incident[node] = (*incident.get(node, ()), edge)
        return incident

    def _boxes(self, incident: Mapping[str, tuple[Edge, ...]]) -> Mapping[str, Box]:
        before, positions = self.before, self.body.view.nodes
        old = before.boxes if before else {}
        old_nodes: Mapping[str, Node] = before.body.nodes if before else {}
        touched = before.incident if before else {}
        boxes: dict[str, Box] = {}
        if before is not None and incident is before.incident and self.body.nodes == old_nodes and self.groups_same:
            was = before.body.view.nodes  # places alone differ: most are the same objects
            moved = [i for i, at in positions.items() if was.get(i) is not at and i in self.body.nodes]
            boxes = {i: box for i, box in old.items() if i not in TERMINALS}
            boxes.update({i: Box(i, *positions[i], old[i].shape) for i in moved if positions[i] != was.get(i)})
            return boxes | (self._terminals(self.body, boxes) if isinstance(self.body, Group) else {})
        for node_id, node in self.body.nodes.items():
            box = old.get(node_id)
            x, y = positions.get(node_id, (0.0, 0.0))
            keeps_shape = (
                box is not None
                and node is old_nodes[node_id]
                and touched.get(node_id) is incident.get(node_id)
                and (self.groups_same or node.group is None)
            )
            if box is None or not keeps_shape:
                shape = self._shape(node_id, node, incident.get(node_id, ()))
                made = Box(node_id, x, y, shape)
                boxes[node_id] = box if box == made and box is not None else made
            else:
                boxes[node_id] = box if box[1] == x and box[2] == y else Box(node_id, x, y, box.shape)
        if isinstance(self.body, Group):
            boxes |= self._terminals(self.body, boxes)
        return boxes

    def _shape(self, node_id: str, node: Node, edges: Iterable[Edge]) -> Shape:
        if node.type not in self._sides:
            self._sides[node.type] = sides_of(node, self.graph, self.insight.library)
        ins = {(e.target.port, e.target.index) for e in edges if e.target.node == node_id}
        outs = {(e.source.port, e.source.index) for e in edges if e.source.node == node_id}
        told = told_knobs(node, self.insight.library)
        return shape_of(node_id, node, self._sides[node.type], in_order(ins), in_order(outs), told)

    def _terminals(self, group: Group, boxes: Mapping[str, Box]) -> dict[str, Box]:
        sides = sides_of_group(group, self.graph, self.insight.library)
        around = Rect.around(box.rect for box in boxes.values()) or Rect(0.0, 0.0, 0.0, 0.0)
        shapes = {terminal: terminal_shape(terminal, group, sides) for terminal in TERMINALS}
        top = {terminal: snapped(around.center[1] - shape.height / 2) for terminal, shape in shapes.items()}
        left = snapped(around.left - FAR - shapes[INPUTS].width)
        return {
            INPUTS: Box(INPUTS, left, top[INPUTS], shapes[INPUTS]),
            OUTPUTS: Box(OUTPUTS, snapped(around.right + FAR), top[OUTPUTS], shapes[OUTPUTS]),
        }

    def _wires(self, boxes: Mapping[str, Box], incident: Mapping[str, tuple[Edge, ...]]) -> Mapping[str, Wire]:
        before = self.before
        if before is None or before.insight.map is not self.insight.map:
            return {str(edge): self._wire(edge, boxes) for edge in self.edges}
        dirty = {
            edge for name, box in boxes.items() if before.boxes.get(name) is not box for edge in incident.get(name, ())
        }
        gone: frozenset[Edge] = frozenset()
        routes, old = self.body.view.routes, before.body.view.routes
        if routes != old:
            dirty |= {e for e in self.edges if routes.get(e.target) != old.get(e.target)}
        if self.edges is not before.edges:
            gone, dirty = before.edges - self.edges, dirty | (self.edges - before.edges)
        if not dirty and not gone:
            return before.wires
        wires = dict(before.wires)
        for edge in gone:
            wires.pop(str(edge), None)
        for edge in dirty:
            name = str(edge)
            known = wires.get(name)
            wires[name] = self._wire(edge, boxes, known.kind if known else None)
        return wires

    def _wire(self, edge: Edge, boxes: Mapping[str, Box], kind: str | None = None) -> Wire:
        source, target = boxes.get(edge.source.node), boxes.get(edge.target.node)
        leaves = source.shape.port("out", edge.source.port, edge.source.index) if source else None
        arrives = target.shape.port("in", edge.target.port, edge.target.index) if target else None
        start = source.at(leaves) if source and leaves else (0.0, 0.0)
        end = target.at(arrives) if target and arrives else (0.0, 0.0)
        if kind is None:
            kind = self.insight.kind(self.path, edge.source)
        if not kind:
            kind = next((p.kinds[0] for p in (leaves, arrives) if p is not None and len(p.kinds) == 1), "")
        quiet = any(box is not None and box.shape.state != "on" for box in (source, target))
        points = self.body.view.routes.get(edge.target, ())
        return Wire(str(edge), edge, Track.through(start, points, end), kind, quiet)


def _same_edges(a: Body, b: Body) -> bool:
    if isinstance(a, Group) and isinstance(b, Group) and (a.inputs != b.inputs or a.outputs != b.outputs):
        return False
    return a.edges is b.edges
