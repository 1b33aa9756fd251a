"""Sound and computing at the bench: what is clicked plays, what is computed is marked on the canvas.

`Ears` owns the engine and the deck while a song is bound; pictures of what is heard are made on a thread of its own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from queue import Empty

import numpy as np

from midistems_graph.audio.output_base import AudioOut
from midistems_graph.audio.values import Audio, Float32, Span, Stems, Value
from midistems_graph.document.graph import Address, Graph
from midistems_graph.editor.audition.audible import NotAudible, audible
from midistems_graph.editor.audition.deck import Deck
from midistems_graph.editor.audition.desk import Desk
from midistems_graph.editor.audition.takes import Take
from midistems_graph.editor.view.jobs import guarded
from midistems_graph.editor.view.marks import Mark
from midistems_graph.editor.view.pictures import envelope, levels
from midistems_graph.engine.binding import SONG, Bindings
from midistems_graph.engine.live import LiveEngine
from midistems_graph.engine.live_events import Idle, NodeChanged, NodeState, PreviewReady, Refused, StretchReady
from midistems_graph.engine.store.base import Store
from midistems_graph.node.library import NodeLibrary

log = logging.getLogger(__name__)

Pictures = tuple[Float32, Float32]
"""Envelope [2, columns] and levels in dB [rows, columns]."""


class Ears:
    """Hears one song through one graph. All methods are for the main thread and return at once."""

    def __init__(
        self, library: NodeLibrary, store: Store, song: Path, folder: Path | None, out: AudioOut | None = None
    ) -> None:
        self.bindings = Bindings.open({"song": song}, folder)
        bound = self.bindings.files["song"]
        self.live = LiveEngine(library, store)
        self.deck = Deck(self.live, Span.whole(bound.frames, bound.rate), out=out)
        self.desk = Desk(self.deck)
        self.said: Callable[[str, bool], None] = lambda sentence, wrong: None
        self.computed = False
        """Something new can be read since this was last set to False."""
        self._states: dict[str, NodeState] = {}
        self._painter = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        self._painting = threading.Event()
        self.deck.start()
        self.desk.figures.start()

    def close(self) -> None:
        self.desk.close()
        self._painter.shutdown(wait=True, cancel_futures=True)
        self.deck.close()
        self.live.close()
        self.bindings.close()

    @property
    def seconds(self) -> float:
        return float(self.bindings.total)

    def show(self, graph: Graph) -> None:
        """The graph was edited."""
        self.live.show(graph, self.bindings)
        self.deck.use_mixture(mixture_of(graph))
        self.deck.changed()

    @property
    def take(self) -> Take | None:
        """The edge that is shown."""
        return Take.of(self.desk.edge) if self.desk.edge else None

    def seek(self, part: float) -> None:
        self.deck.seek(round(part * self.deck.song.total))

    def loop(self, first: float, last: float) -> None:
        total = self.deck.song.total
        self.deck.loop(round(first * total), round(last * total))

    def take_events(self) -> dict[str, Mark]:
        """What changed since the last time: marks by flattened address. Refusals are said."""
        marks: dict[str, Mark] = {}
        messages = self.deck.player.messages
        while messages:
            self.said(messages.popleft(), True)
        while True:
            try:
                event = self.live.events.get_nowait()
            except Empty:
                break
            match event:
                case NodeChanged(node, state):
                    self._states[node] = state
                    marks[node] = mark_of(state)
                case StretchReady() | PreviewReady():
                    self.computed = True
                    self.deck.computed()
                case Refused():
                    self.said(event.message, True)
                case Idle():
                    self.computed = True
                    self.deck.computed()
        return marks

    @property
    def progress(self) -> float | None:
        """How far the nodes at work are, 0 to 1; None if none is."""
        running = [state.done for state in self._states.values() if state.status == "running"]
        return sum(running) / len(running) if running else None

    def paint(self, columns: int, rows: int, done: Callable[[Pictures], None]) -> None:
        """Make pictures of what is heard, as far as it is computed; `done` is called on another thread."""
        take = self.take
        if take is None or self._painting.is_set():
            return
        self._painting.set()

        def work() -> None:
            try:
                painted = self._painted(take.addresses[0], columns, rows)
            except Exception:
                log.exception("no picture could be made")
                return
            finally:
                self._painting.clear()
            done(painted)

        self._painter.submit(work)

    def thumbnail(self, address: Address, columns: int, done: Callable[[Float32], None]) -> None:
        """Make the envelope of an edge, if all of it is computed; `done` is called on another thread."""

        def work() -> None:
            sound = as_sound(self.live.read(address, (Fraction(0), self.bindings.total)))
            if sound is not None:
                done(envelope(sound.samples, columns))

        self._painter.submit(guarded, work)

    def silence(self) -> None:
        """Another document: nothing of the old one is heard any more."""
        self.desk.forget()

    def _painted(self, address: Address, columns: int, rows: int) -> Pictures:
        edges = np.zeros((2, columns), np.float32)
        decibels = np.full((rows, columns), -200.0, np.float32)
        total, pieces = self.bindings.total, max(1, int(self.bindings.total // 8))
        for piece in range(pieces):
            first, last = columns * piece // pieces, columns * (piece + 1) // pieces
            if last <= first:
                continue
            stretch = total * Fraction(first, columns), total * Fraction(last, columns)
            sound = as_sound(self.live.read(address, stretch))
            if sound is not None:
                edges[:, first:last] = envelope(sound.samples, last - first)
                decibels[:, first:last] = levels(sound.samples, sound.rate, last - first, rows)
        return edges, decibels


def mixture_of(graph: Graph) -> Address | None:
    """The edge that lends its phase to masks and magnitudes: what loads the song."""
    loads = (name for name, node in sorted(graph.nodes.items()) if node.type == "io.load")
    song = (name for name in loads if graph.nodes[name].knobs.get("input", SONG) == SONG)
    return next((Address(name, "out") for name in song), None)


def as_sound(value: Value | None) -> Audio | None:
    """A value as sound, if it is there and can be heard without a mixture."""
    if isinstance(value, Audio):
        return value
    if value is None or (isinstance(value, Stems) and not len(value)):
        return None
    try:
        return audible(value).audio
    except NotAudible:
        return None


def mark_of(state: NodeState) -> Mark:
    """The standing of a node as the canvas shows it."""
    return Mark(state.status, state.done, state.seconds, state.nbytes, sentence=state.message)
