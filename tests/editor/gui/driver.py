"""A person at the window: real mouse and keys through xdotool, and pictures of what is seen."""

from __future__ import annotations

import subprocess
from pathlib import Path

import dearpygui.dearpygui as dpg
import numpy as np

from midistems_graph.document.graph import Graph, Node
from midistems_graph.editor.model.plane import Point
from midistems_graph.editor.view.bench import Bench


def small_graph() -> Graph:
    """A song, a separator, a gain and a picker, some of them wired."""
    graph = Graph(title="small")
    graph = graph.with_node("song", Node("io.load"), (0, 0))
    graph = graph.with_node("hpss", Node("separate.hpss"), (260, 0))
    graph = graph.with_node("pick", Node("stems.pick"), (520, 0))
    graph = graph.with_node("gain", Node("filter.gain"), (780, 0))
    return graph.with_edge("song.out", "hpss.mixture").with_edge("hpss.out", "pick.stems")


class Driver:
    """Moves the pointer to world coordinates or pixels and types; frames are drawn between all events."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def step(self, frames: int = 3) -> None:
        for _ in range(frames):
            self.bench.window.frame()

    def x(self, *words: object) -> None:
        subprocess.run(["xdotool", *map(str, words)], check=True)
        self.step()

    def rest(self) -> None:
        """Let go of all and click where nothing is, so that the next press is not the second of a double click."""
        self.x("mouseup", 1)
        self.x("mousemove", 2, 2)
        self.x("click", 1)

    def pixel(self, at: Point) -> tuple[int, int]:
        x, y = self.bench.canvas.pixel(at)
        return round(x), round(y)

    def to(self, at: Point) -> None:
        """Move the pointer to a point of the canvas."""
        self.x("mousemove", *self.pixel(at))

    def click(self, at: Point, button: int = 1, held: str = "") -> None:
        self.to(at)
        self._holding(held, lambda: (self.x("mousedown", button), self.x("mouseup", button)))

    def double(self, at: Point) -> None:
        self.to(at)
        self.x("click", "--repeat", "2", "--delay", "60", "1")
        self.step(6)

    def drag(self, start: Point, end: Point, *, drop: bool = True, button: int = 1) -> None:
        """Press, move in steps and let go (or, without `drop`, hold on)."""
        (x0, y0), (x1, y1) = self.pixel(start), self.pixel(end)
        self.x("mousemove", x0, y0)
        self.x("mousedown", button)
        for k in range(1, 6):
            self.x("mousemove", round(x0 + (x1 - x0) * k / 5), round(y0 + (y1 - y0) * k / 5))
        if drop:
            self.x("mouseup", button)

    def key(self, *keys: str) -> None:
        for key in keys:
            self.x("key", key)
        self.step()

    def type(self, text: str) -> None:
        for letter in text:
            self.x("type", letter)

    def click_item(self, item: int) -> None:
        """Click in the middle of a control, once it has its place: what has just appeared moves for a frame or two."""
        places = []
        while len(places) < 3 or len(set(places[-3:])) > 1:
            assert len(places) < 200, "the control does not come to rest"
            self.step(1)
            state = dpg.get_item_state(item)
            places.append((*state["rect_min"], *state["rect_size"]))
        x, y, w, h = places[-1]
        self.x("mousemove", round(x + w / 2), round(y + h / 2))
        self.x("mousedown", 1)
        self.x("mouseup", 1)

    def port(self, node: str, side: str, name: str, index: int | None = None) -> Point:
        """Where a port is on the canvas."""
        box = self.bench.editor.scene.boxes[node]
        spot = box.shape.port(side, name, index)  # type: ignore[arg-type]
        assert spot is not None
        return box.at(spot)

    def title(self, node: str) -> Point:
        return self.bench.editor.scene.boxes[node].header.center

    def picture(self, path: Path) -> np.ndarray:
        """What is seen now, uint8 [height, width, 4]; written to a file."""
        from PIL import Image

        self.x("mousemove", 2, 2)
        dpg.output_frame_buffer(str(path))
        self.step(4)
        return np.asarray(Image.open(path))

    def _holding(self, key: str, act) -> None:  # type: ignore[no-untyped-def]
        if key:
            self.x("keydown", key)
        act()
        if key:
            self.x("keyup", key)
