"""The song and what is heard of it: binding, playing, keeping edges, running what is asked for."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from midistems_graph.audio.demo import write_demo_mixture
from midistems_graph.audio.values import Float32
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.desk import NotOnDesk
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.model.events import Audition
from midistems_graph.editor.program.sound_desk import SoundDesk
from midistems_graph.editor.program.sound_output import SoundOutput
from midistems_graph.editor.view.bars import Work
from midistems_graph.editor.view.bench import Bench
from midistems_graph.editor.view.ears import Ears, Pictures
from midistems_graph.editor.view.listening import Listening
from midistems_graph.editor.view.marks import Mark
from midistems_graph.editor.view.palette import faded
from midistems_graph.editor.view.pictures import spectrogram, waveform
from midistems_graph.editor.view.textures import Textures
from midistems_graph.engine.binding import InputProblem
from midistems_graph.engine.store import DiskStore, MemoryStore, StoreError, default_store_folder
from midistems_graph.engine.store.base import Store
from midistems_graph.node.library import installed

REPAINT_SECONDS = 0.7
THUMBNAIL = 240, 96
"""Width and height of the small waveforms on nodes, in pixels."""


class Listener:
    """Lets the document of a bench be heard with one song."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.song: Path | None = None
        self.folder: Path | None = None
        """The folder of the graph file, below which files that the graph names lie."""
        self.ears: Ears | None = None
        self.store: Store | None = None
        self.song_bound: Callable[[Path], None] = lambda song: None
        self._repaint_at = 0.0
        self._thumbnails: set[str] = set()
        commands = bench.commands
        commands |= {"run": self._run, "cancel": self._cancel}
        self.desk = SoundDesk(bench, lambda: self.ears, self._switched)
        self.output = SoundOutput(bench, lambda: self.ears)
        self._edges: dict[Address, str] = {}
        bench.audition, bench.changed = self._hear, self.changed

    def open(self) -> None:
        """Begin, when the window is there."""
        bench, palette = self.bench, self.bench.window.palette
        self.textures = Textures()
        self.desk.open()
        self.output.open()
        self.listening = Listening(
            bench.listening_area, palette, self.textures, self._seek, self._set_loop, self._unloop
        )
        bench.arranged = lambda: self.listening.place(bench.layout.listening)
        bench.recolored = self._recolor
        bench.show_listening(True)

    def close(self) -> None:
        self.desk.close()
        self.output.close()
        if self.ears is not None:
            self.ears.close()
        if isinstance(self.store, DiskStore):
            self.store.close()

    def tick(self) -> bool:
        """Before every frame: what was computed and heard in the meantime; whether something moves."""
        self.textures.tick()
        ears = self.ears
        moves = self.desk.tick()
        if ears is None:
            return False
        self._mark(ears.take_events())
        status = ears.deck.status
        total = ears.seconds
        at = status.sample / ears.deck.song.rate
        loop = ears.deck.transport.loop
        frames = max(ears.deck.song.total, 1)
        self.listening.mark(at / max(total, 1e-9), loop and (loop[0] / frames, loop[1] / frames))
        self.output.tick(status.health)
        progress = ears.progress
        self.bench.status.show_run(None if progress is None else Work(progress))
        if ears.computed and time.monotonic() > self._repaint_at:
            ears.computed = False
            self._repaint()
        return moves or progress is not None or self.listening.is_dragged

    def bind(self, song: Path) -> bool:
        """Let the graph be heard with a song."""
        if self.desk.is_exporting:
            self.bench.say("what is heard is being written to a file; wait for it, then open another song", wrong=True)
            return False
        if self.ears is not None:
            self.ears.close()
            self.ears = None
        if self.store is None:
            self.store = opened_store()
        try:
            self.ears = Ears(installed(), self.store, song, self.folder, self.output.opened())
        except InputProblem as problem:
            self.bench.say(str(problem), wrong=True)
            return False
        self.song = song
        self.ears.said = lambda sentence, wrong: self.bench.say(sentence, wrong=wrong)
        self.song_bound(song)
        self.bench.say(f"listening to {song.name}")
        self.changed()
        return True

    def bind_demo(self) -> None:
        """The demo song, mixed into a file of its own."""
        mixture = Path(tempfile.gettempdir()) / "midistems-graph-demo.wav"
        try:
            write_demo_mixture(mixture)
        except OSError as error:
            self.bench.say(f"the demo song cannot be written: {error}", wrong=True)
            return
        self.bind(mixture)

    def changed(self) -> None:
        if self.ears is not None:
            self.ears.show(self.bench.editor.state.graph)

    def _hear(self, asked: Audition) -> None:
        if self._heard_with() is None:
            return
        if asked.flat is None:
            self.bench.say("nothing is known of this edge yet; connect what feeds it", wrong=True)
            return
        assert self.ears is not None
        if asked.edge:
            self._edges[asked.flat] = str(asked.edge)
        try:
            self.ears.desk.hear(asked.flat)
        except NotOnDesk as error:
            self.bench.say(str(error), wrong=True)
        self._switched()

    def _switched(self) -> None:
        """Another edge is shown."""
        edge = self.ears.desk.edge if self.ears else None
        self.bench.canvas.play(self._edges.get(edge, "") if edge else "")
        self._repaint()

    def _heard_with(self) -> Ears | None:
        if self.ears is None:
            self.bench.say("no song is open; press Ctrl+O and choose a sound file", wrong=True)
        return self.ears

    def _seek(self, part: float) -> None:
        if ears := self._heard_with():
            ears.seek(part)

    def _set_loop(self, first: float, last: float) -> None:
        if ears := self._heard_with():
            try:
                ears.loop(first, last)
            except ValueError as error:
                self.bench.say(str(error), wrong=True)

    def _unloop(self) -> None:
        if self.ears is not None:
            self.ears.deck.unloop()

    def _run(self) -> None:
        """Compute what is selected, or what is heard, from end to end."""
        ears = self._heard_with()
        if ears is None:
            return
        editor = self.bench.editor
        wanted = [
            flat
            for node in sorted(editor.state.selection.nodes)
            for port in editor.scene.boxes[node].shape.ports
            if port.side == "out" and (flat := editor.insight.flat_source(editor.state.path, port.address(node)))
        ]
        if not wanted and ears.take is None:
            raise Refused("select the nodes that are to be computed, or click an edge")
        for address in wanted:
            ears.live.want(address, (0 * ears.bindings.total, ears.bindings.total), 2)

    def _cancel(self) -> None:
        if self.ears is not None:
            self.ears.live.cancel()
            self.bench.say("cancelled; what was finished is kept")

    def _mark(self, marks: dict[str, Mark]) -> None:
        """Marks of flattened nodes on the canvas, those inside of groups on their instance."""
        editor = self.bench.editor
        prefix = editor.insight.prefix(editor.state.path)
        if prefix is None or not marks:
            return
        own = {}
        for address, mark in marks.items():
            if address.startswith(prefix):
                own[address[len(prefix) :].partition("/")[0].partition("[")[0]] = mark
        for node_id, mark in own.items():
            item = self.bench.canvas.nodes.get(node_id)
            if item is not None and item.mark.picture:
                own[node_id] = replace(mark, picture=item.mark.picture)
            if mark.phase == "cached":
                self._want_thumbnail(node_id)
        self.bench.canvas.set_marks(own)

    def forget(self) -> None:
        """Another document: nothing of the old one is heard or shown any more."""
        self.bench.canvas.play("")
        for name in self._thumbnails:
            self.textures.drop(name)
        self._thumbnails.clear()
        if self.ears is not None:
            self.ears.silence()

    # Pictures

    def _want_thumbnail(self, node_id: str) -> None:
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

    def _repaint(self) -> None:
        self._repaint_at = time.monotonic() + REPAINT_SECONDS
        if self.ears is not None:
            jobs = self.bench.window.jobs
            self.ears.paint(
                self.listening.columns,
                self.listening.rows[1],
                lambda made: jobs.post(lambda: self._show(made), "paint"),
            )

    def _show(self, made: Pictures) -> None:
        palette = self.bench.window.palette
        envelope, levels = made
        self.textures.put("wave", waveform(envelope, self.listening.rows[0], palette.accent))
        self.textures.put("levels", spectrogram(levels, faded(palette.accent, 255)))
        take = self.ears.take if self.ears else None
        self.listening.redraw(take.name if take else "")

    def _recolor(self) -> None:
        palette = self.bench.window.palette
        self.listening.palette = palette
        self.desk.recolor()
        self.listening.redraw("")
        self._repaint()


def opened_store() -> Store:
    """The user's store, or one in memory where it cannot be used."""
    try:
        return DiskStore(default_store_folder())
    except (StoreError, OSError):
        return MemoryStore()
