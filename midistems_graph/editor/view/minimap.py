"""The whole graph in a corner of the canvas, with what is seen of it; a click looks there."""

from __future__ import annotations

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.plane import Point, Rect
from midistems_graph.editor.model.scene import Scene
from midistems_graph.editor.view.canvas import Canvas
from midistems_graph.editor.view.palette import CLEAR, faded, mixed

WIDTH, HEIGHT, MARGIN = 180.0, 112.0, 12.0


class Minimap:
    """A small window above the canvas, there while not all is seen; only what changes is drawn anew."""

    def __init__(self, canvas: Canvas, look: Callable[[Point], None], *, shown: bool = True) -> None:
        self._canvas, self._look, self._shown = canvas, look, shown
        self._scene: Scene | None = None
        self._needed = False
        self._seen: Rect | None = None
        self._area = Rect(0, 0, 1, 1)
        with dpg.window(
            no_title_bar=True,
            no_resize=True,
            no_move=True,
            no_scrollbar=True,
            no_saved_settings=True,
            no_focus_on_appearing=True,
            width=int(WIDTH),
            height=int(HEIGHT),
            min_size=[20, 20],
            show=False,
        ) as self.window:
            draw = dpg.add_drawlist(int(WIDTH), int(HEIGHT))
            self._boxes, self._frame = dpg.add_draw_layer(parent=draw), dpg.add_draw_layer(parent=draw)
        with dpg.handler_registry():
            dpg.add_mouse_down_handler(0, callback=self._held)
        self._draw = draw
        self._theme = 0
        self.recolor()

    def place(self, area: Rect) -> None:
        """Where the canvas is; the map lies in its lower right corner."""
        x, y = area.right - WIDTH - MARGIN, area.bottom - HEIGHT - MARGIN
        dpg.configure_item(self.window, pos=[int(x), int(y)])

    def switch(self, shown: bool) -> None:
        """Show it where it is needed, or never."""
        self._shown = shown
        dpg.configure_item(self.window, show=self._shown and self._needed)

    def recolor(self) -> None:
        p, old = self._canvas.palette, self._theme
        with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
            dpg.add_theme_color(dpg.mvThemeCol_WindowBg, faded(p.panel, 225))
            dpg.add_theme_style(dpg.mvStyleVar_WindowPadding, 0, 0)
        self._theme = int(theme)
        dpg.bind_item_theme(self.window, self._theme)
        if old:
            dpg.delete_item(old)
        scene, self._scene, self._seen = self._scene, None, None
        if scene is not None:
            self.show(scene)

    def show(self, scene: Scene) -> None:
        if not self._shown:
            return
        seen, all_ = self._canvas.camera.seen, scene.bounds
        needed = all_ is not None and not seen.encloses(all_)
        if needed != self._needed:
            self._needed = needed
            dpg.configure_item(self.window, show=needed)
        if not needed:
            return
        bounds = Rect.around([r for r in (scene.bounds, seen) if r is not None]) or seen
        if scene is not self._scene or not self._area.encloses(seen):
            self._scene, self._seen = scene, None
            self._area = bounds.grown(max(bounds.width, bounds.height) * 0.05)
            self._draw_boxes(scene)
        if seen != self._seen:
            self._seen = seen
            self._draw_frame(seen)

    def _draw_boxes(self, scene: Scene) -> None:
        p = self._canvas.palette
        dpg.delete_item(self._boxes, children_only=True)
        for frame in scene.frames.values():
            color = mixed(p.node_title, p.panel, 0.5)
            dpg.draw_rectangle(*self._corners(frame.rect), fill=color, color=CLEAR, parent=self._boxes)
        color = mixed(p.node_title, p.text, 0.3)
        for box in scene.boxes.values():
            dpg.draw_rectangle(*self._corners(box.rect), fill=color, color=CLEAR, parent=self._boxes)

    def _draw_frame(self, seen: Rect) -> None:
        p = self._canvas.palette
        dpg.delete_item(self._frame, children_only=True)
        dpg.draw_rectangle(
            *self._corners(seen), fill=faded(p.accent, 22), color=faded(p.accent, 190), parent=self._frame
        )

    @property
    def _zoom(self) -> float:
        """Pixels of a world unit."""
        return min(WIDTH / max(self._area.width, 1.0), HEIGHT / max(self._area.height, 1.0))

    def _corners(self, rect: Rect) -> tuple[Point, Point]:
        (x, y), zoom = self._area.center, self._zoom
        left, top = WIDTH / 2 + (rect.left - x) * zoom, HEIGHT / 2 + (rect.top - y) * zoom
        return (left, top), (max(left + rect.width * zoom, left + 1), max(top + rect.height * zoom, top + 1))

    def _held(self) -> None:
        if self._shown and dpg.is_item_hovered(self._draw):
            left, top = dpg.get_item_rect_min(self._draw)
            px, py = dpg.get_mouse_pos(local=False)
            (x, y), zoom = self._area.center, self._zoom
            self._look((x + (px - left - WIDTH / 2) / zoom, y + (py - top - HEIGHT / 2) / zoom))
