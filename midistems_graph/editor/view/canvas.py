"""The canvas: a bare plot that we draw on, kept like the scene by differences.

The plot gives clipping and scaling; where one looks is decided here (`look`), so that the model can be asked what
is under the pointer. Layers from below: grid, frames, edges, nodes, what floats above. What is not seen is hidden,
and details go where they could not be read.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.events import Overlay
from midistems_graph.editor.model.plane import Point, Rect
from midistems_graph.editor.model.scene import Scene
from midistems_graph.editor.model.scene_items import Hit
from midistems_graph.editor.model.selection import Selection
from midistems_graph.editor.view.camera import Camera
from midistems_graph.editor.view.decoration import draw_frame, draw_frame_title, draw_grid, draw_note, grid_step
from midistems_graph.editor.view.detail import Detail
from midistems_graph.editor.view.marks import Mark, spoken_level
from midistems_graph.editor.view.node_cards import Pen
from midistems_graph.editor.view.node_items import NodeItem
from midistems_graph.editor.view.overlay import draw_overlay
from midistems_graph.editor.view.palette import Palette
from midistems_graph.editor.view.signs import Worry
from midistems_graph.editor.view.text_widths import TextWidths
from midistems_graph.editor.view.themes import plot_theme
from midistems_graph.editor.view.wire_items import WireItem

ROUGH = 3
"""The level of detail from which on lines have rough edges while the canvas moves, which is a seventh of a frame."""

STILL = 0.15
"""Seconds without a movement after which they are smooth again."""


class Canvas:
    """Draws one scene at a time inside a parent; tell it where that is on the window with `place`."""

    def __init__(self, parent: int | str, palette: Palette, ui_scale: float = 1.0) -> None:
        self.palette, self.ui_scale = palette, ui_scale
        self.scene: Scene | None = None
        self.camera = Camera.on(Rect(0, 0, 1280, 720), Rect(0, 0, 1280, 720))
        self.nodes: dict[str, NodeItem] = {}
        self.wires: dict[str, WireItem] = {}
        self._others: dict[str, list[int]] = {}
        self._marks: dict[str, Mark] = {}
        self._worries: Mapping[str, Worry] = {}
        self._names: Mapping[str, str] = {}
        self._levels: dict[str, float] = {}
        self._chosen: frozenset[str] = frozenset()
        self._hover = ""
        self._playing = ""
        self._covered: Rect | None = None
        self._detail = Detail.at(1.0)
        self._seen: set[str] = set()
        self._grid: tuple[float, Rect] | None = None
        self._rough = False
        self._moved_at = 0.0
        self.measure = TextWidths()
        with dpg.plot(
            parent=parent,
            no_title=True,
            no_menus=True,
            no_mouse_pos=True,
            no_box_select=True,
            no_frame=True,
            pan_button=dpg.mvMouseButton_X2,
            fit_button=dpg.mvMouseButton_X2,
            context_menu_button=dpg.mvMouseButton_X1,
            width=-1,
            height=-1,
        ) as self.plot:
            self._x = self._add_axis(dpg.mvXAxis)
            self._y = self._add_axis(dpg.mvYAxis, invert=True)
        layers = [dpg.add_draw_layer(parent=self.plot) for _ in range(6)]
        self._grid_layer, self._frame_layer, self._title_layer, self._wire_layer, self._node_layer = layers[:5]
        self._float_layer = layers[5]
        dpg.bind_item_theme(self.plot, plot_theme())

    @staticmethod
    def _add_axis(axis: int, invert: bool = False) -> int:
        return int(
            dpg.add_plot_axis(
                axis,
                invert=invert,
                no_tick_labels=True,
                no_tick_marks=True,
                no_gridlines=True,
                no_label=True,
                no_initial_fit=True,
                no_highlight=True,
                no_menus=True,
            )
        )

    # Where one looks

    def place(self, pixels: Rect) -> None:
        """Where the canvas lies on the window."""
        if pixels != self.camera.pixels:
            middle, scale = self.camera.seen.center, self.camera.scale
            width = pixels.width * scale
            wanted = Rect(middle[0] - width / 2, middle[1], middle[0] + width / 2, middle[1])
            self.camera = Camera.on(wanted, pixels)
            self._turned()

    def look(self, wanted: Rect) -> None:
        """Show a part of the world, as wide as is said."""
        camera = Camera.on(wanted, self.camera.pixels)
        if camera != self.camera:
            self.camera = camera
            self._turned()

    @property
    def scale(self) -> float:
        """World units of one pixel."""
        return self.camera.scale

    def _turned(self) -> None:
        seen = self.camera.seen
        dpg.set_axis_limits(self._x, seen.left, seen.right)
        dpg.set_axis_limits(self._y, seen.top, seen.bottom)
        self._draw_grid()
        self._show_near()
        self._moved_at = time.monotonic()
        self._roughen(self._detail.level >= ROUGH)

    def tick(self) -> None:
        """Before every frame: what stands still is drawn smooth."""
        if self._rough and time.monotonic() > self._moved_at + STILL:
            self._roughen(False)

    def _roughen(self, rough: bool) -> None:
        if rough != self._rough:
            self._rough = rough
            dpg.configure_app(anti_aliased_lines=not rough)

    # What is there

    def show(self, scene: Scene) -> None:
        """Draw what differs from the scene before."""
        old, self.scene = self.scene, scene
        if old is not None and old.path != scene.path:
            self._clear()
            old = None
        diff = scene.diff(old)
        if not diff and old is not None:
            return
        for item_id in diff.removed:
            self._remove(item_id)
        for item_id in (*diff.added, *diff.updated, *diff.moved):
            self._draw(item_id, scene)
        self._show_changed((*diff.added, *diff.updated, *diff.moved), scene)
        self._show_near()
        if self._detail.named:
            self._settle_words(old, (*diff.added, *diff.updated, *diff.moved, *diff.removed))

    def recolor(self, palette: Palette, ui_scale: float) -> None:
        """Draw all with other colours, or at another scale of the interface."""
        self.palette, self.ui_scale = palette, ui_scale
        self._grid = None
        self._detail = Detail.at(self.scale, ui_scale)
        self._clear()
        if self.scene is not None:
            scene, self.scene = self.scene, None
            self.show(scene)
        self._draw_grid()

    def choose(self, selection: Selection) -> None:
        """Show what is selected."""
        ids = selection.ids
        changed, self._chosen = ids ^ self._chosen, ids
        self._look(changed)

    def point_at(self, hit: Hit) -> None:
        """Show what the pointer is on."""
        before, self._hover = self._hover, hit.id if hit.kind != "empty" else ""
        if before != self._hover:
            self._look({before, self._hover} - {""})

    def play(self, edge_id: str) -> None:
        """Show which edge is heard; empty for none."""
        before, self._playing = self._playing, edge_id
        if before != edge_id:
            self._look({before, edge_id} - {""})

    def set_marks(self, marks: Mapping[str, Mark]) -> None:
        """How the computing of nodes stands; nodes that are not named keep what they show."""
        self._marks.update(marks)
        for node_id, mark in marks.items():
            if node_id in self.nodes:
                self.nodes[node_id].set_mark(mark)

    def set_worries(self, worries: Mapping[str, Worry]) -> None:
        """What the rules find wrong, by node; those that are not named are sound."""
        self._worries = worries
        for node_id, item in self.nodes.items():
            item.set_worry(worries.get(node_id, ""))

    def forget_marks(self) -> None:
        """Another document: nothing is known of its nodes."""
        self._marks.clear()
        self.set_levels({})
        for item in self.nodes.values():
            item.set_mark(Mark())

    def set_levels(self, levels: Mapping[str, float]) -> None:
        """How loud edges are, in dB below full scale, by their ids; those that are not named are not known."""
        changed = {*levels, *self._levels}
        self._levels = dict(levels)
        for edge_id in changed & self.wires.keys():
            self.wires[edge_id].set_words(self._words(edge_id), shown=self._detail.named)

    @property
    def names_edges(self) -> bool:
        """Whether edges say their stems and their level."""
        return self._detail.named

    def level(self, edge_id: str) -> float | None:
        """How loud an edge is, None if that is not known."""
        return self._levels.get(edge_id)

    def _words(self, edge_id: str) -> str:
        """What is written on an edge: the stems it carries and how loud it is."""
        level = self._levels.get(edge_id)
        told = (self._names.get(edge_id, ""), "" if level is None else spoken_level(level))
        return "  ".join(words for words in told if words)

    def set_names(self, names: Mapping[str, str]) -> None:
        """What is written on edges, by their ids: the stems they carry."""
        self._names = names
        for edge_id, item in self.wires.items():
            item.set_words(self._words(edge_id), shown=self._detail.named)

    def float_above(self, overlay: Overlay | None) -> None:
        """Draw what a gesture shows while it lasts."""
        dpg.delete_item(self._float_layer, children_only=True)
        if overlay is not None:
            draw_overlay(overlay, self.scene, self.palette, self.scale, self._float_layer)

    # How it is kept

    def _clear(self) -> None:
        for layer in (self._frame_layer, self._title_layer, self._wire_layer, self._node_layer, self._float_layer):
            dpg.delete_item(layer, children_only=True)
        self.nodes.clear()
        self.wires.clear()
        self._others.clear()
        self._seen.clear()
        self._covered = None

    def _remove(self, item_id: str) -> None:
        self._seen.discard(item_id)
        item = self.wires.pop(item_id, None) or self.nodes.pop(item_id, None)
        if item is not None:
            item.delete()
        for other in self._others.pop(item_id, ()):
            dpg.delete_item(other)

    def _draw(self, item_id: str, scene: Scene) -> None:
        if item_id in scene.boxes:
            self._draw_node(item_id, scene)
        elif item_id in scene.wires:
            self._draw_wire(item_id, scene)
        else:
            self._remove(item_id)
            chosen, level = item_id in self._chosen, self._detail.level
            if item_id in scene.frames:
                frame, p = scene.frames[item_id], self.palette
                area = draw_frame(frame, chosen, p, self._frame_layer)
                made = [area, draw_frame_title(frame, level, p, self._title_layer)]
            else:
                pen = Pen(self.palette, self.measure)
                made = [draw_note(scene.notes[item_id], chosen, level, pen, self._node_layer)]
            self._others[item_id] = made

    def _draw_node(self, node_id: str, scene: Scene) -> None:
        box, item = scene.boxes[node_id], self.nodes.get(node_id)
        if item is None:
            item = self.nodes[node_id] = NodeItem(box, Pen(self.palette, self.measure), self._node_layer)
            item.look(chosen=node_id in self._chosen, hovered=node_id == self._hover)
            item.set_mark(self._marks.get(node_id, Mark()))
            item.set_worry(self._worries.get(node_id, ""))
        elif item.box.shape == box.shape:
            item.move(box)
        else:
            item.redraw(box)

    def _is_free(self, rect: Rect, edge_id: str) -> bool:
        """Whether words of an edge can stand somewhere."""
        if self.scene is None:
            return True
        others = (self.wires[name] for name in self.scene.index.within(rect) & self.wires.keys() if name != edge_id)
        written = (other.words_rect for other in others)
        return self.scene.is_free(rect) and not any(words and words.meets(rect) for words in written)

    def _settle_words(self, old: Scene | None, changed: Iterable[str]) -> None:
        """Words of edges near boxes that came, went or moved find their places anew."""
        near: set[str] = set()
        for scene in (old, self.scene):
            boxes = scene.boxes if scene is not None else {}
            for box in (boxes[item_id] for item_id in changed if item_id in boxes):
                near |= scene.index.within(box.rect.grown(20)) if scene is not None else set()
        for edge_id in near & self.wires.keys():
            self.wires[edge_id].settle()

    def _draw_wire(self, edge_id: str, scene: Scene) -> None:
        wire, item = scene.wires[edge_id], self.wires.get(edge_id)
        if item is None:
            self.wires[edge_id] = item = WireItem(wire, self.palette, self.measure, self._is_free, self._wire_layer)
            self._look([edge_id])
        else:
            item.redraw(wire)

    def _look(self, ids: Iterable[str]) -> None:
        for item_id in ids:
            chosen, hovered = item_id in self._chosen, item_id == self._hover
            if item_id in self.nodes:
                self.nodes[item_id].look(chosen=chosen, hovered=hovered)
            elif item_id in self.wires:
                self.wires[item_id].look(chosen=chosen, hovered=hovered, playing=item_id == self._playing)
            elif item_id in self._others and self.scene is not None:
                self._draw(item_id, self.scene)

    def _show_near(self) -> None:
        """Show what can be seen, as detailed as it can be read, and hide the rest."""
        if self.scene is None:
            return
        seen = self.camera.seen
        if self._covered is None or not self._covered.encloses(seen) or seen.width < 0.4 * self._covered.width:
            self._covered = seen.grown(seen.width * 0.2)
            near = self._within(self.scene, self._covered)
            for item_id in self._seen - near:
                self._switch(item_id, False)
            come, self._seen = near - self._seen, near
            for item_id in come:
                self._switch(item_id, True)
        detail = Detail.at(self.scale, self.ui_scale)
        if detail == self._detail:
            return
        old, self._detail = self._detail, detail
        if old.level != detail.level:
            for item_id in (*self.scene.frames, *self.scene.notes):
                self._draw(item_id, self.scene)
        for item_id in self._seen:
            self._switch(item_id, True)

    def _show_changed(self, ids: Iterable[str], scene: Scene) -> None:
        """Show or hide what was drawn anew; all else stays as it is."""
        if self._covered is None:
            return
        for item_id in ids:
            rect = scene.rect(item_id)
            near = rect is not None and rect.meets(self._covered)
            (self._seen.add if near else self._seen.discard)(item_id)
            self._switch(item_id, near)

    def _switch(self, item_id: str, shown: bool) -> None:
        """Show an item in the present detail, or hide it."""
        detail = self._detail
        if (node := self.nodes.get(item_id)) is not None:
            if shown and not node.is_drawn(detail.level):
                node.set_level(detail.level)
            node.show(shown)
        elif (wire := self.wires.get(item_id)) is not None:
            if shown:
                wire.fit(detail.scale)
                wire.set_words(self._words(item_id), shown=detail.named)
            wire.show(shown)

    @staticmethod
    def _within(scene: Scene, area: Rect) -> set[str]:
        """Ids of what meets an area."""
        found = scene.index.within(area)
        return {item_id for item_id in found if (rect := scene.rect(item_id)) is not None and rect.meets(area)}

    def _draw_grid(self) -> None:
        seen, step = self.camera.seen, grid_step(self.scale)
        if self._grid is not None and self._grid[0] == step and self._grid[1].encloses(seen):
            return
        around = seen.grown(seen.width * 0.5)
        self._grid = step, around
        dpg.delete_item(self._grid_layer, children_only=True)
        draw_grid(around, step, self.scale, self.palette, self._grid_layer)

    def pixel(self, at: Point) -> Point:
        return self.camera.pixel(at)
