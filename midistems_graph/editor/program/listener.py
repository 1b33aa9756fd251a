"""The song and what is heard of it: binding, playing, keeping edges, running what is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from midistems_graph.audio.demo import demo_mixture
from midistems_graph.audio.files import SoundFileError
from midistems_graph.document.graph import Address, Edge, Graph, InputSlot, Node
from midistems_graph.editor.audition.desk import NotOnDesk
from midistems_graph.editor.model.bodies import all_edges
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.model.events import Audition
from midistems_graph.editor.program.locking import Locking
from midistems_graph.editor.program.pictures import Pictures
from midistems_graph.editor.program.sound_desk import SoundDesk
from midistems_graph.editor.program.sound_output import SoundOutput
from midistems_graph.editor.program.standing import Standing
from midistems_graph.editor.view.bars import Work
from midistems_graph.editor.view.bench import Bench
from midistems_graph.editor.view.browser import Browser
from midistems_graph.editor.view.ears import NO_SONG, Ears, mixture_of
from midistems_graph.editor.view.strip_hand import Hands
from midistems_graph.engine.binding import SONG, Bindings, InputProblem
from midistems_graph.engine.store import DiskStore, MemoryStore, StoreError, default_store_folder
from midistems_graph.engine.store.base import Store
from midistems_graph.node.library import installed

HEARD = "heard_"
"""What nodes begin with that play files instead of edges of the document."""


class Listener:
    """Lets the document of a bench be heard with one song."""

    def __init__(self, bench: Bench, browser: Browser) -> None:
        self.bench = bench
        self.song: Path | None = None
        self.further: Mapping[str, Path] = {}
        """Files and folders of the graph's further inputs, by name."""
        self.folder: Path | None = None
        """The folder of the graph file, below which files that the graph names lie."""
        self.ears: Ears | None = None
        self.store: Store | None = None
        self.song_bound: Callable[[Path], None] = lambda song: None
        self.recalled: Callable[[Path], Mapping[str, Path]] = lambda song: {}
        """What a song was heard with the last time, by the names of further inputs."""
        self.pictures, self.standing = Pictures(bench), Standing(bench)
        self.standing.computed = self.pictures.want_thumbnail
        commands = bench.commands
        commands |= {"run": self._run, "cancel": self._cancel, "play": self._play}
        self.desk = SoundDesk(bench, browser, lambda: self.ears, self._switched)
        self.output = SoundOutput(bench, lambda: self.ears)
        self.locking = Locking(bench, lambda: self.ears if self._files is None else None)
        self._edges: dict[Address, str] = {}
        self._known: frozenset[Edge] = frozenset()
        self._drawn: Edge | None = None
        """The edge that was drawn last, if it is still there."""
        self._files: Mapping[str, Path] | None = None
        self._is_new = False
        """Another document was begun, of whose nodes nothing is shown yet."""
        bench.audition, bench.changed = self._hear, self.changed

    def open(self) -> None:
        """Begin, when the window is there."""
        self.desk.open()
        self.output.open()
        self.pictures.open(Hands(self._seek, self._set_loop, self._unloop, scrub=self._scrub, release=self._release))
        self.bench.recolored = self._recolor

    def close(self) -> None:
        self.desk.close()
        self.output.close()
        self.locking.close()
        self.standing.close()
        self.pictures.close()
        if self.ears is not None:
            self.ears.close()
        if isinstance(self.store, DiskStore):
            self.store.close()

    def tick(self) -> bool:
        """Before every frame: what was computed and heard in the meantime; whether something moves."""
        moves = [self.pictures.tick(), self.desk.tick()]
        ears = self.ears
        if ears is None:
            return any(moves)
        self.standing.take(ears.take_events())
        self.output.tick(ears.deck.player.health)
        self.locking.tick(ears)
        progress = ears.progress
        self.bench.status.show_run(None if progress is None else Work(progress, self.standing.left))
        return progress is not None or any(moves)

    def bind(self, song: Path, further: Mapping[str, Path] | None = None) -> bool:
        """Let the graph be heard with a song, and with files of further inputs (by default those of the last time)."""
        if further is None:
            chosen = self.further if self.song in (None, song) else {}
            further = {**self.recalled(song), **chosen}
        if not self._listen({**further, SONG: song}):
            return False
        self.song, self.further, self._files = song, further, None
        self.song_bound(song)
        self.bench.say(f"listening to {song.name}")
        self.changed()
        return True

    def go_on_with(self, song: Path, further: Mapping[str, Path] | None = None) -> bool:
        """Another song, or other files beside it: the same edges, kept and heard, from the same moment."""
        ears = self.ears
        before = ears.desk if ears and ears.desk.edge else None
        seconds = ears.deck.status.sample / ears.deck.song.rate if ears else 0.0
        playing = bool(ears and ears.deck.transport.playing)
        if not self.bind(song, further):
            return False
        ears = self.ears
        assert ears is not None
        if before is not None:
            ears.desk.go_on_as(before)
            ears.seek(seconds if seconds < ears.seconds else 0.0)
            ears.deck.play(playing)
        return True

    def hear_files(self, song: Path, files: Sequence[tuple[str, Path]], name: str) -> bool:
        """Play one of some files that belong to a song, by name (any other name is the song), from the same moment.

        The document is heard again when one of its edges is clicked.
        """
        bound = {SONG: song, **{f"{HEARD}{number}": path for number, (_, path) in enumerate(files)}}
        at = next((f"{HEARD}{number}" for number, (own, _) in enumerate(files) if own == name), SONG)
        if bound != self._files:
            if not self._listen(bound):
                return False
            self._files = bound
            nodes = {f"{HEARD}{slot}": Node("io.load", knobs={"input": slot}) for slot in bound}
            assert self.ears is not None
            self.ears.show(Graph(nodes=nodes, inputs={slot: InputSlot() for slot in bound}))
        assert self.ears is not None
        self.ears.desk.hear(Address(f"{HEARD}{at}", "out"))
        self.ears.deck.play(True)
        return True

    def _listen(self, inputs: Mapping[str, Path]) -> bool:
        """Other files take the place of those that are heard; False (and a sentence) if they cannot be read."""
        if self.desk.is_exporting:
            self.bench.say("what is heard is being written to a file; wait for it, then open another song", wrong=True)
            return False
        self.pictures.bind(None)
        if self.ears is not None:
            self.ears.close()
            self.ears = None
        if self.store is None:
            self.store = opened_store()
        try:
            bindings = Bindings.open(inputs, self.folder)
        except InputProblem as problem:
            self.bench.say(str(problem), wrong=True)
            return False
        self._begin(Ears(installed(), self.store, bindings))
        return True

    def _begin(self, ears: Ears) -> None:
        self.ears = ears
        self.pictures.bind(self.ears)
        self.standing.bind(self.ears)
        self.ears.said = lambda sentence, wrong: self.bench.say(sentence, wrong=wrong)
        self.output.begin(self.ears)

    def bind_demo(self) -> None:
        """The demo song."""
        try:
            mixture = demo_mixture()
        except (OSError, SoundFileError) as error:
            self.bench.say(f"the demo song cannot be written: {error}", wrong=True)
            return
        self.bind(mixture)

    def _hear_previews(self) -> None:
        """Without a song: let what the graph file carries be heard."""
        previews = self.bench.editor.state.graph.previews
        if self.ears is None and previews:
            self.store = self.store or opened_store()
            self._begin(Ears(installed(), self.store, Bindings({}, previews[0].rate, Fraction(previews[0].total))))
            self.bench.say(NO_SONG)

    def _play(self) -> None:
        """Play or pause; if nothing was clicked yet, the edge that was drawn last, or the song, graph or no graph."""
        ears = self._heard_with()
        if ears is None:
            return
        editor, drawn = self.bench.editor, self._drawn
        if ears.desk.edge is None and self._files is None:
            flat = editor.insight.flat_source(editor.state.path, drawn.source) if drawn else None
            if flat := flat or mixture_of(editor.state.graph):
                ears.desk.hear(flat)
                self._switched()
            elif self.song is not None:
                self.hear_files(self.song, (), "")
                return
        ears.deck.toggle()

    def changed(self) -> None:
        edges = all_edges(self.bench.editor.state.body)
        new, self._known = edges - self._known, edges
        self._drawn = next(iter(new)) if len(new) == 1 else self._drawn if self._drawn in edges else None
        self._hear_previews()
        if self.ears is not None and self._files is None:
            self.ears.show(self.bench.editor.state.graph, self.folder)
            if self._is_new:
                self._is_new = False
                self.standing.forget()
                self.ears.live.tell_again()
            self.pictures.changed()
            self._switched()

    def _hear(self, asked: Audition) -> None:
        if self._files is not None and self.song is not None:
            self.bind(self.song)
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
            self.ears.deck.play()
        except NotOnDesk as error:
            self.bench.say(str(error), wrong=True)
        self._switched()

    def _switched(self) -> None:
        """Another edge is shown, or the same one stands elsewhere: mark it, the one that was clicked if it is there."""
        edge, editor = self.ears.desk.edge if self.ears else None, self.bench.editor
        insight, path = editor.insight, editor.state.path
        drawn = [str(e) for e in all_edges(editor.state.body) if edge and insight.flat_source(path, e.source) == edge]
        clicked = self._edges.get(edge, "") if edge else ""
        self.bench.canvas.play(clicked if clicked in drawn else min(drawn, default=""))

    def _heard_with(self) -> Ears | None:
        if self.ears is None:
            self.bench.say("no song is open; press Ctrl+O and choose a sound file", wrong=True)
        return self.ears

    def _seek(self, seconds: float) -> None:
        if ears := self._heard_with():
            ears.seek(seconds)

    def _scrub(self, seconds: float) -> None:
        if ears := self._heard_with():
            ears.deck.scrub(round(seconds * ears.deck.song.rate))

    def _release(self) -> None:
        if self.ears is not None:
            self.ears.deck.release()

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

    def forget(self) -> None:
        """Another document: nothing of the old one is heard or shown any more."""
        self._is_new = True
        self.bench.canvas.play("")
        self.pictures.forget()
        self.standing.forget()
        if self.ears is None:
            return
        self.ears.silence()
        if not self.ears.bindings.files:  # it was there for the previews of that document alone
            self.pictures.bind(None)
            self.standing.bind(None)
            self.ears.close()
            self.ears = None

    def _recolor(self) -> None:
        self.desk.recolor()
        self.pictures.recolor()


def opened_store() -> Store:
    """The user's store, or one in memory where it cannot be used."""
    try:
        return DiskStore(default_store_folder())
    except (StoreError, OSError):
        return MemoryStore()
