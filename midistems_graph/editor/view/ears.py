"""Sound and computing at the bench: what is clicked plays, what is computed is marked on the canvas.

`Ears` owns the engine and the deck while a song is bound.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from queue import Empty

from midistems_graph.audio.values import Span
from midistems_graph.document.graph import Address, Graph
from midistems_graph.editor.audition.deck import Deck
from midistems_graph.editor.audition.takes import Take, difference
from midistems_graph.editor.view.marks import Mark
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.live import Idle, LiveEngine, NodeChanged, NodeState, Refused, StretchReady
from midistems_graph.engine.store.base import Store
from midistems_graph.node.library import NodeLibrary

log = logging.getLogger(__name__)


class Ears:
    """Hears one song through one graph. All methods are for the main thread and return at once."""

    def __init__(self, library: NodeLibrary, store: Store, song: Path, folder: Path | None) -> None:
        self.bindings = Bindings.open({"song": song}, folder)
        bound = self.bindings.files["song"]
        self.live = LiveEngine(library, store)
        self.deck = Deck(self.live, Span.whole(bound.frames, bound.rate))
        self.take: Take | None = None
        self.other: Take | None = None
        self.slot: int | None = None
        self.said: Callable[[str, bool], None] = lambda sentence, wrong: None
        self.computed = False
        """Something new can be read since this was last set to False."""
        self._states: dict[str, NodeState] = {}
        self.deck.start()

    def close(self) -> None:
        self.deck.close()
        self.live.close()
        self.bindings.close()

    @property
    def seconds(self) -> float:
        return float(self.bindings.total)

    def show(self, graph: Graph) -> None:
        """The graph was edited."""
        self.live.show(graph, self.bindings)
        self.deck.changed()

    def hear(self, address: Address, *, slot: int | None = None) -> None:
        """Play an edge from the same moment on."""
        if self.take is None or self.take.addresses != (address,):
            self.other = self.take
        self.take, self.slot = Take.of(address), slot
        self.deck.hear(self.take)

    def keep(self, number: int) -> bool:
        """Keep what is heard under a number key; False if nothing is."""
        if self.take is None:
            return False
        self.deck.keep(number, self.take)
        self.slot = number
        return True

    def recall(self, number: int) -> bool:
        take = self.deck.slots[number]
        if take is None:
            return False
        self.other, self.take, self.slot = self.take, take, number
        self.deck.hear(take)
        return True

    def swap(self) -> bool:
        """Hear the edge that was heard before; False if there was none."""
        if self.other is None:
            return False
        self.take, self.other, self.slot = self.other, self.take, None
        self.deck.hear(self.take)
        return True

    def hear_difference(self) -> bool:
        """Hear what is left of this edge without the one before."""
        if self.take is None or self.other is None:
            return False
        self.deck.hear(difference(self.take, self.other))
        return True

    def seek(self, seconds: float) -> None:
        self.deck.seek(round(seconds * self.deck.song.rate))

    def loop(self, first: float, last: float) -> None:
        """Loop between two moments in seconds."""
        rate = self.deck.song.rate
        self.deck.loop(round(first * rate), round(last * rate))

    def take_events(self) -> dict[str, Mark]:
        """What changed since the last time: marks by flattened address. Refusals are said."""
        marks: dict[str, Mark] = {}
        while True:
            try:
                event = self.live.events.get_nowait()
            except Empty:
                break
            match event:
                case NodeChanged(node, state):
                    self._states[node] = state
                    marks[node] = mark_of(state)
                case StretchReady():
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

    def silence(self) -> None:
        """Another document: nothing of the old one is heard any more."""
        self.deck.play(False)
        self.take = self.other = self.slot = None


def mark_of(state: NodeState) -> Mark:
    """The standing of a node as the canvas shows it."""
    return Mark(state.status, state.done, state.seconds, state.nbytes, sentence=state.message)
