"""What the editor shows at one moment: the document, where in it one is, what is selected, and what part is seen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from midistems_graph.document.graph import Body, Graph
from midistems_graph.editor.model.bodies import Path, body_at, group_at, valid_path, with_body
from midistems_graph.editor.model.plane import Point, Rect
from midistems_graph.editor.model.scene_items import EMPTY, Hit
from midistems_graph.editor.model.selection import Selection

START_VIEW = Rect(-100.0, -100.0, 1180.0, 620.0)
SMALLEST_VIEW, LARGEST_VIEW = 250.0, 40_000.0
"""Widths of the part of the canvas that can be seen, in world units."""

READING_VIEW = 900.0
"""What is seen at least when something is looked at: cards about as large as they are made for."""


@dataclass(frozen=True)
class EditorState:
    """One moment of the editor; `view` is the part of the canvas that is seen, `hover` what the pointer is on."""

    graph: Graph = field(default_factory=Graph)
    path: Path = ()
    selection: Selection = field(default_factory=Selection)
    hover: Hit = EMPTY
    view: Rect = START_VIEW

    @property
    def body(self) -> Body:
        """What is on the canvas."""
        return body_at(self.graph, self.path)

    @property
    def group(self) -> str | None:
        """The name of the group that is open."""
        return group_at(self.graph, self.path)

    @property
    def breadcrumb(self) -> tuple[str, ...]:
        """Labels of the instances that were entered, after the title of the graph."""
        labels = []
        for depth, instance in enumerate(self.path):
            node = body_at(self.graph, self.path[:depth]).nodes[instance]
            labels.append(node.label or instance)
        return (self.graph.title or "graph", *labels)

    def with_body(self, body: Body, selection: Selection | None = None) -> EditorState:
        """The same with another body on the canvas, and what remains of the selection or another one."""
        chosen = self.selection if selection is None else selection
        return replace(self, graph=with_body(self.graph, self.path, body), selection=chosen.within(body))

    def with_graph(self, graph: Graph, selection: Selection | None = None) -> EditorState:
        """The same with another document; path and selection keep what is still there."""
        path = valid_path(graph, self.path)
        chosen = self.selection if selection is None else selection
        chosen = chosen if path == self.path else Selection()
        return replace(self, graph=graph, path=path, selection=chosen.within(body_at(graph, path)))

    def at(self, path: Path) -> EditorState:
        """The same with another body on the canvas: a group entered or left."""
        return replace(self, path=valid_path(self.graph, path), selection=Selection(), hover=EMPTY)

    def zoomed(self, at: Point, factor: float) -> EditorState:
        """The same with more (factor above 1) or less to see; the point stays where it is on the screen."""
        width = min(max(self.view.width * factor, SMALLEST_VIEW), LARGEST_VIEW)
        factor = width / self.view.width
        left, top, right, bottom = self.view
        x, y = at
        return replace(
            self,
            view=Rect(
                x + (left - x) * factor, y + (top - y) * factor, x + (right - x) * factor, y + (bottom - y) * factor
            ),
        )

    def looking_at(self, rect: Rect | None, margin: float = 80.0) -> EditorState:
        """The same with a part of the canvas in the middle and all of it seen; None shows the start."""
        if rect is None:
            return replace(self, view=START_VIEW)
        shape = self.view.width / self.view.height
        around = rect.grown(margin)
        width = min(max(around.width, around.height * shape, READING_VIEW), LARGEST_VIEW)
        (x, y), height = around.center, width / shape
        return replace(self, view=Rect(x - width / 2, y - height / 2, x + width / 2, y + height / 2))
