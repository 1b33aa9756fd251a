"""The song and what is heard of it: binding, playing, keeping edges, running what is asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from midistems_graph.audio.demo import write_demo_mixture
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.model.events import Audition
from midistems_graph.editor.program.pictures import Pictures
from midistems_graph.editor.program.standing import Standing
from midistems_graph.editor.view.bars import Work
from midistems_graph.editor.view.bench import Bench
from midistems_graph.editor.view.ears import Ears
from midistems_graph.editor.view.strip import Hands
from midistems_graph.editor.view.transport import Heard, TransportBar
from midistems_graph.engine.binding import InputProblem
from midistems_graph.engine.store import DiskStore, MemoryStore, StoreError, default_store_folder
from midistems_graph.engine.store.base import Store
from midistems_graph.node.library import installed


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
        self.pictures, self.standing = Pictures(bench), Standing(bench)
        self.standing.computed = self.pictures.want_thumbnail
        commands = bench.commands
        commands |= {"play": self._play, "stop": self._stop, "loop": self._loop}
        commands |= {"compare": self._compare, "run": self._run, "cancel": self._cancel}
        for number in range(10):
            commands[f"hear_{number}"] = partial(self._recall, number)
            commands[f"keep_{number}"] = partial(self._keep, number)
        bench.audition, bench.changed = self._hear, self.changed

    def open(self) -> None:
        """Begin, when the window is there."""
        bench, palette = self.bench, self.bench.window.palette
        self.transport = TransportBar(bench.transport_area, palette, bench.do)
        self.pictures.open(Hands(self._seek, self._set_loop, self._unloop))
        bench.recolored = self._recolor

    def close(self) -> None:
        self.standing.close()
        self.pictures.close()
        if self.ears is not None:
            self.ears.close()
        if isinstance(self.store, DiskStore):
            self.store.close()

    def tick(self) -> bool:
        """Before every frame: what was computed and heard in the meantime; whether something moves."""
        moves = self.pictures.tick()
        ears = self.ears
        if ears is None:
            self.transport.show(Heard())
            return moves
        self.standing.take(ears.take_events())
        status = ears.deck.status
        total = ears.seconds
        at = status.sample / ears.deck.song.rate
        loop = ears.deck.transport.loop
        note = "computing" if status.waiting else "before the edit" if status.stale else status.note
        kept = tuple(number for number, take in enumerate(ears.deck.slots) if take is not None)
        name = status.take.name if status.take else ""
        playing = status.playing and (at < total or loop is not None)
        heard = Heard(playing, at, total, loop is not None, name, note, status.levels.peak, kept, ears.slot)
        self.transport.show(heard)
        health = status.health
        xruns = f"{health.xruns} xruns · " if health.xruns else ""
        self.bench.status.show_sound(f"{xruns}{health.rate} Hz · {health.period} frames", wrong=bool(health.xruns))
        progress = ears.progress
        self.bench.status.show_run(None if progress is None else Work(progress, self.standing.left))
        return playing or progress is not None or moves

    def bind(self, song: Path) -> bool:
        """Let the graph be heard with a song."""
        self.pictures.bind(None)
        if self.ears is not None:
            self.ears.close()
            self.ears = None
        if self.store is None:
            self.store = opened_store()
        try:
            self.ears = Ears(installed(), self.store, song, self.folder)
        except InputProblem as problem:
            self.bench.say(str(problem), wrong=True)
            return False
        self.song = song
        self.pictures.bind(self.ears)
        self.standing.bind(self.ears)
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
            self.pictures.changed()

    def _hear(self, asked: Audition) -> None:
        if self._heard_with() is None:
            return
        if asked.flat is None:
            self.bench.say("nothing is known of this edge yet; connect what feeds it", wrong=True)
            return
        assert self.ears is not None
        self.ears.hear(asked.flat)
        self.bench.canvas.play(str(asked.edge) if asked.edge else "")

    def _heard_with(self) -> Ears | None:
        if self.ears is None:
            self.bench.say("no song is open; press Ctrl+O and choose a sound file", wrong=True)
        return self.ears

    def _play(self) -> None:
        if ears := self._heard_with():
            ears.deck.play(not ears.deck.transport.playing)

    def _stop(self) -> None:
        if ears := self._heard_with():
            ears.deck.play(False)
            ears.deck.seek(0)

    def _loop(self) -> None:
        if ears := self._heard_with():
            if ears.deck.transport.loop:
                ears.deck.unloop()
            else:
                start = ears.deck.sample
                ears.deck.loop(start, min(start + 10 * ears.deck.song.rate, ears.deck.song.total))

    def _seek(self, seconds: float) -> None:
        if ears := self._heard_with():
            ears.seek(seconds)

    def _set_loop(self, first: float, last: float) -> None:
        if ears := self._heard_with():
            try:
                ears.loop(first, last)
            except ValueError as error:
                self.bench.say(str(error), wrong=True)

    def _unloop(self) -> None:
        if self.ears is not None:
            self.ears.deck.unloop()

    def _keep(self, number: int) -> None:
        if (ears := self._heard_with()) and not ears.keep(number):
            raise Refused("nothing is heard; click an edge first")
        self.bench.say(f"kept under {number}")

    def _recall(self, number: int) -> None:
        if (ears := self._heard_with()) and not ears.recall(number):
            raise Refused(f"nothing is kept under {number}; hear an edge and press Ctrl+{number}")

    def _compare(self) -> None:
        if (ears := self._heard_with()) and not ears.swap():
            raise Refused("hear two edges first; this key goes from one to the other")

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

    def forget(self) -> None:
        """Another document: nothing of the old one is heard or shown any more."""
        self.bench.canvas.play("")
        self.pictures.forget()
        self.standing.forget()
        if self.ears is not None:
            self.ears.silence()

    def _recolor(self) -> None:
        self.transport.recolor(self.bench.window.palette)
        self.pictures.recolor()


def opened_store() -> Store:
    """The user's store, or one in memory where it cannot be used."""
    try:
        return DiskStore(default_store_folder())
    except (StoreError, OSError):
        return MemoryStore()
