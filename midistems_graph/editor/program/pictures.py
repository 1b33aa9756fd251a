"""What is seen of the sound: the strip under the canvas and the small pictures on nodes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from midistems_graph.audio.values import Float32
from midistems_graph.editor.view.bench import Bench
from midistems_graph.editor.view.ears import Ears
from midistems_graph.editor.view.ears import Pictures as Painted
from midistems_graph.editor.view.listening import Listening
from midistems_graph.editor.view.palette import faded
from midistems_graph.editor.view.pictures import spectrogram, waveform
from midistems_graph.editor.view.textures import Textures

REPAINT_SECONDS = 0.7
THUMBNAIL = 240, 96
"""Width and height of the small waveforms on nodes, in pixels."""


class Pictures:
    """Shows at a bench what its ears hear; `ears` is None while no song is bound."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.ears: Ears | None = None
        self._repaint_at = 0.0
        self._thumbnails: set[str] = set()

    def open(
        self, seek: Callable[[float], None], loop: Callable[[float, float], None], unloop: Callable[[], None]
    ) -> None:
        """Begin, when the window is there; gestures on the strip go to the functions given."""
        bench, palette = self.bench, self.bench.window.palette
        self.textures = Textures()
        self.listening = Listening(bench.listening_area, palette, self.textures, seek, loop, unloop)
        bench.arranged = lambda: self.listening.place(bench.layout.listening)
        bench.show_listening(True)

    def tick(self) -> bool:
        """Before every frame; whether something moves."""
        self.textures.tick()
        ears = self.ears
        if ears is None:
            return False
        loop, total = ears.deck.transport.loop, max(ears.deck.song.total, 1)
        self.listening.mark(ears.deck.status.sample / total, loop and (loop[0] / total, loop[1] / total))
        if ears.computed and time.monotonic() > self._repaint_at:
            ears.computed = False
            self.repaint()
        return self.listening.is_dragged

    def repaint(self) -> None:
        """Have the strip's pictures made of what is heard now."""
        self._repaint_at = time.monotonic() + REPAINT_SECONDS
        if self.ears is not None:
            jobs = self.bench.window.jobs
            self.ears.paint(
                self.listening.columns,
                self.listening.rows[1],
                lambda made: jobs.post(lambda: self._show(made), "paint"),
            )

    def recolor(self) -> None:
        self.listening.palette = self.bench.window.palette
        self.listening.redraw("")
        self.repaint()

    def forget(self) -> None:
        """Another document: the small pictures of the old one go."""
        for name in self._thumbnails:
            self.textures.drop(name)
        self._thumbnails.clear()

    def want_thumbnail(self, node_id: str) -> None:
        """Have a small waveform made of the first output of a node that was computed."""
        box, insight = self.bench.editor.scene.boxes.get(node_id), self.bench.editor.insight
        spot = next((p for p in box.shape.ports if p.side == "out"), None) if box and box.shape.thumbnail else None
        flat = insight.flat_source(self.bench.editor.state.path, spot.address(node_id)) if spot else None
        if flat is None or self.ears is None:
            return
        jobs = self.bench.window.jobs
        self.ears.thumbnail(flat, THUMBNAIL[0], lambda edges: jobs.post(lambda: self._show_thumbnail(node_id, edges)))

    def _show_thumbnail(self, node_id: str, edges: Float32) -> None:
        item = self.bench.canvas.nodes.get(node_id)
        if item is not None:
            name = f"thumbnail of {node_id}"
            self._thumbnails.add(name)
            tag = self.textures.put(name, waveform(edges, THUMBNAIL[1], self.bench.window.palette.soft))
            self.bench.canvas.set_marks({node_id: replace(item.mark, picture=tag)})

    def _show(self, made: Painted) -> None:
        palette = self.bench.window.palette
        envelope, levels = made
        self.textures.put("wave", waveform(envelope, self.listening.rows[0], palette.accent))
        self.textures.put("levels", spectrogram(levels, faded(palette.accent, 255)))
        take = self.ears.take if self.ears else None
        self.listening.redraw(take.name if take else "")
