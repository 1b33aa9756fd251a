"""The editor put together: document, window, sound and runs."""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from midistems_graph.audio.demo import demo_folder, write_demo_mixture
from midistems_graph.audio.values import Float32
from midistems_graph.document.files import load, save
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.events import Audition
from midistems_graph.editor.model.journal import Journal
from midistems_graph.editor.model.recent import Recent
from midistems_graph.editor.model.settings import Settings
from midistems_graph.editor.view.bars import Work
from midistems_graph.editor.view.bench import Bench
from midistems_graph.editor.view.browser import Browser
from midistems_graph.editor.view.ears import Ears, Pictures
from midistems_graph.editor.view.listening import Listening
from midistems_graph.editor.view.marks import Mark
from midistems_graph.editor.view.menu import Row
from midistems_graph.editor.view.palette import faded
from midistems_graph.editor.view.pictures import spectrogram, waveform
from midistems_graph.editor.view.textures import Textures
from midistems_graph.editor.view.transport import Heard, TransportBar
from midistems_graph.engine.binding import InputProblem
from midistems_graph.engine.store import DiskStore, MemoryStore, StoreError, default_store_folder
from midistems_graph.engine.store.base import Store
from midistems_graph.node.library import installed

NO_WINDOW = 7
"""The exit code where no window can be opened."""

NO_GRAPH = 3
"""The exit code where the graph cannot be read."""

GRAPHS = (".json", ".mgraph")
SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff", ".opus", ".m4a")
REPAINT_SECONDS = 0.7
THUMBNAIL = 240, 96
"""Width and height of the small waveforms on nodes, in pixels."""


class App:
    """One window with one document and one song."""

    def __init__(self, graph: Graph, file: Path | None, song: Path | None, settings: Settings, recent: Recent) -> None:
        self.bench = Bench(Editor(installed(), graph), settings)
        self.file, self.song, self.recent = file, song, recent
        self.journal = Journal(file)
        self.ears: Ears | None = None
        self.store: Store | None = None
        self._repaint_at = 0.0
        self._thumbnails: set[str] = set()
        commands = self.bench.commands
        commands |= {"new": self._new, "open": self._ask_open, "save": self.save, "save_as": self._ask_save}
        commands |= {"quit": self.quit, "play": self._play, "stop": self._stop, "loop": self._loop}
        commands |= {"compare": self._compare, "run": self._run, "cancel": self._cancel}
        for number in range(10):
            commands[f"hear_{number}"] = partial(self._recall, number)
            commands[f"keep_{number}"] = partial(self._keep, number)

    # From beginning to end

    def open(self, *, visible: bool = True, size: tuple[int, int] | None = None) -> None:
        bench = self.bench
        bench.audition, bench.changed = self._hear, self._changed
        bench.open(self._title, visible=visible, size=size)
        bench.window.asked_to_close = self.quit
        palette = bench.window.palette
        self.textures = Textures()
        self.transport = TransportBar(bench.transport_area, palette, bench.do)
        self.listening = Listening(
            bench.listening_area, palette, self.textures, self._seek, self._set_loop, self._unloop
        )
        bench.arranged = lambda: self.listening.place(bench.layout.listening)
        bench.recolored = self._recolor
        self.browser = Browser(bench.menu, lambda: ((bench.window.size[0] / 2 - 280, 90), bench.window.size))
        bench.show_listening(True)
        self._name_file()
        if message := self.journal.open():
            bench.say(message, wrong=True)
        if self.song is not None:
            self.bind(self.song)
        if self.file is None and not bench.editor.state.graph.nodes:
            self.welcome()

    def run(self) -> None:
        self.bench.window.run(self.tick)

    def close(self) -> None:
        self.journal.close()
        if self.ears is not None:
            self.ears.close()
        self.bench.close()
        if isinstance(self.store, DiskStore):
            self.store.close()
        self.bench.settings.save()

    def tick(self) -> bool:
        """Before every frame: what was computed and heard in the meantime; whether something moves."""
        self.textures.tick()
        bench = self.bench
        if bench.editor.dirty:
            self.journal.keep(bench.editor.state.graph, time.monotonic())
        ears = self.ears
        if ears is None:
            self.transport.show(Heard())
            return False
        self._mark(ears.take_events())
        status = ears.deck.status
        total = ears.seconds
        at = status.sample / ears.deck.song.rate
        loop = ears.deck.transport.loop
        frames = max(ears.deck.song.total, 1)
        note = "computing" if status.waiting else "before the edit" if status.stale else status.note
        kept = tuple(number for number, take in enumerate(ears.deck.slots) if take is not None)
        name = status.take.name if status.take else ""
        playing = status.playing and (at < total or loop is not None)
        heard = Heard(playing, at, total, loop is not None, name, note, status.levels.peak, kept, ears.slot)
        self.transport.show(heard)
        self.listening.mark(at / max(total, 1e-9), loop and (loop[0] / frames, loop[1] / frames))
        health = status.health
        xruns = f"{health.xruns} xruns · " if health.xruns else ""
        bench.status.show_sound(f"{xruns}{health.rate} Hz · {health.period} frames", wrong=bool(health.xruns))
        progress = ears.progress
        bench.status.show_run(None if progress is None else Work(progress))
        if ears.computed and time.monotonic() > self._repaint_at:
            ears.computed = False
            self._repaint()
        return playing or progress is not None or self.listening.is_dragged

    # Files

    def welcome(self) -> None:
        """Offer presets, recent files and the demo song."""
        presets = sorted(demo_folder().parent.glob("*.json"))
        rows = [Row("", "Presets")]
        for path in presets:
            try:
                graph = load(path)
            except DocumentError:
                continue
            rows.append(Row(str(path), graph.title or path.stem, f"{len(graph.nodes)} nodes", note=graph.description))
        recent = self.recent.there.graphs[:6]
        if recent:
            rows.append(Row("", "Recent"))
            rows += [Row(str(path), path.name, str(path.parent)) for path in recent]
        rows += [Row("", "Begin"), Row("<demo>", "The demo song"), Row("<empty>", "An empty canvas")]

        def found(query: str) -> list[Row]:
            return [row for row in rows if not query or (row.id and query.lower() in f"{row.title} {row.hint}".lower())]

        def chosen(row: str) -> None:
            if row == "<demo>":
                self.bind_demo()
            elif row != "<empty>":
                self.open_file(Path(row), as_preset=Path(row) in presets)
                if self.ears is None:
                    self.bind_demo()

        width, height = self.bench.window.size
        self.bench.menu.open(
            (width / 2 - 280, 100),
            found,
            chosen,
            search="what would you like to open?",
            width=560,
            inside=(width, height),
        )

    def open_file(self, path: Path, *, as_preset: bool = False) -> bool:
        """Open a graph file; a preset becomes an untitled document."""
        try:
            graph = load(path)
        except DocumentError as error:
            self.bench.say(str(error), wrong=True)
            return False
        self.journal.close()
        self.file = None if as_preset else path
        self.journal = Journal(self.file)
        self._forget_heard()
        self.bench.show_document(graph, path.stem if as_preset else path.name)
        if not as_preset:
            self.recent = self.recent.with_graph(path)
            self.recent.save()
            if message := self.journal.open():
                self.bench.say(message, wrong=True)
        self._changed()
        self._name_file()
        return True

    def save(self) -> None:
        if self.file is None:
            self._ask_save()
        else:
            self.save_as(self.file)

    def save_as(self, path: Path) -> bool:
        """Write the document to a file; False (and a sentence) if that cannot be done."""
        try:
            save(self.bench.editor.state.graph, path)
        except DocumentError as error:
            self.bench.say(str(error), wrong=True)
            return False
        self.file = path
        self.journal.saved(path)
        self.bench.editor.mark_saved()
        self.recent = self.recent.with_graph(path)
        self.recent.save()
        self.bench.say(f"saved {path.name}")
        self._name_file()
        self.bench.refresh()
        return True

    def quit(self) -> None:
        """Close the window; with unsaved work ask first."""
        if not self.bench.editor.dirty:
            self.bench.window.stop()
            return
        rows = [
            Row("", f"{self.bench.file} has changes that are not saved"),
            Row("save", "Save and quit"),
            Row("quit", "Quit without saving"),
            Row("stay", "Stay"),
        ]

        def chosen(row: str) -> None:
            if row == "save":
                self.save()
            if row == "quit" or (row == "save" and not self.bench.editor.dirty):
                self.bench.window.stop()

        width, height = self.bench.window.size
        self.bench.menu.open((width / 2 - 180, height / 2 - 60), lambda _: rows, chosen, width=360)

    def _new(self) -> None:
        if self.bench.editor.dirty:
            raise Refused("the document has changes that are not saved; save it first, or undo them")
        self.file = None
        self._forget_heard()
        self.bench.show_document(Graph())
        self._changed()
        self._name_file()
        self.welcome()

    def _ask_open(self) -> None:
        self.browser.ask_open("open a graph or a song", (*GRAPHS, *SOUNDS), self._opened)

    def _opened(self, path: Path) -> None:
        if path.suffix.lower() not in GRAPHS:
            self.bind(path)
        elif self.bench.editor.dirty:
            self.bench.say("the document has changes that are not saved; save it first, or undo them", wrong=True)
        else:
            self.open_file(path)

    def _ask_save(self) -> None:
        self.browser.ask_save("save the graph", ".json", lambda path: (self.save_as(path), None)[1])

    def _name_file(self) -> None:
        if self.file is not None:
            self.bench.file = self.file.name
            self.browser.folder = self.file.parent
        self.bench.window.set_title(self._title)
        self.bench.refresh()

    @property
    def _title(self) -> str:
        return f"{self.file.name if self.file else self.bench.file} - midistems-graph"

    # Sound

    def bind(self, song: Path) -> bool:
        """Let the graph be heard with a song."""
        if self.ears is not None:
            self.ears.close()
            self.ears = None
        if self.store is None:
            self.store = opened_store()
        try:
            self.ears = Ears(installed(), self.store, song, self.file.parent if self.file else None)
        except InputProblem as problem:
            self.bench.say(str(problem), wrong=True)
            return False
        self.song = song
        self.ears.said = lambda sentence, wrong: self.bench.say(sentence, wrong=wrong)
        self.recent = self.recent.with_song(song)
        self.bench.say(f"listening to {song.name}")
        self._changed()
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

    def _changed(self) -> None:
        if self.ears is not None:
            self.ears.show(self.bench.editor.state.graph)

    def _hear(self, asked: Audition) -> None:
        if self._heard_with() is None:
            return
        if asked.flat is None:
            self.bench.say("nothing is known of this edge yet; connect what feeds it", wrong=True)
            return
        assert self.ears is not None
        self.ears.hear(asked.flat)
        self.bench.canvas.play(str(asked.edge) if asked.edge else "")
        self._repaint()

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

    def _keep(self, number: int) -> None:
        if (ears := self._heard_with()) and not ears.keep(number):
            raise Refused("nothing is heard; click an edge first")
        self.bench.say(f"kept under {number}")

    def _recall(self, number: int) -> None:
        if (ears := self._heard_with()) and not ears.recall(number):
            raise Refused(f"nothing is kept under {number}; hear an edge and press Ctrl+{number}")
        self._repaint()

    def _compare(self) -> None:
        if (ears := self._heard_with()) and not ears.swap():
            raise Refused("hear two edges first; this key goes from one to the other")
        self._repaint()

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

    def _forget_heard(self) -> None:
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
        self.transport.recolor(palette)
        self.listening.redraw("")
        self._repaint()


def opened_store() -> Store:
    """The user's store, or one in memory where it cannot be used."""
    try:
        return DiskStore(default_store_folder())
    except (StoreError, OSError):
        return MemoryStore()


def run_editor(graph_path: Path | None = None, song_path: Path | None = None) -> int:
    """Open the editor on a graph and a song (the welcome without them) and return the exit code when it is closed."""
    from midistems_graph.editor.view.display import NoDisplay, check_display

    try:
        check_display()
        graph = load(graph_path) if graph_path else Graph()
    except NoDisplay as reason:
        print(f"midistems-graph: {reason}", file=sys.stderr)
        return NO_WINDOW
    except DocumentError as error:
        print(f"midistems-graph: {error}", file=sys.stderr)
        return NO_GRAPH
    settings, _ = Settings.load()
    app = App(graph, graph_path, song_path, settings, Recent.load())
    try:
        app.open()
        app.run()
    finally:
        app.close()
    return 0
