"""The canvas of the editor: processor time per frame while it is moved, beside the node editor of Dear PyGui.

    python benchmarks/canvas.py            (starts an X server of its own if Xvfb is there)

The numbers are CPU milliseconds of this process per frame, all threads of a software renderer included. While a graph
that is seen from afar moves, our lines have rough edges; those of the node editor are smooth.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import time
from dataclasses import replace

import dearpygui.dearpygui as dpg

from midistems_graph.document.graph import Graph, Node
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.events import Event
from midistems_graph.editor.model.settings import Settings
from midistems_graph.editor.view.bench import Bench
from midistems_graph.editor.view.canvas import STILL
from midistems_graph.node.library import installed

FRAMES = 40
SIZE = (1280, 800)


def graph_of(count: int) -> Graph:
    """`count` nodes in rows, each fed by the one before, and half as many further edges."""
    rows, graph, random_ = max(1, round(count**0.5)), Graph(), random.Random(0)
    nodes = {f"n{k}": Node("blend.mix" if k % 2 else "filter.gain") for k in range(count)}
    places = {f"n{k}": (300.0 * (k // rows), 220.0 * (k % rows)) for k in range(count)}
    graph = replace(graph, nodes=nodes, view=replace(graph.view, nodes=places))
    for k in range(1, count):
        port = "signals[0]" if k % 2 else "signal"
        graph = graph.with_edge(f"n{k - 1}.out", f"n{k}.{port}")
    for place in range(1, 1 + count // 2):
        k = 2 * random_.randrange(1, count // 2) + 1
        graph = graph.with_edge(f"n{random_.randrange(k)}.out", f"n{k}.signals[{place}]")
    return graph


def cpu_ms(frame: object, frames: int = FRAMES) -> float:
    """Mean CPU time of a frame in milliseconds."""
    assert callable(frame)
    for k in range(5):
        frame(k)
    before = time.process_time()
    for k in range(frames):
        frame(k)
    return (time.process_time() - before) / frames * 1000


def ours(bench: Bench, count: int, *, fit: bool) -> float:
    """A pan over a graph: all of it on the screen, or as large as it is read."""
    bench.show_document(graph_of(count))
    if not fit:
        view = bench.editor.state.view
        bench.editor.state = bench.editor.state.zoomed(view.center, SIZE[0] / view.width)
    bench.refresh()
    step = bench.editor.state.view.width / 400

    def frame(k: int) -> None:
        state = bench.editor.state
        bench.editor.state = replace(state, view=state.view.moved(step if k % 20 < 10 else -step, 0))
        bench.refresh()
        bench.window.frame()

    return cpu_ms(frame)


def builtin(count: int) -> float:
    """The same boxes in the built-in node editor; it has no way to be moved from code, so it stands still."""
    graph = graph_of(count)
    with dpg.window(width=SIZE[0], height=SIZE[1], no_title_bar=True) as window, dpg.node_editor():
        outputs, inputs = {}, {}
        for node_id in graph.nodes:
            x, y = graph.view.nodes[node_id]
            scale = min(SIZE[0] / 300, SIZE[1] / 220) / max(count**0.5, 1)
            with dpg.node(label=node_id, pos=[int(x * scale), int(y * scale)]):
                for edge in graph.edges_into(node_id):
                    with dpg.node_attribute() as attribute:
                        dpg.add_text(edge.target.port)
                    inputs[edge] = attribute
                with dpg.node_attribute(attribute_type=dpg.mvNode_Attr_Output) as attribute:
                    dpg.add_text("out")
                outputs[node_id] = attribute
        for edge in graph.edges:
            dpg.add_node_link(outputs[edge.source.node], inputs[edge])
    cost = cpu_ms(lambda k: dpg.render_dearpygui_frame(), 12 if count > 500 else FRAMES)
    dpg.delete_item(window, children_only=False)
    return cost


def empty_plot() -> float:
    """A plot of Dear PyGui as it comes, as large as the canvas, with nothing in it."""
    window = dpg.add_window(width=SIZE[0], height=SIZE[1], no_title_bar=True, no_background=True)
    with dpg.plot(width=980, height=560, no_title=True, parent=window):
        dpg.add_plot_axis(dpg.mvXAxis)
        dpg.add_plot_axis(dpg.mvYAxis)
    cost = cpu_ms(lambda k: dpg.render_dearpygui_frame())
    dpg.delete_item(window)
    return cost


def event_ms(bench: Bench, count: int) -> tuple[float, float]:
    """Mean Python time of a pointer that moves over the graph, and of a node that is dragged over it, per event."""
    bench.show_document(graph_of(count))
    area = bench.canvas.camera.seen
    points = [(area.left + area.width * k / 60, area.top + area.height * (k * 7 % 60) / 60) for k in range(60)]

    def cost(events: list[Event]) -> float:
        before = time.process_time()
        for event in events:
            bench.take(event)
        return (time.process_time() - before) / len(events) * 1000

    scale = bench.canvas.scale
    hover = cost([Event("move", at, scale=scale) for at in points])
    start = bench.editor.scene.boxes[f"n{count // 2}"].header.center
    bench.take(Event("down", start, scale=scale))
    drag = cost([Event("move", at, scale=scale) for at in points])
    bench.take(Event("key", key="Escape"))
    return hover, drag


def idle_share(bench: Bench, seconds: float = 6.0) -> float:
    """The part of a core that the window takes while nothing happens."""
    until = time.monotonic() + seconds
    begin, cpu = time.monotonic(), time.process_time()

    def stop() -> bool:
        if time.monotonic() > until:
            bench.window.stop()
        return False

    bench.window.run(stop)
    return (time.process_time() - cpu) / (time.monotonic() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="*", type=int, default=[100, 300, 1000])
    counts = parser.parse_args().counts
    server = None
    if "DISPLAY" not in os.environ and shutil.which("Xvfb"):
        read, write = os.pipe()
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"], pass_fds=(write,)
        )
        os.close(write)
        with open(read) as answer:  # noqa: PTH123 - a pipe
            os.environ["DISPLAY"] = ":" + answer.readline().strip()
    bench = Bench(Editor(installed()), Settings())
    bench.open(size=SIZE)
    try:
        bench.show_document(Graph())
        empty = cpu_ms(lambda k: bench.window.frame())
        print(f"empty window: {empty:.0f} ms; idle: {100 * idle_share(bench):.0f} % of a core")
        dpg.hide_item(bench.window.root)
        plot = empty_plot()
        dpg.show_item(bench.window.root)
        print(f"empty plot: {plot:.0f} ms")
        for count in counts:
            hover, drag = event_ms(bench, count)
            fit, near = ours(bench, count, fit=True), ours(bench, count, fit=False)
            dpg.hide_item(bench.window.root)
            time.sleep(STILL)
            bench.canvas.tick()  # lines are smooth again
            theirs = builtin(count)
            dpg.show_item(bench.window.root)
            print(
                f"{count:5d} nodes: all seen {fit:.0f} ms, zoomed in {near:.0f} ms, node editor {theirs:.0f} ms; "
                f"{theirs / fit:.1f} times less, {fit / plot:.1f} times an empty plot; "
                f"an event: {hover:.2f} ms over it, {drag:.2f} ms dragging"
            )
    finally:
        bench.close()
        if server is not None:
            server.terminate()


if __name__ == "__main__":
    main()
