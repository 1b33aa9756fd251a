"""Sound and computing at the bench: what is clicked plays, what is computed is marked on the canvas.

`Ears` owns the engine and the deck while a song is bound.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from queue import Empty

from midistems_graph.audio.output_base import AudioOut
from midistems_graph.audio.output_silent import SilentOut
from midistems_graph.audio.values import Span, ceil_seconds
from midistems_graph.document.graph import Address, Graph
from midistems_graph.editor.audition.carried import CarriedPreviews
from midistems_graph.editor.audition.deck import Deck
from midistems_graph.editor.audition.desk import Desk
from midistems_graph.editor.audition.pages import Preview
from midistems_graph.editor.audition.takes import Take
from midistems_graph.editor.view.marks import Mark
from midistems_graph.engine.binding import SONG, Bindings
from midistems_graph.engine.live.engine import LiveEngine
from midistems_graph.engine.live.events import Idle, NodeChanged, NodeState, PreviewReady, Refused, StretchReady
from midistems_graph.engine.store.base import Store
from midistems_graph.node.library import NodeLibrary

log = logging.getLogger(__name__)

NO_SONG = "these are previews that came with the file; open the song (Ctrl+O) and all edges are computed"

AHEAD = 0.35
"""Seconds that are rendered ahead: nodes may hold the interpreter's lock for a few tenths of a second."""


class Ears:
    """Hears one song through one graph. All methods are for the main thread and return at once.

    `bindings` are the files bound to the graph's inputs, the song among them; without any only previews that the graph
    file carries are heard. Without an output time is kept in silence
    until one is opened (`deck.player.use`).
    """

    def __init__(
        self,
        library: NodeLibrary,
        store: Store,
        bindings: Bindings,
        out: AudioOut | None = None,
    ) -> None:
        self.bindings = bindings
        self.live = LiveEngine(library, store)
        self._carried = CarriedPreviews()
        whole = Span.whole(ceil_seconds(bindings.total, bindings.rate), bindings.rate)
        self.deck = Deck(self.live, whole, out=out or SilentOut(whole.rate, note=""), ahead=AHEAD, previews=self)
        self.desk = Desk(self.deck)
        self.said: Callable[[str, bool], None] = lambda sentence, wrong: None
        self.computed = False
        """Something new can be read since this was last set to False."""
        self._states: dict[str, NodeState] = {}
        self.deck.start()
        self.desk.figures.start()

    def close(self) -> None:
        self.desk.close()
        self.deck.close()
        self.live.close()
        self.bindings.close()

    @property
    def seconds(self) -> float:
        return float(self.bindings.total)

    def show(self, graph: Graph, folder: Path | None = None) -> None:
        """The graph was edited, or its file is in another folder now."""
        if folder != self.bindings.folder:
            self.bindings = replace(self.bindings, folder=folder)
        self._carried.show(graph, self.bindings.song_digest)
        moved = self.live.show(graph, self.bindings)
        if moved is not None:
            self.deck.use_mixture(mixture_of(graph))
            self.desk.changed(moved)

    def preview(self, address: Address) -> Preview | None:
        """What stands in for an edge that is not computed yet: the engine's preview, or one of the file."""
        return self.live.preview(address) or self._carried.preview(address)

    @property
    def take(self) -> Take | None:
        """The edge that is shown."""
        return Take.of(self.desk.edge) if self.desk.edge else None

    @property
    def other(self) -> Take | None:
        """The edge that it is compared with."""
        return Take.of(self.desk.other) if self.desk.other else None

    def seek(self, seconds: float) -> None:
        self.deck.seek(round(seconds * self.deck.song.rate))

    def loop(self, first: float, last: float) -> None:
        """Loop between two moments in seconds."""
        rate = self.deck.song.rate
        self.deck.loop(round(first * rate), round(last * rate))

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
                case Refused() if self.bindings.files:
                    self.said(event.message, True)
                case Refused():
                    self.said(NO_SONG, False)
                case Idle():
                    self.computed = True
                    self.deck.computed()
        return marks

    @property
    def progress(self) -> float | None:
        """How far the nodes at work are, 0 to 1; None if none is."""
        running = [state.done for state in self._states.values() if state.status == "running"]
        return sum(running) / len(running) if running else None

    def silence(self) -> None:
        """Another document: nothing of the old one is heard any more."""
        self.desk.forget()


def mixture_of(graph: Graph) -> Address | None:
    """The edge that lends its phase to masks and magnitudes: what loads the song."""
    loads = (name for name, node in sorted(graph.nodes.items()) if node.type == "io.load")
    song = (name for name in loads if graph.nodes[name].knobs.get("input", SONG) == SONG)
    return next((Address(name, "out") for name in song), None)


def mark_of(state: NodeState) -> Mark:
    """The standing of a node as the canvas shows it."""
    return Mark(state.status, state.done, state.seconds, state.nbytes, sentence=state.message)
